// What a ResourceQuota counts, and the status that it must get. Pure.
import type { KubeObject, ResourceQuota } from '../../api/index';
import { type Amounts, count, formatAmounts, only, parseAmounts, sum } from '../../api/quota/amounts';
import { isInScope } from '../../api/quota/charge';
import type { Evaluator } from '../../api/quota/evaluators';

/** How one kind counts for one quota. */
export type Counting =
  | { readonly action: 'skip' }
  /** The number of objects decides: they need not be read. */
  | { readonly action: 'count'; readonly resources: readonly string[] }
  | { readonly action: 'measure'; readonly resources: readonly string[] };

const hasScopes = ({ spec }: ResourceQuota): boolean =>
  (spec?.scopes ?? []).length > 0 || (spec?.scopeSelector?.matchExpressions ?? []).length > 0;

export function countingOf(quota: ResourceQuota, evaluator: Evaluator): Counting {
  const resources = Object.keys(quota.spec?.hard ?? {}).filter((name) => evaluator.counts(name));
  if (resources.length === 0) return { action: 'skip' };
  if (hasScopes(quota)) return evaluator.meets ? { action: 'measure', resources } : { action: 'count', resources };
  // What an empty object uses, every object uses.
  const ofEach = evaluator.usage({}, 0);
  const isNumber = resources.every((name) => (ofEach[name]?.nano ?? 0n) > 0n);
  return isNumber ? { action: 'count', resources } : { action: 'measure', resources };
}

const zeros = (resources: readonly string[]): Amounts => Object.fromEntries(resources.map((name) => [name, count(0)]));

/** The usage of `number` objects. Objects without scopes use nothing of a quota that has some. */
export const usageOfNumber = (quota: ResourceQuota, resources: readonly string[], number: number): Amounts =>
  Object.fromEntries(resources.map((name) => [name, count(hasScopes(quota) ? 0 : number)]));

/** The usage of these objects, added to `before`. */
export function usageOf(
  quota: ResourceQuota,
  evaluator: Evaluator,
  resources: readonly string[],
  objects: readonly KubeObject[],
  now: number,
  before: Amounts = zeros(resources),
): Amounts {
  let total = before;
  for (const object of objects) {
    if (isInScope(quota, evaluator, object)) total = sum(total, only(evaluator.usage(object, now), resources));
  }
  return total;
}

/** The new status; undefined when nothing changes. What no served kind counts keeps its number. */
export function planStatus(quota: ResourceQuota, counted: Amounts): NonNullable<ResourceQuota['status']> | undefined {
  const hard = quota.spec?.hard ?? {};
  const used = formatAmounts(only({ ...parseAmounts(quota.status?.used), ...counted }, Object.keys(hard)));
  const { hard: oldHard, used: oldUsed } = quota.status ?? {};
  if (isSame(oldHard, hard) && isSame(oldUsed, used)) return undefined;
  return { hard: { ...hard }, used };
}

/**
 * True when limits are new. A change of status.used alone is a write of the API server or of the controller, and right. After new limits are
 * in force, the quota is counted once more: a write that was on its way when they came is charged to no limit.
 */
export function mustCount({ spec, status }: ResourceQuota, previous: ResourceQuota | undefined): boolean {
  return !previous || !isSame(status?.hard, spec?.hard) || !isSame(status?.hard, previous.status?.hard);
}

function isSame(a: Readonly<Record<string, string>> = {}, b: Readonly<Record<string, string>> = {}): boolean {
  const names = Object.keys(a);
  const [left, right] = [parseAmounts(a), parseAmounts(b)];
  return names.length === Object.keys(b).length && names.every((name) => left[name]?.nano === right[name]?.nano);
}

/** True for an update after which the object uses another amount of the quota, or is in its scopes no more. */
export function changesUse(
  quota: ResourceQuota,
  evaluator: Evaluator,
  [before, after]: readonly [KubeObject, KubeObject],
  now: number,
): boolean {
  if (countingOf(quota, evaluator).action !== 'measure') return false;
  const [left, right] = [before, after].map((object) =>
    isInScope(quota, evaluator, object) ? formatAmounts(evaluator.usage(object, now)) : {},
  );
  return !isSame(left, right);
}
