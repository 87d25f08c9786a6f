// What the kernel says about the use of a cgroup, a network, a file system: plain records. Times are milliseconds since the epoch,
// amounts bytes; an absent amount is one that this kernel does not tell.

export interface CpuSample {
  readonly usageNanoseconds: number;
  readonly userNanoseconds: number;
  readonly systemNanoseconds: number;
  /** Enforcement periods of the quota; 0 without one. */
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledNanoseconds: number;
}

export interface MemorySample {
  readonly usageBytes: number;
  /** Usage without the page cache that the kernel can reclaim at once. */
  readonly workingSetBytes: number;
  readonly rssBytes: number;
  readonly cacheBytes: number;
  readonly mappedFileBytes: number;
  readonly activeFileBytes: number;
  readonly inactiveFileBytes: number;
  readonly swapBytes: number;
  readonly kernelBytes: number;
  readonly maxUsageBytes: number;
  readonly failures: number;
  readonly pageFaults: number;
  readonly majorPageFaults: number;
}

/** An absent amount is not limited. */
export interface CgroupLimits {
  readonly cpuShares?: number;
  readonly cpuPeriodMicros?: number;
  readonly cpuQuotaMicros?: number;
  readonly memoryBytes?: number;
  /** Of swap alone. */
  readonly swapBytes?: number;
  readonly memoryReservationBytes?: number;
  readonly threads?: number;
}

/** Bytes and requests of one block device. */
export interface DeviceSample {
  readonly major: number;
  readonly minor: number;
  readonly readBytes: number;
  readonly writeBytes: number;
  readonly reads: number;
  readonly writes: number;
}

/** Pressure stall information; times in microseconds, averages in percent. Source: Linux accounting/psi. */
export interface Pressure {
  readonly some: PressureLine;
  readonly full: PressureLine;
}
export interface PressureLine {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly totalMicros: number;
}

export interface CgroupSample {
  /** When the CPU time was read. */
  readonly atMs: number;
  readonly cpu: CpuSample;
  readonly memory: MemorySample;
  readonly limits: CgroupLimits;
  readonly devices: readonly DeviceSample[];
  readonly processes?: number;
  readonly threads?: number;
  readonly oomKills?: number;
  readonly pressure: { readonly cpu?: Pressure; readonly memory?: Pressure; readonly io?: Pressure };
}

export interface InterfaceSample {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxPackets: number;
  readonly rxErrors: number;
  readonly rxDropped: number;
  readonly txBytes: number;
  readonly txPackets: number;
  readonly txErrors: number;
  readonly txDropped: number;
}
export interface NetworkSample {
  readonly atMs: number;
  readonly interfaces: readonly InterfaceSample[];
}

/** A whole file system. */
export interface FileSystemSample {
  readonly atMs: number;
  /** The device as mountinfo names it, such as /dev/vda. */
  readonly device: string;
  readonly capacityBytes: number;
  /** For users without privileges. */
  readonly availableBytes: number;
  readonly usedBytes: number;
  readonly inodes: number;
  readonly inodesFree: number;
}

/** What a folder uses of its file system. */
export interface DiskUse {
  readonly bytes: number;
  readonly inodes: number;
}
