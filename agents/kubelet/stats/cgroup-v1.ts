// The sample of a cgroup from the files of cgroup v1. Pure. The values are those that the public names of metrics stand for: memory with
// that of the groups below (total_*), page faults of the group itself. Source: Linux admin-guide/cgroup-v1, cAdvisor's metrics.
import { amount, type Files, flatKeyed, limit } from './cgroup-values';
import type { CgroupLimits, CgroupSample, CpuSample, DeviceSample, MemorySample } from './samples';

/** Which files of which controller are read: those that a summary of CPU and memory needs, and the others. */
export const v1Files = {
  cpuacct: { few: ['cpuacct.usage'], all: ['cpuacct.usage_user', 'cpuacct.usage_sys'] },
  cpu: { few: [], all: ['cpu.stat', 'cpu.shares', 'cpu.cfs_period_us', 'cpu.cfs_quota_us'] },
  memory: {
    few: [
      'memory.usage_in_bytes',
      'memory.stat',
      'memory.limit_in_bytes',
      'memory.memsw.usage_in_bytes',
      'memory.memsw.limit_in_bytes',
    ],
    all: [
      'memory.max_usage_in_bytes',
      'memory.failcnt',
      'memory.kmem.usage_in_bytes',
      'memory.soft_limit_in_bytes',
      'memory.oom_control',
    ],
  },
  pids: { few: [], all: ['pids.current', 'pids.max'] },
  blkio: { few: [], all: ['blkio.throttle.io_service_bytes_recursive', 'blkio.throttle.io_serviced_recursive'] },
} as const;

export function sampleV1(files: Files, atMs: number): CgroupSample {
  const oomKills = flatKeyed(files['memory.oom_control']).get('oom_kill');
  const threads = files['pids.current'];
  return {
    atMs,
    cpu: cpuOf(files),
    memory: memoryOf(files),
    limits: limitsOf(files),
    devices: devicesOf(files),
    ...(threads === undefined ? {} : { threads: amount(threads) }),
    ...(oomKills === undefined ? {} : { oomKills }),
    pressure: {},
  };
}

function cpuOf(files: Files): CpuSample {
  const stat = flatKeyed(files['cpu.stat']);
  return {
    usageNanoseconds: amount(files['cpuacct.usage']),
    userNanoseconds: amount(files['cpuacct.usage_user']),
    systemNanoseconds: amount(files['cpuacct.usage_sys']),
    periods: stat.get('nr_periods') ?? 0,
    throttledPeriods: stat.get('nr_throttled') ?? 0,
    throttledNanoseconds: stat.get('throttled_time') ?? 0,
  };
}

function memoryOf(files: Files): MemorySample {
  const stat = flatKeyed(files['memory.stat']);
  const of = (name: string) => stat.get(name) ?? 0;
  const usageBytes = amount(files['memory.usage_in_bytes']);
  const inactiveFileBytes = of('total_inactive_file');
  return {
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - inactiveFileBytes),
    rssBytes: of('total_rss'),
    cacheBytes: of('total_cache'),
    mappedFileBytes: of('total_mapped_file'),
    activeFileBytes: of('total_active_file'),
    inactiveFileBytes,
    swapBytes: of('total_swap'),
    kernelBytes: amount(files['memory.kmem.usage_in_bytes']),
    maxUsageBytes: amount(files['memory.max_usage_in_bytes']),
    failures: amount(files['memory.failcnt']),
    pageFaults: of('pgfault'),
    majorPageFaults: of('pgmajfault'),
  };
}

/** v1 limits the sum of memory and swap; a negative quota is none. */
function limitsOf(files: Files): CgroupLimits {
  const memoryBytes = limit(files['memory.limit_in_bytes']);
  const together = limit(files['memory.memsw.limit_in_bytes']);
  const reservation = limit(files['memory.soft_limit_in_bytes']);
  const quota = amount(files['cpu.cfs_quota_us']);
  const threads = limit(files['pids.max']);
  return {
    ...(files['cpu.shares'] === undefined ? {} : { cpuShares: amount(files['cpu.shares']) }),
    ...(files['cpu.cfs_period_us'] === undefined ? {} : { cpuPeriodMicros: amount(files['cpu.cfs_period_us']) }),
    ...(quota > 0 ? { cpuQuotaMicros: quota } : {}),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(together === undefined || memoryBytes === undefined ? {} : { swapBytes: Math.max(0, together - memoryBytes) }),
    ...(reservation === undefined ? {} : { memoryReservationBytes: reservation }),
    ...(threads === undefined ? {} : { threads }),
  };
}

/** Lines such as `8:0 Read 4096`. */
function devicesOf(files: Files): readonly DeviceSample[] {
  const bytes = byDevice(files['blkio.throttle.io_service_bytes_recursive']);
  const requests = byDevice(files['blkio.throttle.io_serviced_recursive']);
  return [...bytes].map(([device, of]) => {
    const [major = 0, minor = 0] = device.split(':').map(Number);
    const counted = requests.get(device);
    return {
      major,
      minor,
      readBytes: of.get('Read') ?? 0,
      writeBytes: of.get('Write') ?? 0,
      reads: counted?.get('Read') ?? 0,
      writes: counted?.get('Write') ?? 0,
    };
  });
}

function byDevice(text: string | undefined): Map<string, Map<string, number>> {
  const found = new Map<string, Map<string, number>>();
  for (const line of text?.split('\n') ?? []) {
    const [device = '', operation = '', value] = line.split(' ');
    if (value === undefined) continue;
    const of = found.get(device) ?? new Map<string, number>();
    found.set(device, of.set(operation, Number(value)));
  }
  return found;
}
