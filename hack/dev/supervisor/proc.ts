// Reads /proc: shows whether a pid still belongs to the process that was started.
import { readFileSync } from 'node:fs';

/** Start time in clock ticks since boot, or undefined when there is no such process or it is a zombie. */
export function startTicks(pid: number): string | undefined {
  const [state, ...rest] = statOf(pid) ?? [];
  return state === 'Z' || state === 'X' ? undefined : rest[18];
}

/** R, S, T (stopped), ... as in proc_pid_stat(5); undefined when there is no such process. */
export const processState = (pid: number): string | undefined => statOf(pid)?.[0];

/** The fields from the third on. */
function statOf(pid: number): readonly string[] | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // ENOENT and ESRCH: it has ended.
  }
  // The command name in parentheses may hold spaces and parentheses: count fields after the last parenthesis.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

export const isSameProcess = (record: { readonly pid: number; readonly startTicks: string }): boolean =>
  startTicks(record.pid) === record.startTicks;
