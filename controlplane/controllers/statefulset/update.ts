// Which pods of an earlier revision a rolling update deletes now; the next passes create them from the new template. Pure.
import type { StatefulSet } from '../../api/stateful-set';
import { isDeleting } from '../shared/owner';
import { isAvailable } from './health';
import { replicasOf, revisionOf, startOf } from './identity';
import type { Member, StatefulSetInput, Step } from './plan';

/** `desired`: in ascending order. Pods go from the highest ordinal down, as many as may be missing at once. */
export function planUpdate({ set, update, now }: StatefulSetInput, desired: readonly Member[]): Step[] {
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {};
  if (type === 'OnDelete') return [];
  const lowest = startOf(set) + (rollingUpdate?.partition ?? 0);
  const old = desired
    .filter(({ pod, ordinal }) => ordinal >= lowest && revisionOf(pod) !== update && !isDeleting(pod))
    .reverse();
  const isServing = ({ pod }: Member) => isAvailable(pod, set, now) && !isDeleting(pod);
  const room = maxUnavailable(set) - (replicasOf(set) - desired.filter(isServing).length);
  // Of a parallel set, old pods that serve nothing go first and in any case: they may never become available.
  const parallel = set.spec?.podManagementPolicy === 'Parallel';
  const useless = parallel ? old.filter((member) => !isServing(member)) : [];
  const others = parallel ? old.filter(isServing) : old;
  return [...useless, ...others.slice(0, Math.max(0, room))].map(({ pod }) => ({ action: 'delete', pod }));
}

/** A percentage is rounded down, but at least one pod may be missing. */
function maxUnavailable(set: StatefulSet): number {
  const value = (set.spec?.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1) as number | string;
  const count = typeof value === 'number' ? value : Math.floor((Number.parseInt(value, 10) * replicasOf(set)) / 100);
  return Math.max(1, count);
}
