// What a pod uses of a quota: its requests and limits, until it has ended.

import type { Pod } from '../pod';
import { effectiveSpec } from '../pods/effective-resources';
import { isTerminal } from '../pods/facts';
import { limitsOf, requestsOf } from '../pods/requests';
import { isExtended, isHugePages } from '../pods/resource-names';
import { addQuantities, parseQuantity, type Quantity } from '../quantity';
import { type Amounts, count } from './amounts';

/** Names with the same meaning for requests and limits. */
const compute = ['cpu', 'memory', 'ephemeral-storage'];
const podResources: ReadonlySet<string> = new Set([
  'count/pods',
  'pods',
  ...compute.flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
]);
const requestPrefix = 'requests.';

export const isPodResource = (name: string): boolean =>
  podResources.has(name) ||
  isHugePages(name) ||
  (name.startsWith(requestPrefix) &&
    (isHugePages(name.slice(requestPrefix.length)) || isExtended(name.slice(requestPrefix.length))));

/** A pod that has ended counts as an object only, and so does one that is still there after its grace period. */
export function podUsage(pod: Pod, now: number): Amounts {
  const object = { 'count/pods': count(1) };
  if (isTerminal(pod) || isOverdue(pod, now) || !pod.spec) return object;
  const overhead = Object.entries(pod.spec.overhead ?? {});
  const spec = effectiveSpec(pod, { podLevel: false });
  const requests = { ...requestsOf(spec) };
  const limits = { ...limitsOf(spec) };
  for (const [name, text] of overhead) {
    const amount = parseQuantity(text);
    requests[name] = requests[name] ? addQuantities(requests[name], amount) : amount;
    // Without a limit the pod has no bound to which the overhead could be added.
    if (limits[name] && limits[name].nano !== 0n) limits[name] = addQuantities(limits[name], amount);
  }
  return { ...object, ...computeUsage(requests, limits) };
}

function isOverdue({ metadata }: Pod, now: number): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata ?? {};
  if (!deletionTimestamp || deletionGracePeriodSeconds === undefined) return false;
  return now > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function computeUsage(requests: Amounts, limits: Amounts): Amounts {
  const usage: Record<string, Quantity> = { pods: count(1) };
  for (const [name, amount] of Object.entries(requests)) {
    if (compute.includes(name) || isHugePages(name)) usage[name] = amount;
    if (compute.includes(name) || isHugePages(name) || isExtended(name)) usage[`${requestPrefix}${name}`] = amount;
  }
  for (const name of compute) if (limits[name]) usage[`limits.${name}`] = limits[name];
  return usage;
}

/** For these a quota demands that every container says how much it needs. Upstream calls that a mistake, and keeps it. */
const demanded = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];

/** What the containers leave out of `required`: `must specify limits.cpu for: a,b; ...`; undefined when nothing is missing. */
export function missingAmounts({ spec }: Pod, required: readonly string[]): string | undefined {
  const missing = new Map<string, Set<string>>();
  const names = demanded.filter((name) => required.includes(name));
  for (const { name, resources } of [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]) {
    for (const resource of names) {
      const isLimit = resource.startsWith('limits.');
      const [amounts, short] = [isLimit ? resources?.limits : resources?.requests, resource.replace(/^[a-z]+\./, '')];
      if (amounts?.[short] === undefined) missing.set(resource, (missing.get(resource) ?? new Set()).add(name));
    }
  }
  if (missing.size === 0) return undefined;
  const texts = [...missing.keys()]
    .sort()
    .map((resource) => `${resource} for: ${[...missing.get(resource)!].sort().join(',')}`);
  return `must specify ${texts.join('; ')}`;
}
