// The sample of a cgroup from the files of cgroup v2. Pure. The root group has no memory.current: there the machine's memory is what
// is used. Source: Linux admin-guide/cgroup-v2, cAdvisor's metrics.
import { amount, type Files, flatKeyed, limit, pressureOf } from './cgroup-values';
import type { CgroupLimits, CgroupSample, DeviceSample, MemorySample } from './samples';

export const v2Files = {
  few: ['cpu.stat', 'memory.current', 'memory.stat', 'memory.max', 'memory.swap.current', 'memory.swap.max'],
  all: [
    'cpu.weight',
    'cpu.max',
    'memory.peak',
    'memory.min',
    'memory.events',
    'pids.current',
    'pids.max',
    'io.stat',
    'cpu.pressure',
    'memory.pressure',
    'io.pressure',
  ],
} as const;

/** `meminfo` is /proc/meminfo; only the root group needs it. */
export function sampleV2(files: Files, atMs: number, meminfo?: string): CgroupSample {
  const cpu = flatKeyed(files['cpu.stat']);
  const micros = (name: string) => (cpu.get(name) ?? 0) * 1000;
  const pressure = {
    cpu: pressureOf(files['cpu.pressure']),
    memory: pressureOf(files['memory.pressure']),
    io: pressureOf(files['io.pressure']),
  };
  const events = flatKeyed(files['memory.events']);
  const threads = files['pids.current'];
  const oomKills = events.get('oom_kill');
  return {
    atMs,
    cpu: {
      usageNanoseconds: micros('usage_usec'),
      userNanoseconds: micros('user_usec'),
      systemNanoseconds: micros('system_usec'),
      periods: cpu.get('nr_periods') ?? 0,
      throttledPeriods: cpu.get('nr_throttled') ?? 0,
      throttledNanoseconds: micros('throttled_usec'),
    },
    memory: memoryOf(files, meminfo, events.get('max') ?? 0),
    limits: limitsOf(files),
    devices: devicesOf(files['io.stat']),
    ...(threads === undefined ? {} : { threads: amount(threads) }),
    ...(oomKills === undefined ? {} : { oomKills }),
    pressure: {
      ...(pressure.cpu ? { cpu: pressure.cpu } : {}),
      ...(pressure.memory ? { memory: pressure.memory } : {}),
      ...(pressure.io ? { io: pressure.io } : {}),
    },
  };
}

function memoryOf(files: Files, meminfo: string | undefined, failures: number): MemorySample {
  const stat = flatKeyed(files['memory.stat']);
  const of = (name: string) => stat.get(name) ?? 0;
  const machine = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(meminfo ?? '')?.[1] ?? 0) * 1024;
  const current = files['memory.current'];
  const usageBytes = current === undefined ? machine('MemTotal') - machine('MemFree') : amount(current);
  const swap = files['memory.swap.current'];
  const inactiveFileBytes = of('inactive_file');
  return {
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - inactiveFileBytes),
    rssBytes: of('anon'),
    cacheBytes: of('file'),
    mappedFileBytes: of('file_mapped'),
    activeFileBytes: of('active_file'),
    inactiveFileBytes,
    swapBytes: swap === undefined ? machine('SwapTotal') - machine('SwapFree') : amount(swap),
    kernelBytes: of('kernel'),
    maxUsageBytes: amount(files['memory.peak']),
    failures,
    pageFaults: of('pgfault'),
    majorPageFaults: of('pgmajfault'),
  };
}

function limitsOf(files: Files): CgroupLimits {
  const [quota, period] = files['cpu.max']?.trim().split(' ') ?? [];
  const quotaMicros = limit(quota);
  const memoryBytes = limit(files['memory.max']);
  const swapBytes = limit(files['memory.swap.max']);
  const threads = limit(files['pids.max']);
  const weight = files['cpu.weight'];
  return {
    ...(weight === undefined ? {} : { cpuShares: sharesOf(amount(weight)) }),
    ...(period === undefined ? {} : { cpuPeriodMicros: amount(period) }),
    ...(quotaMicros === undefined ? {} : { cpuQuotaMicros: quotaMicros }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(swapBytes === undefined ? {} : { swapBytes }),
    ...(files['memory.min'] === undefined ? {} : { memoryReservationBytes: amount(files['memory.min']) }),
    ...(threads === undefined ? {} : { threads }),
  };
}

/** Weights of v2 (1 to 10,000) in the shares of v1 (2 to 262,144), by the line between the ends of both ranges. Source: KEP-2254. */
const sharesOf = (weight: number): number => Math.floor(2 + ((weight - 1) * 262_142) / 9_999);

/** Lines such as `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0`. */
function devicesOf(text: string | undefined): readonly DeviceSample[] {
  const found: DeviceSample[] = [];
  for (const line of text?.split('\n') ?? []) {
    const [device = '', ...pairs] = line.split(' ');
    const [major, minor] = device.split(':').map(Number);
    if (major === undefined || minor === undefined || pairs.length === 0) continue;
    const values = new Map(pairs.map((pair) => pair.split('=') as [string, string]));
    const of = (name: string) => Number(values.get(name) ?? 0);
    found.push({
      major,
      minor,
      readBytes: of('rbytes'),
      writeBytes: of('wbytes'),
      reads: of('rios'),
      writes: of('wios'),
    });
  }
  return found;
}
