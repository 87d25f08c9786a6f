// Which pods no kubelet will ever remove: pods on deleted nodes, pods that are deleted on nodes out of service or before they had a
// node, and too many finished pods.

import { isReady } from '../../api/conditions';
import type { Node } from '../../api/node';
import { outOfServiceTaint } from '../../api/node-taints';
import type { Pod } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import { isDeleting } from '../shared/owner';

/** The pods of a missing node are deleted after this time: the node may register again before. */
export const quarantineMs = 40_000;
/** The default of --terminated-pod-gc-threshold. */
export const maxTerminated = 12_500;

/** True for a pod that is being deleted and has no kubelet. */
export const isUnscheduledTerminating = (pod: Pod): boolean => isDeleting(pod) && !pod.spec?.nodeName;

/** An administrator says so by a taint, and the node does not report that it is ready (KEP-2268). */
export const isOutOfService = (node: Node): boolean =>
  !isReady(node) && (node.spec?.taints ?? []).some(({ key }) => key === outOfServiceTaint);

/** The oldest finished pods beyond the limit. */
export function planTerminated(pods: readonly Pod[], limit = maxTerminated): readonly Pod[] {
  const finished = pods.filter((pod) => isTerminal(pod) && !isDeleting(pod));
  if (finished.length <= limit) return [];
  const age = ({ metadata }: Pod) => `${metadata?.creationTimestamp ?? ''} ${metadata?.name ?? ''}`;
  return [...finished].sort((a, b) => (age(a) < age(b) ? -1 : 1)).slice(0, finished.length - limit);
}
