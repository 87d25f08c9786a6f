// The answer to a patch that does not apply. kube-apiserver does not report why.
import { Invalid } from '../../base/errors';

/** The full message. kubectl shows it unchanged when the details have no causes. */
export const patchRejected = 'the server rejected our request due to an error in our request';
/** Characters of the reason: a path or an operation in it may be megabytes long. */
const maxShown = 1_000;

/** HTTP 422 with empty details. The cause says why: webhooks and policies show it, other clients do not see it. */
export class PatchRejected extends Invalid {
  constructor(why: string) {
    super(patchRejected, [], { cause: new Error(why.slice(0, maxShown)) });
  }
}

/** A patch that leaves a list where the object was. */
export class ObjectIsList extends PatchRejected {
  constructor(readonly list: readonly unknown[]) {
    super('the patch leaves no object');
  }
}
