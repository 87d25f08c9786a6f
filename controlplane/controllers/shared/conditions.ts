// Status conditions: a list keyed by type, where a change of status moves lastTransitionTime and nothing else does.
import { isDeepStrictEqual } from 'node:util';
import { formatTime } from '../../base/clock';

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

/** The list with `next` in place of its type; the same list when nothing would change. */
export function withCondition<C extends Condition>(
  conditions: readonly C[] | undefined,
  next: Omit<C, 'lastTransitionTime'>,
  now: number,
): readonly C[] {
  const list = conditions ?? [];
  const before = list.find(({ type }) => type === next.type);
  const lastTransitionTime = before?.status === next.status ? before.lastTransitionTime : formatTime(now);
  const after = { ...before, ...next, lastTransitionTime } as C;
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
