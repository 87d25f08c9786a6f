// Reads how much of each resource the node has left. Some ten small files, so it costs next to nothing.
import type { FileSystemSample, MemorySample } from '../stats/samples';
import type { Observation, Observations, Signal } from './signals';

export interface ObserverDeps {
  readonly memoryBytes: number;
  /** Of the root of all cgroups. */
  readonly memory: () => Promise<Pick<MemorySample, 'workingSetBytes'> | undefined>;
  /** Of all pods together; undefined when they have no cgroup. */
  readonly podsMemory: () => Promise<{ readonly usedBytes: number; readonly limitBytes: number } | undefined>;
  /** The file system of the kubelet's folder, and that of images. Undefined when it cannot be read now. */
  readonly nodeFs: () => Promise<FileSystemSample | undefined>;
  readonly imageFs: () => Promise<FileSystemSample | undefined>;
  readonly processes: () => Promise<{ readonly maxPids: number; readonly processes: number } | undefined>;
}

export class Observer {
  private apart = false;

  constructor(private readonly deps: ObserverDeps) {}

  /** Whether images were on another file system than the kubelet's folder at the last look. */
  imageFsApart(): boolean {
    return this.apart;
  }

  async observe(): Promise<Observations> {
    const { deps } = this;
    const [memory, pods, nodeFs, imageFs, processes] = await Promise.all([
      deps.memory(),
      deps.podsMemory(),
      deps.nodeFs(),
      deps.imageFs(),
      deps.processes(),
    ]);
    if (nodeFs && imageFs) this.apart = nodeFs.device !== imageFs.device;
    const found: Partial<Record<Signal, Observation>> = {};
    const add = (signal: Signal, capacity: number, available: number) => {
      // A file system without a fixed number of inodes says that it has none.
      if (capacity > 0) found[signal] = { capacity, available: Math.max(0, available) };
    };
    if (memory) add('memory.available', deps.memoryBytes, deps.memoryBytes - memory.workingSetBytes);
    if (pods) add('allocatableMemory.available', pods.limitBytes, pods.limitBytes - pods.usedBytes);
    for (const [name, fs] of [['nodefs', nodeFs] as const, ['imagefs', imageFs] as const]) {
      if (!fs) continue;
      add(`${name}.available`, fs.capacityBytes, fs.availableBytes);
      add(`${name}.inodesFree`, fs.inodes, fs.inodesFree);
    }
    if (processes) add('pid.available', processes.maxPids, processes.maxPids - processes.processes);
    return found;
  }
}
