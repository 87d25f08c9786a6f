// The answer of /stats/summary. Pure. Source: upstream's stats/v1alpha1; amounts in bytes, CPU in nanoseconds, times as RFC 3339.
import type { PodIdentity } from '../runtime/labels';
import type { ContainerSample, NodeSample, PodSample, VolumeUse } from './node-sample';
import { type CpuSnapshot, rateOf } from './rates';
import type { CgroupSample, DiskUse, FileSystemSample, NetworkSample, Pressure } from './samples';
import { containerKey, counterOf, nodeKey, podKey, systemKey, wholePod } from './snapshot';

export interface Summary {
  readonly node: NodeSummary;
  readonly pods: readonly PodSummary[];
}
export interface Usage {
  readonly cpu: CpuStats;
  readonly memory: MemoryStats;
  readonly io?: { readonly time: string; readonly psi: PsiStats };
  readonly swap: SwapStats;
}
export interface NodeSummary extends Usage {
  readonly nodeName: string;
  readonly startTime: string;
  readonly systemContainers: readonly ContainerSummary[];
  readonly network?: NetworkStats;
  readonly fs?: FsStats;
  readonly runtime?: { readonly imageFs: FsStats; readonly containerFs: FsStats };
  readonly rlimit?: { readonly time: string; readonly maxpid: number; readonly curproc: number };
}
export interface PodSummary extends Usage {
  readonly podRef: PodIdentity;
  readonly startTime: string;
  readonly containers: readonly ContainerSummary[];
  readonly network?: NetworkStats;
  readonly volume?: readonly VolumeStats[];
  readonly 'ephemeral-storage'?: FsStats;
  readonly process_stats?: { readonly process_count: number };
}
export interface ContainerSummary extends Usage {
  readonly name: string;
  readonly startTime: string;
  readonly rootfs?: FsStats;
  readonly logs?: FsStats;
}
export interface CpuStats {
  readonly time: string;
  readonly usageNanoCores: number;
  readonly usageCoreNanoSeconds: number;
  readonly psi?: PsiStats;
}
export interface MemoryStats {
  readonly time: string;
  readonly availableBytes?: number;
  readonly usageBytes: number;
  readonly workingSetBytes: number;
  readonly rssBytes: number;
  readonly pageFaults: number;
  readonly majorPageFaults: number;
  readonly psi?: PsiStats;
}
interface SwapStats {
  readonly time: string;
  readonly swapAvailableBytes?: number;
  readonly swapUsageBytes: number;
}
interface PsiLine {
  readonly total: number;
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
}
interface PsiStats {
  readonly full: PsiLine;
  readonly some: PsiLine;
}
interface InterfaceStats {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly txBytes: number;
  readonly txErrors: number;
}
type NetworkStats = { readonly time: string; readonly interfaces: readonly InterfaceStats[] } & Partial<InterfaceStats>;
export interface FsStats {
  readonly time: string;
  readonly availableBytes?: number;
  readonly capacityBytes?: number;
  readonly usedBytes?: number;
  readonly inodesFree?: number;
  readonly inodes?: number;
  readonly inodesUsed?: number;
}
interface VolumeStats extends FsStats {
  readonly name: string;
  readonly pvcRef?: { readonly name: string; readonly namespace: string };
}

/** `base` is the earlier snapshot that rates count from; without one they are 0. */
export function summaryOf(sample: NodeSample, base: CpuSnapshot | undefined): Summary {
  const { root, machine, fs, imageFs, rlimit, bootAtMs, network } = sample;
  const rate = (key: string, of: CgroupSample, startedAtMs: number) =>
    (base && rateOf(base, key, counterOf(of, startedAtMs))) ?? 0;
  const container = (each: ContainerSample): ContainerSummary => ({
    name: each.name,
    startTime: time(each.startedAtMs),
    ...usageOf(each.sample, rate(containerKey(each.runtimeName), each.sample, each.startedAtMs)),
    ...(imageFs ? { rootfs: filled(imageFs, each.layer) } : {}),
    ...(fs ? { logs: filled(fs, each.log) } : {}),
  });
  const all = usageOf(root, rate(nodeKey, root, bootAtMs));
  return {
    node: {
      nodeName: sample.nodeName,
      systemContainers: sample.system.map(({ name, startedAtMs, sample: own }) => ({
        name,
        startTime: time(startedAtMs),
        ...usageOf(own, rate(systemKey(name), own, startedAtMs)),
      })),
      startTime: time(bootAtMs),
      ...all,
      // The machine is the limit of the node.
      memory: { ...all.memory, availableBytes: Math.max(0, machine.memoryBytes - root.memory.workingSetBytes) },
      swap: { ...all.swap, swapAvailableBytes: Math.max(0, machine.swapBytes - root.memory.swapBytes) },
      ...networkOf(network),
      ...(fs ? { fs: whole(fs) } : {}),
      ...(imageFs ? { runtime: { imageFs: whole(imageFs), containerFs: whole(imageFs) } } : {}),
      ...(rlimit ? { rlimit: { time: time(sample.atMs), maxpid: rlimit.maxPids, curproc: rlimit.processes } } : {}),
    },
    pods: sample.pods.map((pod) => {
      const together = wholePod(pod);
      return {
        podRef: { name: pod.ref.name, namespace: pod.ref.namespace, uid: pod.ref.uid },
        startTime: time(pod.startedAtMs),
        containers: pod.containers.map(container),
        ...usageOf(together, rate(podKey(pod.ref.uid), together, pod.startedAtMs)),
        ...networkOf(pod.network),
        ...(pod.volumes.length > 0 ? { volume: pod.volumes.map(volumeOf) } : {}),
        ...(fs ? { 'ephemeral-storage': filled(fs, ephemeralUse(pod)) } : {}),
        ...(together.processes === undefined ? {} : { process_stats: { process_count: together.processes } }),
      };
    }),
  };
}

const time = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

function usageOf({ atMs, cpu, memory, limits, pressure }: CgroupSample, usageNanoCores: number): Usage {
  const at = time(atMs);
  const available = limits.memoryBytes === undefined ? undefined : limits.memoryBytes - memory.workingSetBytes;
  return {
    cpu: { time: at, usageNanoCores, usageCoreNanoSeconds: cpu.usageNanoseconds, ...psiOf(pressure.cpu) },
    memory: {
      time: at,
      ...(available === undefined ? {} : { availableBytes: Math.max(0, available) }),
      usageBytes: memory.usageBytes,
      workingSetBytes: memory.workingSetBytes,
      rssBytes: memory.rssBytes,
      pageFaults: memory.pageFaults,
      majorPageFaults: memory.majorPageFaults,
      ...psiOf(pressure.memory),
    },
    ...(pressure.io ? { io: { time: at, ...psiOf(pressure.io) } as { time: string; psi: PsiStats } } : {}),
    swap: {
      time: at,
      ...(limits.swapBytes === undefined
        ? {}
        : { swapAvailableBytes: Math.max(0, limits.swapBytes - memory.swapBytes) }),
      swapUsageBytes: memory.swapBytes,
    },
  };
}

function psiOf(pressure: Pressure | undefined): { readonly psi?: PsiStats } {
  if (!pressure) return {};
  const line = ({ totalMicros, avg10, avg60, avg300 }: Pressure['some']): PsiLine => ({
    total: totalMicros * 1000,
    avg10,
    avg60,
    avg300,
  });
  return { psi: { full: line(pressure.full), some: line(pressure.some) } };
}

/** The name of a pod's interface; its numbers stand at the top as well. */
const mainInterface = 'eth0';

function networkOf(network: NetworkSample | undefined): { readonly network?: NetworkStats } {
  if (!network) return {};
  const interfaces = network.interfaces.map(({ name, rxBytes, rxErrors, txBytes, txErrors }) => ({
    name,
    rxBytes,
    rxErrors,
    txBytes,
    txErrors,
  }));
  const main = interfaces.find(({ name }) => name === mainInterface);
  return { network: { time: time(network.atMs), ...main, interfaces } };
}

const whole = (fs: FileSystemSample): FsStats => ({
  time: time(fs.atMs),
  availableBytes: fs.availableBytes,
  capacityBytes: fs.capacityBytes,
  usedBytes: fs.usedBytes,
  inodesFree: fs.inodesFree,
  inodes: fs.inodes,
  inodesUsed: fs.inodes - fs.inodesFree,
});

/** A part of a file system. */
const filled = (fs: FileSystemSample, use: DiskUse | undefined): FsStats => ({
  time: time(fs.atMs),
  availableBytes: fs.availableBytes,
  capacityBytes: fs.capacityBytes,
  ...(use ? { usedBytes: use.bytes } : {}),
  inodesFree: fs.inodesFree,
  inodes: fs.inodes,
  ...(use ? { inodesUsed: use.inodes } : {}),
});

/** Writable layers, logs, and the volumes that are deleted with the pod. Undefined when nothing of them was measured. */
export function ephemeralUse({ containers, volumes }: PodSample): DiskUse | undefined {
  const parts = [
    ...containers.flatMap(({ layer, log }) => [layer, log]),
    ...volumes.filter(({ ephemeral }) => ephemeral).map(({ used }) => used),
  ].filter((part) => part !== undefined);
  if (parts.length === 0) return undefined;
  return {
    bytes: parts.reduce((total, { bytes }) => total + bytes, 0),
    inodes: parts.reduce((total, { inodes }) => total + inodes, 0),
  };
}

function volumeOf({ name, atMs, used, size, claim }: VolumeUse): VolumeStats {
  return {
    time: time(atMs),
    ...size,
    usedBytes: used.bytes,
    inodesUsed: used.inodes,
    name,
    ...(claim ? { pvcRef: { name: claim.name, namespace: claim.namespace } } : {}),
  };
}
