// Which pods nobody will ever finish: on nodes that are gone, being deleted without ever having had a node, or finished
// and too many.

import type { Pod } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import { isDeleting } from '../shared/owner';

/** A node is missing for this long before its pods are given up: it may only have been registered anew. */
export const quarantineMs = 40_000;
/** The default of --terminated-pod-gc-threshold. */
export const maxTerminated = 12_500;

/** True for a pod being deleted that has no kubelet to end it. */
export const isUnscheduledTerminating = (pod: Pod): boolean => isDeleting(pod) && !pod.spec?.nodeName;

/** The oldest finished pods beyond the limit. */
export function planTerminated(pods: readonly Pod[], limit = maxTerminated): readonly Pod[] {
  const finished = pods.filter((pod) => isTerminal(pod) && !isDeleting(pod));
  if (finished.length <= limit) return [];
  const age = ({ metadata }: Pod) => `${metadata?.creationTimestamp ?? ''} ${metadata?.name ?? ''}`;
  return [...finished].sort((a, b) => (age(a) < age(b) ? -1 : 1)).slice(0, finished.length - limit);
}
