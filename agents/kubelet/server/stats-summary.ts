// /stats/summary: usage of the node and its pods, for `kubectl top` and metrics collectors.
import { readFile } from 'node:fs/promises';
import { availableMemoryBytes, type MachineFacts } from '../node/facts';
import type { PodRecords } from '../pod/pod-records';
import { isSandbox, labels, type PodIdentity, podOf } from '../runtime/labels';
import type { ContainerRecord, ContainerRuntime, ContainerUsage } from '../runtime/runtime';

export interface Usage {
  readonly cpu: { readonly time: string; readonly usageCoreNanoSeconds: number };
  readonly memory: { readonly time: string; readonly usageBytes: number; readonly workingSetBytes: number };
}

export interface SummaryDeps {
  readonly runtime: ContainerRuntime;
  readonly records: PodRecords;
  readonly machine: MachineFacts;
  readonly nodeName: string;
  readonly now: () => number;
}

export interface Summary {
  readonly node: Usage & { readonly nodeName: string };
  readonly pods: readonly PodSummary[];
}
interface PodSummary extends Usage {
  readonly podRef: PodIdentity;
  readonly containers: readonly (Usage & { readonly name: string; readonly startTime: string })[];
}

export async function statsSummary(deps: SummaryDeps): Promise<Summary> {
  const time = new Date(deps.now()).toISOString();
  const running = deps.records.all().filter((record) => record.state === 'running' && !isSandbox(record));
  const measured = await Promise.all(running.map((record) => measure(deps.runtime, record)));
  const pods = deps.records.pods().map((podRef) => {
    const containers = running.flatMap((record, i) => {
      const usage = measured[i];
      if (!usage || podOf(record).uid !== podRef.uid) return [];
      const startTime = new Date(record.startedAtMs ?? record.createdAtMs).toISOString();
      return [{ name: record.labels[labels.containerName] ?? '', startTime, ...render(usage, time) }];
    });
    return { podRef, containers, ...sum(containers, time) };
  });
  return { node: { nodeName: deps.nodeName, ...(await nodeUsage(deps.machine, time)) }, pods };
}

/** Undefined for a container that ended meanwhile. */
const measure = (runtime: ContainerRuntime, { id }: ContainerRecord): Promise<ContainerUsage | undefined> =>
  runtime.usage(id).catch(() => undefined);

const render = (usage: ContainerUsage, time: string): Usage => ({
  cpu: { time, usageCoreNanoSeconds: usage.cpuNanoseconds },
  memory: { time, usageBytes: usage.memoryBytes, workingSetBytes: usage.workingSetBytes },
});

function sum(containers: readonly Usage[], time: string): Usage {
  const total = (of: (usage: Usage) => number) => containers.reduce((sofar, each) => sofar + of(each), 0);
  return {
    cpu: { time, usageCoreNanoSeconds: total(({ cpu }) => cpu.usageCoreNanoSeconds) },
    memory: {
      time,
      usageBytes: total(({ memory }) => memory.usageBytes),
      workingSetBytes: total(({ memory }) => memory.workingSetBytes),
    },
  };
}

const nanosecondsPerTick = 10_000_000;

/** Busy time of all cores since boot. Source: proc(5), /proc/stat. */
async function nodeUsage(machine: MachineFacts, time: string): Promise<Usage> {
  const [stat, available] = await Promise.all([readFile('/proc/stat', 'utf8'), availableMemoryBytes()]);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = stat
    .split('\n')[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const busy = user + nice + system + irq + softirq + steal;
  const used = machine.memoryBytes - available;
  return {
    cpu: { time, usageCoreNanoSeconds: busy * nanosecondsPerTick },
    memory: { time, usageBytes: used, workingSetBytes: used },
  };
}
