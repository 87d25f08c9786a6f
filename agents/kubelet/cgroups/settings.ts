// What a pod's cgroup allows, from the pod's spec, and the kernel's files that say so. Pure.
// Source: Linux cgroup-v1 and cgroup-v2; kubernetes.io "Pod Quality of Service Classes".
import { initAndAppContainers, limitsOf, type Pod, qosClass, requestsOf } from '../../../controlplane/api';
import { addQuantities, parseQuantity, type Quantity } from '../../../controlplane/api/quantity';

/** An absent amount is not limited. */
export interface GroupSettings {
  readonly cpuShares: number;
  readonly cpuQuotaMicros?: number;
  readonly memoryBytes?: number;
  readonly pids?: number;
}

const periodMicros = 100_000;
const minQuotaMicros = 1000;
export const minShares = 2;
const maxShares = 2 ** 18;

export const sharesOf = (milliCpu: number): number =>
  Math.min(maxShares, Math.max(minShares, Math.floor((milliCpu * 1024) / 1000)));

/** `pidsLimit`: processes of one pod; 0 for no limit. */
export function podSettings(pod: Pod, pidsLimit: number): GroupSettings {
  const spec = pod.spec ?? { containers: [] };
  const pids = pidsLimit > 0 ? { pids: pidsLimit } : {};
  const qos = qosClass(spec);
  if (qos === 'BestEffort') return { cpuShares: minShares, ...pids };
  const requests = withOverhead(requestsOf(spec), spec.overhead);
  const limits = withOverhead(limitsOf(spec), spec.overhead);
  // Without a limit of each container the sum says nothing about the pod, unless the pod has a limit of its own.
  const holds = (resource: 'cpu' | 'memory'): boolean =>
    isPositive(limits[resource]) &&
    (qos === 'Guaranteed' ||
      isPositive(quantity(spec.resources?.limits?.[resource])) ||
      initAndAppContainers(spec).every(({ resources }) => isPositive(quantity(resources?.limits?.[resource]))));
  return {
    cpuShares: sharesOf(milli(requests['cpu'])),
    ...(holds('cpu')
      ? { cpuQuotaMicros: Math.max(minQuotaMicros, Math.floor((milli(limits['cpu']) * periodMicros) / 1000)) }
      : {}),
    ...(holds('memory') ? { memoryBytes: Number(limits['memory']!.nano / 1_000_000_000n) } : {}),
    ...pids,
  };
}

/** Thousandths of a core by which the pod's class shares CPU with others: only the class Burstable shares by what its pods request. */
export function sharedMilliCpu({ spec = { containers: [] } }: Pod): number {
  if (qosClass(spec) !== 'Burstable') return 0;
  return milli(withOverhead(requestsOf(spec), spec.overhead)['cpu']);
}

export interface GroupFile {
  readonly controller: 'cpu' | 'memory' | 'pids';
  readonly file: string;
  readonly value: string;
}

/** What the kernel gives to a new group. */
export const newGroup: GroupSettings = { cpuShares: 1024 };

/** The files that differ from `before`; without it all, because an earlier limit must not stay. */
export function filesOf(settings: GroupSettings, version: 1 | 2, before?: GroupSettings): readonly GroupFile[] {
  const files = version === 2 ? filesV2 : filesV1;
  const old = before && files(before);
  return files(settings).filter((file, index) => old?.[index]?.value !== file.value);
}

function filesV1({ cpuShares, cpuQuotaMicros, memoryBytes, pids }: GroupSettings): readonly GroupFile[] {
  return [
    { controller: 'cpu', file: 'cpu.shares', value: String(cpuShares) },
    { controller: 'cpu', file: 'cpu.cfs_period_us', value: String(periodMicros) },
    { controller: 'cpu', file: 'cpu.cfs_quota_us', value: String(cpuQuotaMicros ?? -1) },
    { controller: 'memory', file: 'memory.limit_in_bytes', value: String(memoryBytes ?? -1) },
    { controller: 'pids', file: 'pids.max', value: String(pids ?? 'max') },
  ];
}

function filesV2({ cpuShares, cpuQuotaMicros, memoryBytes, pids }: GroupSettings): readonly GroupFile[] {
  return [
    { controller: 'cpu', file: 'cpu.weight', value: String(weightOf(cpuShares)) },
    { controller: 'cpu', file: 'cpu.max', value: `${cpuQuotaMicros ?? 'max'} ${periodMicros}` },
    { controller: 'memory', file: 'memory.max', value: String(memoryBytes ?? 'max') },
    { controller: 'pids', file: 'pids.max', value: String(pids ?? 'max') },
  ];
}

/**
 * The weight of cgroup v2 for shares of v1, by the curve that runc uses for containers: 2 shares are 1, 1024 are 100, 262144 are 10000.
 * Pods and containers must use the same one.
 */
export function weightOf(shares: number): number {
  if (shares <= minShares) return 1;
  if (shares >= maxShares) return 10_000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

const milli = (amount: Quantity | undefined): number => Number(((amount?.nano ?? 0n) + 999_999n) / 1_000_000n);
const quantity = (text: string | undefined): Quantity | undefined =>
  text === undefined ? undefined : parseQuantity(text);
const isPositive = (amount: Quantity | undefined): boolean => amount !== undefined && amount.nano > 0n;

/** Adds an overhead to every amount. */
export function addOverhead(
  totals: Readonly<Record<string, Quantity>>,
  overhead: Readonly<Record<string, string>> | undefined,
): Record<string, Quantity> {
  const missing = Object.keys(overhead ?? {}).map((name) => [name, parseQuantity('0')] as const);
  const all = { ...Object.fromEntries(missing), ...totals };
  const more = Object.entries(overhead ?? {}).map(([name, text]) => [
    name,
    addQuantities(all[name]!, parseQuantity(text)),
  ]);
  return { ...all, ...Object.fromEntries(more) };
}

/** An overhead counts only where there is an amount already. */
export function withOverhead(
  totals: Readonly<Record<string, Quantity>>,
  overhead: Readonly<Record<string, string>> | undefined,
): Record<string, Quantity> {
  const sum: Record<string, Quantity> = { ...totals };
  for (const [name, text] of Object.entries(overhead ?? {})) {
    const own = sum[name];
    if (own && own.nano > 0n) sum[name] = { nano: own.nano + parseQuantity(text).nano, format: own.format };
  }
  return sum;
}
