// What one kubelet says that its node, pods and containers use: /stats/summary?only_cpu_and_memory=true, of this project's kubelet or
// upstream's. Pure. Source: upstream's stats/v1alpha1.
import { formatTime } from '../../base/clock';

export interface Usage {
  /** When it was measured, as RFC 3339. */
  readonly time: string;
  readonly cpuNanoCores: number;
  readonly memoryBytes: number;
}
export interface NodeUsage {
  /** Absent when the kubelet does not know it yet. */
  readonly node?: Usage;
  /** By the uid of the pod. */
  readonly pods: ReadonlyMap<string, readonly ContainerUsage[]>;
}
export interface ContainerUsage extends Usage {
  readonly name: string;
}

/** @throws SyntaxError when the text is no JSON object */
export function parseUsage(text: string): NodeUsage {
  const summary: unknown = JSON.parse(text);
  if (!isRecord(summary)) throw new SyntaxError('the summary of the kubelet is no object');
  const node = usageOf(summary['node']);
  const pods = new Map<string, readonly ContainerUsage[]>();
  for (const pod of listOf(summary['pods'])) {
    const ref = pod['podRef'];
    if (!isRecord(ref) || typeof ref['uid'] !== 'string') continue;
    pods.set(ref['uid'], listOf(pod['containers']).flatMap(containerOf));
  }
  return { ...(node ? { node } : {}), pods };
}

function containerOf(container: Fields): ContainerUsage[] {
  const { name } = container;
  const usage = usageOf(container);
  return typeof name === 'string' && usage ? [{ name, ...usage }] : [];
}

/** Undefined when a part is missing: a container that just started, or has just ended. */
function usageOf(value: unknown): Usage | undefined {
  if (!isRecord(value)) return undefined;
  const { cpu, memory } = value;
  if (!isRecord(cpu) || !isRecord(memory)) return undefined;
  const [time, cpuNanoCores, memoryBytes] = [timeOf(cpu['time']), cpu['usageNanoCores'], memory['workingSetBytes']];
  if (time === undefined || !isAmount(cpuNanoCores) || !isAmount(memoryBytes)) return undefined;
  return { time, cpuNanoCores, memoryBytes };
}

/** Written again: a text that clients cannot read as a time would spoil the list of all nodes for them. */
function timeOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT.{1,30}$/.test(value)) return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : formatTime(ms);
}

type Fields = Readonly<Record<string, unknown>>;
const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.filter(isRecord) : []);
const isAmount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
