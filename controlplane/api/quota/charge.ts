// Whether one write fits into one quota, and what the quota then shows as used. Pure: the store decides with it inside the
// transaction of the write. Source: the page "Resource Quotas"; messages of kube-apiserver.
import { compareQuantities } from '../quantity';
import type { ResourceQuota } from '../resource-quota';
import type { KubeObject } from '../types';
import { type Amounts, excess, only, parseAmounts, printAmounts, sum, withoutZeros } from './amounts';
import type { Evaluator } from './evaluators';
import { scopesOf } from './scopes';

export interface Charged {
  readonly evaluator: Evaluator;
  readonly object: KubeObject;
  /** The object before an update. */
  readonly old: KubeObject | undefined;
  readonly now: number;
}

export type Outcome =
  | { readonly action: 'none' }
  | { readonly action: 'refuse'; readonly why: string }
  /** The new status.used. */
  | { readonly action: 'use'; readonly used: Amounts };

const none: Outcome = { action: 'none' };
const refuse = (why: string): Outcome => ({ action: 'refuse', why });

/** By status.hard, which the controller sets together with the usage of the objects that exist: a new quota limits nothing yet. */
export function charge(quota: ResourceQuota, { evaluator, object, old, now }: Charged): Outcome {
  const hard = parseAmounts(quota.status?.hard);
  const limited = Object.keys(hard).filter((name) => evaluator.counts(name));
  if (limited.length === 0 || !isInScope(quota, evaluator, object)) return none;
  const name = quota.metadata?.name ?? '';
  const missing = evaluator.missing?.(object, limited);
  if (missing !== undefined) return refuse(`failed quota: ${name}: ${missing}`);
  const used = parseAmounts(quota.status?.used);
  if (limited.some((resource) => !Object.hasOwn(used, resource))) {
    return refuse(`status unknown for quota: ${name}, resources: ${limited.toSorted().join(',')}`);
  }
  const usage = evaluator.usage(object, now);
  const negative = Object.keys(usage).filter((resource) => usage[resource]!.nano < 0n);
  if (negative.length > 0) return refuse(`quota usage is negative for resource(s): ${negative.sort().join(',')}`);
  const counted = old && isInScope(quota, evaluator, old);
  const more = withoutZeros(counted ? excess(usage, evaluator.usage(old, now)) : usage);
  const requested = only(more, limited);
  if (Object.keys(requested).length === 0) return none;
  const total = sum(used, requested);
  const exceeded = Object.keys(requested).filter(
    (resource) => compareQuantities(total[resource]!, hard[resource]!) > 0,
  );
  if (exceeded.length === 0) return { action: 'use', used: total };
  const [asked, before, limit] = [requested, used, hard].map((amounts) => printAmounts(only(amounts, exceeded)));
  return refuse(`exceeded quota: ${name}, requested: ${asked}, used: ${before}, limited: ${limit}`);
}

export const isInScope = (quota: ResourceQuota, { meets }: Evaluator, object: KubeObject): boolean =>
  scopesOf(quota).every((scope) => meets?.(object, scope) ?? false);
