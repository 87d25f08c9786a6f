// What a pod requests and a node offers, as plain numbers: cpu in thousandths of a core, other resources in whole units
// (bytes, pieces).
import { addTo, type Numbers, podTotals } from '../api/pods/requests';
import type { PodSpec } from '../api/pods/types';
import { parseQuantity } from '../api/quantity';

export type Resources = Readonly<Record<string, number>>;
type Quantities = Readonly<Record<string, string>> | undefined;

/** For scores, a container without requests counts with these amounts. */
const defaultMilliCpu = 100;
const defaultMemory = 200 * 1024 * 1024;

const numbers = new Map<string, number>();

/** Rounded up. Text that is not a quantity counts as 0: the API has checked it, and one bad object must not stop the scheduler. */
function amount(name: string, text: string): number {
  const id = `${name === 'cpu' ? 'm' : 'u'}${text}`;
  let value = numbers.get(id);
  if (value === undefined) {
    value = toNumber(text, name === 'cpu' ? 1_000_000n : 1_000_000_000n);
    if (numbers.size < 10_000) numbers.set(id, value);
  }
  return value;
}

function toNumber(text: string, unit: bigint): number {
  try {
    return Number((parseQuantity(text).nano + unit - 1n) / unit);
  } catch {
    return 0;
  }
}

export function toResources(quantities: Quantities): Record<string, number> {
  const result: Record<string, number> = {};
  for (const [name, text] of Object.entries(quantities ?? {})) result[name] = amount(name, text);
  return result;
}

/** The effective requests of a pod, with its overhead. */
export const podRequests = (spec: PodSpec): Resources => withOverhead(spec, podTotals(spec, requested));

const requested: Numbers<number> = {
  add: (a, b) => a + b,
  isMore: (a, b) => a > b,
  ofContainer: ({ resources }) => toResources(resources?.requests),
  ofPod: ({ requests }) => toResources(requests),
};

export function scoringRequests(spec: PodSpec): { cpu: number; memory: number } {
  const { cpu = 0, memory = 0 } = withOverhead(spec, podTotals(spec, scored));
  return { cpu, memory };
}

const scored: Numbers<number> = {
  ...requested,
  ofContainer: ({ resources }) => {
    const { cpu = defaultMilliCpu, memory = defaultMemory } = toResources(resources?.requests);
    return { cpu, memory };
  },
};

function withOverhead({ overhead }: PodSpec, totals: Record<string, number>): Resources {
  if (overhead) addTo(totals, toResources(overhead), requested.add);
  return totals;
}
