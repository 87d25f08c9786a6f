// Which pods no kubelet will ever remove: pods on deleted nodes, pods that are deleted before they had a node, deleted pods on nodes
// that are out of service, and too many finished pods.

import { isReady } from '../../api/conditions';
import type { Node } from '../../api/node';
import type { Pod } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import { outOfServiceTaint } from '../shared/out-of-service';
import { isDeleting } from '../shared/owner';

/** The pods of a missing node are deleted after this time: the node may register again before. */
export const quarantineMs = 40_000;
/** The default of --terminated-pod-gc-threshold. */
export const maxTerminated = 12_500;

/** True for a pod that is being deleted and has no kubelet. */
export const isUnscheduledTerminating = (pod: Pod): boolean => isDeleting(pod) && !pod.spec?.nodeName;

/**
 * True for a node that is not ready and that an administrator has marked as switched off (KEP-2268): nothing runs there any more, so
 * its deleted pods need no kubelet.
 */
export const isOutOfService = (node: Node): boolean =>
  !isReady(node) && (node.spec?.taints ?? []).some(({ key }) => key === outOfServiceTaint);

/** The oldest finished pods beyond the limit. */
export function planTerminated(pods: readonly Pod[], limit = maxTerminated): readonly Pod[] {
  const finished = pods.filter((pod) => isTerminal(pod) && !isDeleting(pod));
  if (finished.length <= limit) return [];
  const age = ({ metadata }: Pod) => `${metadata?.creationTimestamp ?? ''} ${metadata?.name ?? ''}`;
  return [...finished].sort((a, b) => (age(a) < age(b) ? -1 : 1)).slice(0, finished.length - limit);
}
