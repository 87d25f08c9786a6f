// The health of one pod of a StatefulSet. Pure.
import { isReady } from '../../api/conditions';
import type { Pod } from '../../api/pod';
import type { StatefulSet } from '../../api/stateful-set';
import { availability } from '../shared/pod';

export const isRunningAndReady = (pod: Pod): boolean => pod.status?.phase === 'Running' && isReady(pod);

/** Running, and ready for minReadySeconds. */
export const isAvailable = (pod: Pod, set: StatefulSet, now: number): boolean =>
  isRunningAndReady(pod) && availability(pod, set.spec?.minReadySeconds ?? 0, now).available;

/** How the pod has ended; undefined while it may run. */
export function ending({ status }: Pod): 'failed' | 'terminated' | undefined {
  if (status?.phase === 'Failed') return 'failed';
  return status?.phase === 'Succeeded' ? 'terminated' : undefined;
}
