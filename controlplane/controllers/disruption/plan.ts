// How many pods of a PodDisruptionBudget may be evicted now: the arithmetic of "Specifying a Disruption Budget for your Application".

import { isDeepStrictEqual } from 'node:util';
import { conditionOf, isReady, withCondition } from '../../api/conditions';
import type { Pod } from '../../api/pod';
import type { PodDisruptionBudget } from '../../api/pod-disruption-budget';
import { isTerminal } from '../../api/pods/facts';
import type { LabelSelector } from '../../api/types';
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

/** The status of a budget whose pods cannot be counted: no pod may be evicted. Undefined when it says so already. */
export function planFailure({ status }: PodDisruptionBudget, message: string, now: number): Status | undefined {
  const observedGeneration = status?.observedGeneration;
  const failed = {
    type: 'DisruptionAllowed',
    status: 'False',
    reason: 'SyncFailed',
    message,
    ...(observedGeneration ? { observedGeneration } : {}),
  };
  const conditions = withCondition(status?.conditions, failed, now);
  if (conditions === status?.conditions && status?.disruptionsAllowed === 0) return undefined;
  const counts = { currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  return { ...counts, ...status, disruptionsAllowed: 0, conditions: [...conditions] };
}

/** An announced eviction of a pod that is not deleted counts for this time, and is taken back then. */
export const staleDisruptionMs = 2 * 60_000;

/**
 * In how many ms the condition DisruptionTarget of a pod is to be taken back, at least 0; undefined: never. A kubelet may need any time
 * until it ends a pod, so its own condition stays.
 */
export function staleDisruptionIn(pod: Pod, now: number): number | undefined {
  const condition = conditionOf(pod, 'DisruptionTarget');
  if (condition?.status !== 'True' || condition.reason === 'TerminationByKubelet') return undefined;
  if (pod.metadata?.deletionTimestamp || isTerminal(pod)) return undefined;
  const since = Date.parse(condition.lastTransitionTime ?? '') || now;
  return Math.max(0, since + staleDisruptionMs - now);
}

/** A selector in Go's notation, as it is in Events. */
export function goSelector(selector: LabelSelector | undefined): string {
  if (!selector) return 'nil';
  const labels = Object.entries(selector.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const expressions = (selector.matchExpressions ?? []).map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  );
  const map = labels.map(([key, value]) => `${key}: ${value},`).join('');
  return `&LabelSelector{MatchLabels:map[string]string{${map}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`;
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
