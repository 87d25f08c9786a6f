// Admission: plug-ins in a fixed order, each seeing what the one before left. A plug-in changes `object` or throws. The two
// phases are kube-apiserver's: the first fills in and refuses before a name is generated, the second judges what will be stored.
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import type { AppError } from '../../base/errors';
import type { UserInfo } from '../request';
import { forbidden } from '../status';

export type Operation = 'create' | 'update' | 'delete' | 'connect';

export interface Write {
  readonly operation: Operation;
  readonly kind: Kind;
  readonly namespace: string;
  /** '' while a name is not generated yet. */
  readonly name: string;
  readonly subresource: string;
  /** What is going to be written; of a subresource with a body of its own kind, that body. Absent for a deletion. */
  readonly object?: KubeObject;
  readonly old?: KubeObject;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** Texts sent back as Warning headers. */
  readonly warnings: string[];
}

/** @throws Forbidden, Invalid, Conflict */
export type AdmissionPlugin = (write: Write) => void;

export class Admission {
  constructor(
    private readonly mutating: readonly AdmissionPlugin[],
    private readonly validating: readonly AdmissionPlugin[] = [],
  ) {}

  /** First phase: plug-ins may change the object. A generated name does not exist yet. @throws what the first refusing one throws */
  admit(write: Write): void {
    for (const plugin of this.mutating) plugin(write);
  }

  /** Second phase, after the field rules: plug-ins judge the object as it will be stored. @throws likewise */
  validate(write: Write): void {
    for (const plugin of this.validating) plugin(write);
  }
}

/**
 * A refusal of this write. An object whose name is yet to be generated is shown by its prefix, so that events about the
 * replicas of one workload read the same and are counted as one.
 */
export function refusal({ kind, name, object }: Write, why: string): AppError {
  const shown = name || object?.metadata?.name || object?.metadata?.generateName || 'Unknown';
  return forbidden(kind, shown, why);
}
