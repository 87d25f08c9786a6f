// status.observedGeneration and that of the conditions: a writer that does not know the fields, such as an old kubelet, keeps them (KEP-5067).
import type { V1PodStatus } from '@kubernetes/client-node';
import type { Wire } from '../types';

type Status = Wire<V1PodStatus> | undefined;

/** Changes `status` in place. Conditions are compared by type; of several with one type, the first with the first. */
export function keepObservedGenerations(status: Status, old: Status): void {
  if (!status || !old) return;
  if (!status.observedGeneration && old.observedGeneration) status.observedGeneration = old.observedGeneration;
  const known = new Map<string, (number | undefined)[]>();
  for (const { type, observedGeneration } of old.conditions ?? []) {
    const same = known.get(type) ?? [];
    same.push(observedGeneration);
    known.set(type, same);
  }
  for (const condition of status.conditions ?? []) {
    const before = known.get(condition.type)?.shift();
    if (!condition.observedGeneration && before) condition.observedGeneration = before;
  }
}
