// How many pods of a PodDisruptionBudget may be evicted now: the arithmetic of "Specifying a Disruption Budget for your Application".

import { isDeepStrictEqual } from 'node:util';
import { isReady, withCondition } from '../../api/conditions';
import type { Pod } from '../../api/pod';
import type { PodDisruptionBudget } from '../../api/pod-disruption-budget';
import { formatTime } from '../../base/clock';

type Status = NonNullable<PodDisruptionBudget['status']>;

/** An allowed eviction without a deletion counts against the budget for this time. */
export const evictionTimeoutMs = 2 * 60_000;

export interface BudgetInput {
  readonly budget: PodDisruptionBudget;
  /** All pods the selector matches. */
  readonly pods: readonly Pod[];
  /** The sum of the desired replicas of their controllers. */
  readonly desired: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}
export interface BudgetPlan {
  /** Absent when the stored status is right already. */
  readonly status?: Status;
  /** When to look again, because an announced eviction times out. */
  readonly againInMs?: number;
}

export function planBudget({ budget, pods, desired, now }: BudgetInput): BudgetPlan {
  const announced = stillAnnounced(budget, pods, now);
  const currentHealthy = pods.filter(
    (pod) => !pod.metadata?.deletionTimestamp && !(nameOf(pod) in announced) && isReady(pod),
  ).length;
  const { expectedPods, desiredHealthy } = demand(budget, pods.length, desired);
  const spare = currentHealthy - desiredHealthy;
  const disruptionsAllowed = expectedPods > 0 && spare > 0 ? spare : 0;
  const { disruptedPods: _, ...before } = { ...budget.status };
  const status: Status = {
    ...before,
    observedGeneration: budget.metadata?.generation ?? 0,
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy,
    expectedPods,
    ...(Object.keys(announced).length > 0 ? { disruptedPods: announced } : {}),
    conditions: [...conditionsAfter(budget, disruptionsAllowed, now)],
  };
  const ends = Object.values(announced).map((time) => Date.parse(String(time)) + evictionTimeoutMs - now);
  return {
    ...(isDeepStrictEqual(status, budget.status) ? {} : { status }),
    ...(ends.length > 0 ? { againInMs: Math.max(0, Math.min(...ends)) } : {}),
  };
}

/** The condition that shows whether any pod may be evicted. */
function conditionsAfter({ status, metadata }: PodDisruptionBudget, disruptionsAllowed: number, now: number) {
  const allowed = disruptionsAllowed > 0;
  return withCondition(
    status?.conditions,
    {
      type: 'DisruptionAllowed',
      status: allowed ? 'True' : 'False',
      reason: allowed ? 'SufficientPods' : 'InsufficientPods',
      message: '',
      observedGeneration: metadata?.generation ?? 0,
    },
    now,
  );
}

/** Allowed evictions whose pods are not being deleted yet and whose time is not over. */
function stillAnnounced({ status }: PodDisruptionBudget, pods: readonly Pod[], now: number): Record<string, string> {
  const before: Readonly<Record<string, string>> = status?.disruptedPods ?? {};
  const entries = pods.flatMap((pod) => {
    const time = before[nameOf(pod)];
    const over = time === undefined || pod.metadata?.deletionTimestamp || Date.parse(time) + evictionTimeoutMs <= now;
    return over ? [] : [[nameOf(pod), formatTime(Date.parse(time))] as const];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A number in minAvailable needs no replicas; every other budget is a part of the desired replicas. */
function demand({ spec }: PodDisruptionBudget, matching: number, desired: number) {
  const { minAvailable, maxUnavailable } = spec ?? {};
  if (maxUnavailable !== undefined) {
    return { expectedPods: desired, desiredHealthy: Math.max(0, desired - partOf(maxUnavailable, desired)) };
  }
  if (typeof minAvailable === 'number') return { expectedPods: matching, desiredHealthy: minAvailable };
  if (minAvailable !== undefined) return { expectedPods: desired, desiredHealthy: partOf(minAvailable, desired) };
  return { expectedPods: matching, desiredHealthy: 0 };
}

/** Percentages round up. */
const partOf = (value: number | string, total: number): number =>
  typeof value === 'number' ? value : Math.ceil((Number.parseInt(value, 10) * total) / 100);

const nameOf = ({ metadata }: Pod): string => metadata?.name ?? '';
