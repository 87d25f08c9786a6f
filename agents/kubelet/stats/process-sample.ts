// What one process uses, from /proc: of the kubelet and the container runtime, when they have no cgroup of their own.
// Source: proc_pid_stat(5).
import { readdir, readFile, readlink } from 'node:fs/promises';
import type { CgroupSample } from './samples';

const nanosecondsPerTick = 10_000_000;
const msPerTick = 10;
const pageBytes = 4096;

export interface ProcessSample {
  readonly startedAtMs: number;
  readonly sample: CgroupSample;
}

/** From the text of /proc/PID/stat. The name in parentheses may contain spaces and parentheses. Pure. */
export function parseProcessStat(text: string, atMs: number, bootAtMs: number): ProcessSample {
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  // The first field here is the third of the manual, `state`.
  const field = (manual: number) => fields[manual - 3] ?? 0;
  const [userTicks, systemTicks] = [field(14), field(15)];
  const rssBytes = field(24) * pageBytes;
  return {
    startedAtMs: bootAtMs + field(22) * msPerTick,
    sample: {
      atMs,
      cpu: {
        usageNanoseconds: (userTicks + systemTicks) * nanosecondsPerTick,
        userNanoseconds: userTicks * nanosecondsPerTick,
        systemNanoseconds: systemTicks * nanosecondsPerTick,
        periods: 0,
        throttledPeriods: 0,
        throttledNanoseconds: 0,
      },
      memory: {
        usageBytes: rssBytes,
        workingSetBytes: rssBytes,
        rssBytes,
        cacheBytes: 0,
        mappedFileBytes: 0,
        activeFileBytes: 0,
        inactiveFileBytes: 0,
        swapBytes: 0,
        kernelBytes: 0,
        maxUsageBytes: 0,
        failures: 0,
        pageFaults: field(10) + field(12),
        majorPageFaults: field(12),
      },
      limits: {},
      devices: [],
      processes: 1,
      threads: field(20),
      pressure: {},
    },
  };
}

/** Undefined when the process has ended. */
export async function readProcess(pid: number, bootAtMs: number, proc = '/proc'): Promise<ProcessSample | undefined> {
  const atMs = Date.now();
  const text = await readFile(`${proc}/${pid}/stat`, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : parseProcessStat(text, atMs, bootAtMs);
}

/** The inodes of the sockets that listen at this path, by /proc/net/unix. Pure. */
export function listenersAt(unix: string, path: string): readonly string[] {
  const accepting = '00010000';
  return unix
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , flags, , , , at]) => flags === accepting && at === path)
    .map(([, , , , , , inode = '']) => inode);
}

/**
 * The process with this name that listens at the path of a socket. systemd may hold the same socket, so the name counts too. Undefined
 * when there is none. It looks at all processes: keep the answer.
 */
export async function findListener(path: string, name: string, proc = '/proc'): Promise<number | undefined> {
  const unix = await readFile(`${proc}/net/unix`, 'utf8').catch(() => '');
  const wanted = new Set(listenersAt(unix, path).map((inode) => `socket:[${inode}]`));
  if (wanted.size === 0) return undefined;
  for (const pid of await readdir(proc)) {
    if (!/^\d+$/.test(pid) || (await nameOf(Number(pid), proc)) !== name) continue;
    for (const fd of await readdir(`${proc}/${pid}/fd`).catch(() => [])) {
      if (wanted.has(await readlink(`${proc}/${pid}/fd/${fd}`).catch(() => ''))) return Number(pid);
    }
  }
  return undefined;
}

/** '' when the process has ended. */
export const nameOf = (pid: number, proc = '/proc'): Promise<string> =>
  readFile(`${proc}/${pid}/comm`, 'utf8').then(
    (text) => text.trim(),
    () => '',
  );
