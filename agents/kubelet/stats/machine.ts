// Facts about the machine that metrics name, and how many processes it has. Source: proc(5).
import { readFile } from 'node:fs/promises';
import type { MachineSample, NodeSample } from './node-sample';

/** Pure. `meminfo` is /proc/meminfo. */
export function machineOf(machine: Omit<MachineSample, 'swapBytes'>, meminfo: string): MachineSample {
  const swapBytes = Number(/^SwapTotal:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0) * 1024;
  return { ...machine, swapBytes };
}

/** The kernel counts threads: its process IDs name threads too, so both limits are of threads. */
export async function readRlimit(): Promise<NodeSample['rlimit']> {
  const number = async (path: string) => Number((await readFile(path, 'utf8')).trim());
  const [pids, threads, load] = await Promise.all([
    number('/proc/sys/kernel/pid_max'),
    number('/proc/sys/kernel/threads-max'),
    readFile('/proc/loadavg', 'utf8'),
  ]);
  // 0.20 0.18 0.12 1/80 11206: of 80 threads one runs.
  const processes = Number(/^\S+ \S+ \S+ \d+\/(\d+)/.exec(load)?.[1] ?? 0);
  return { maxPids: Math.min(pids, threads), processes };
}
