// How much a pod asks for and a node offers, as plain numbers: cpu in thousandths of a core, the rest in whole units
// (bytes, pieces). Source: the documented rules for effective requests of pods with init and sidecar containers.
import type { Pod } from '../api/pod';
import { parseQuantity } from '../api/quantity';

export type Resources = Readonly<Record<string, number>>;
type PodSpec = NonNullable<Pod['spec']>;
type Quantities = Readonly<Record<string, string>> | undefined;

/** What a container that asks for nothing counts as when nodes are scored. */
const defaultMilliCpu = 100;
const defaultMemory = 200 * 1024 * 1024;

const numbers = new Map<string, number>();

/** Rounded up. A text that is no quantity counts as 0: the API has checked it, and one bad object must not stop the rest. */
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

/** The effective requests of a pod: its containers together, or its largest init phase, plus overhead. */
export function podRequests(spec: PodSpec): Resources {
  return effective(spec, ({ resources }) => toResources(resources?.requests), toResources(spec.resources?.requests));
}

export function scoringRequests(spec: PodSpec): { cpu: number; memory: number } {
  const ofContainer = ({ resources }: PodSpec['containers'][number]) => {
    const { cpu = defaultMilliCpu, memory = defaultMemory } = toResources(resources?.requests);
    return { cpu, memory };
  };
  const { cpu = 0, memory = 0 } = effective(spec, ofContainer, toResources(spec.resources?.requests));
  return { cpu, memory };
}

function effective(
  spec: PodSpec,
  ofContainer: (container: PodSpec['containers'][number]) => Resources,
  ofPod: Resources,
): Resources {
  const running: Record<string, number> = {};
  for (const container of spec.containers) add(running, ofContainer(container));
  const sidecars: Record<string, number> = {};
  const init: Record<string, number> = {};
  for (const container of spec.initContainers ?? []) {
    const own = ofContainer(container);
    if (container.restartPolicy === 'Always') {
      add(running, own);
      add(sidecars, own);
      raise(init, sidecars);
    } else {
      const together = { ...sidecars };
      add(together, own);
      raise(init, together);
    }
  }
  raise(running, init);
  // Requests of the pod as a whole stand in place of the sum.
  Object.assign(running, ofPod);
  add(running, toResources(spec.overhead));
  return running;
}

function add(to: Record<string, number>, what: Resources): void {
  for (const name in what) to[name] = (to[name] ?? 0) + what[name]!;
}

function raise(to: Record<string, number>, what: Resources): void {
  for (const name in what) to[name] = Math.max(to[name] ?? 0, what[name]!);
}
