// Conditions in the status of an object: one per type, read (base/condition-state.ts) and written by one rule. A write replaces all fields of a condition;
// lastTransitionTime changes only with the status.
import { isDeepStrictEqual } from 'node:util';
import { formatTime } from '../base/clock';
import type { Condition } from '../base/condition-state';

export { type Condition, conditionOf, isConditionTrue, isReady } from '../base/condition-state';

/** `next`, with the time of the last change of its status. */
export function conditionAfter<C extends Condition>(
  before: C | undefined,
  next: Omit<C, 'lastTransitionTime'>,
  now: number,
): C {
  const lastTransitionTime = before?.status === next.status ? before.lastTransitionTime : formatTime(now);
  return { ...next, lastTransitionTime } as C;
}

/** The list with `next` in place of its type; the same list when nothing would change. */
export function withCondition<C extends Condition>(
  conditions: readonly C[] | undefined,
  next: Omit<C, 'lastTransitionTime'>,
  now: number,
): readonly C[] {
  const list = conditions ?? [];
  const before = list.find(({ type }) => type === next.type);
  const after = conditionAfter(before, next, now);
  if (before && isDeepStrictEqual(before, after)) return list;
  return before ? list.map((condition) => (condition === before ? after : condition)) : [...list, after];
}

export function withoutCondition<C extends Condition>(
  conditions: readonly C[] | undefined,
  type: string,
): readonly C[] {
  const list = conditions ?? [];
  return list.some((condition) => condition.type === type) ? list.filter((condition) => condition.type !== type) : list;
}
