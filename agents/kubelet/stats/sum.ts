// Several cgroups as one: that of a pod whose containers have no group in common. Pure.
import type { CgroupLimits, CgroupSample } from './samples';

type Numbers<T> = { readonly [K in keyof T]: number };

/** Undefined for none. A limit holds for the sum only if each group has one. Pressure cannot be added up. */
export function sumOf(samples: readonly CgroupSample[]): CgroupSample | undefined {
  const [first, ...rest] = samples;
  if (!first) return undefined;
  return rest.reduce<CgroupSample>((total, each) => add(total, each), { ...first, pressure: {} });
}

const add = (a: CgroupSample, b: CgroupSample): CgroupSample => ({
  atMs: Math.max(a.atMs, b.atMs),
  cpu: addEach(a.cpu, b.cpu),
  memory: addEach(a.memory, b.memory),
  limits: addLimits(a.limits, b.limits),
  devices: [],
  ...optional('processes', a.processes, b.processes),
  ...optional('threads', a.threads, b.threads),
  ...optional('oomKills', a.oomKills, b.oomKills),
  pressure: {},
});

function addEach<T extends Numbers<T>>(a: T, b: T): T {
  const keys = Object.keys(a) as (keyof T)[];
  return Object.fromEntries(keys.map((key) => [key, a[key] + b[key]])) as T;
}

const addLimits = (a: CgroupLimits, b: CgroupLimits): CgroupLimits => ({
  ...optional('memoryBytes', a.memoryBytes, b.memoryBytes),
  ...optional('swapBytes', a.swapBytes, b.swapBytes),
});

const optional = <K extends string>(
  key: K,
  a: number | undefined,
  b: number | undefined,
): { readonly [P in K]?: number } =>
  (a === undefined || b === undefined ? {} : { [key]: a + b }) as { readonly [P in K]?: number };
