// The API object of a rule, parsed from the comment that the compilers write. The kernel keeps only the comment, so a listing of
// the kernel names the same objects as a plan.
import { maxComment } from '../nftables/text';
import type { ObjectRef } from './journey';

/** `shop/web`, `shop/web:http`, `pod:shop/web-0:http`, and what follows: ` -> …`, `: from outside`, ` has no endpoints`. */
const service = /^(pod:)?([a-z0-9-]+\/[a-z0-9.-]+)(?::([a-z0-9-]+))?(?=$|: | )(?: -> (\S+)$)?/;

/** The comments that dataplane/service writes, in both modes. */
export function serviceOfComment(comment: string): readonly ObjectRef[] {
  const [whole, pod, key, port, endpoint] = service.exec(comment) ?? [];
  if (key === undefined || isCut(comment, whole!)) return [];
  return [
    {
      kind: pod === undefined ? 'Service' : 'Pod',
      key,
      ...(port === undefined ? {} : { port }),
      ...(endpoint === undefined ? {} : { endpoint }),
    },
  ];
}

/** nft cuts comments at this length, so a name at the end may be incomplete. */
const isCut = (comment: string, found: string): boolean =>
  comment.length === maxComment && found.length === comment.length;

/**
 * The comments that dataplane/policy writes: `shop/allow-web: ingress[0]`, `shop/allow-web`, `ingress not allowed by shop/a,
 * shop/b`.
 */
export function policiesOfComment(comment: string): readonly ObjectRef[] {
  const refused = /^(?:ingress|egress) not allowed by (.*)$/.exec(comment);
  if (refused) {
    const keys = refused[1]!.split(', ');
    if (comment.length === maxComment) keys.pop();
    return keys.map((key) => ({ kind: 'NetworkPolicy', key }));
  }
  const [whole, key, rule] = /^([a-z0-9-]+\/[a-z0-9.-]+)(?:: ((?:ingress|egress)\[\d+\]))?$/.exec(comment) ?? [];
  if (key === undefined || isCut(comment, whole!)) return [];
  return [{ kind: 'NetworkPolicy', key, ...(rule === undefined ? {} : { rule }) }];
}
