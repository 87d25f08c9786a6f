// How long a command inside a container may run. A busy Docker starts a command late, and this delay must not count. So the
// kubelet reads the age of the process itself.
import { readFile } from 'node:fs/promises';
import { AppError } from '../../../controlplane/base/errors';

/** USER_HZ, the unit of times in /proc/PID/stat: 100 on every Linux that Node.js runs on. */
const ticksPerSecond = 100;
/** The pause between two looks at a command that Docker has not started yet. */
const notStartedMs = 100;

export interface ExecState {
  readonly running: boolean;
  /** On this machine; 0 until the process exists. */
  readonly pid: number;
}

export interface ExecTimer {
  readonly timeoutMs: number;
  readonly state: () => Promise<ExecState>;
  readonly sleep: (ms: number) => Promise<void>;
  /** Undefined when the process has ended, or runs on another machine. */
  readonly ageMs?: (pid: number) => Promise<number | undefined>;
  readonly now?: () => number;
}

/**
 * Resolves when the command has ended by itself; rejects with Timeout, with the process ID in its details, when it has run
 * for `timeoutMs`. When its age is unknown, the time since it was first seen counts.
 */
export async function timeExec(timer: ExecTimer): Promise<void> {
  const { timeoutMs, state, sleep, ageMs = processAgeMs, now = Date.now } = timer;
  let waitMs = timeoutMs;
  let seenMs: number | undefined;
  for (;;) {
    await sleep(waitMs);
    const { pid, running } = await state();
    if (!running && pid !== 0) return;
    if (pid === 0) {
      waitMs = notStartedMs;
      continue;
    }
    seenMs ??= now();
    const age = (await ageMs(pid)) ?? now() - seenMs;
    if (age >= timeoutMs) {
      throw new AppError('Timeout', `the command has run for ${timeoutMs} ms`, { details: { pid: String(pid) } });
    }
    waitMs = timeoutMs - age;
  }
}

/** Milliseconds since the start of the process; undefined when there is none. */
export async function processAgeMs(pid: number): Promise<number | undefined> {
  try {
    const [stat, uptime] = await Promise.all([readFile(`/proc/${pid}/stat`, 'utf8'), readFile('/proc/uptime', 'utf8')]);
    // The name in parentheses may contain any character, blanks too. The third field follows it.
    const started = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[22 - 3]);
    return Math.max(0, Number(uptime.split(' ')[0]) * 1000 - (started / ticksPerSecond) * 1000);
  } catch {
    return undefined;
  }
}
