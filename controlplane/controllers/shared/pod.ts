// The state of a pod, as several controllers read it.
import { conditionOf } from '../../api/conditions';
import type { Pod } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import { isDeleting } from './owner';

/** Neither finished nor being deleted: only such a pod counts as a replica. */
export const isActive = (pod: Pod): boolean => !isTerminal(pod) && !isDeleting(pod);

/** When the pod became ready, in ms since the epoch; undefined while it is not. */
export function readySince(pod: Pod): number | undefined {
  const ready = conditionOf(pod, 'Ready');
  return ready?.status === 'True' ? Date.parse(ready.lastTransitionTime ?? '') || 0 : undefined;
}

/** Available: ready for at least `minReadySeconds`. Otherwise `inMs` is the time until then; undefined while the pod is not ready. */
export function availability(
  pod: Pod,
  minReadySeconds: number,
  now: number,
): { readonly available: boolean; readonly inMs?: number } {
  const since = readySince(pod);
  if (since === undefined) return { available: false };
  const inMs = since + minReadySeconds * 1000 - now;
  return minReadySeconds === 0 || inMs <= 0 ? { available: true } : { available: false, inMs };
}
