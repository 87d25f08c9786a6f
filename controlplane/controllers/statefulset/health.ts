// The health of one pod of a StatefulSet. Pure.
import { isReady } from '../../api/conditions';
import type { Pod } from '../../api/pod';
import type { StatefulSet } from '../../api/stateful-set';
import { availability } from '../shared/pod';

export const isRunningAndReady = (pod: Pod): boolean => pod.status?.phase === 'Running' && isReady(pod);

/** Running, and ready for minReadySeconds. */
export const isAvailable = (pod: Pod, set: StatefulSet, now: number): boolean =>
  isRunningAndReady(pod) && availability(pod, set.spec?.minReadySeconds ?? 0, now).available;

/** The pod runs no more, which a pod of a set should not: it is replaced. */
export const hasEnded = ({ status }: Pod): boolean => status?.phase === 'Failed' || status?.phase === 'Succeeded';
