// Reads /proc: whether a process is still the one that was started.
import { readFileSync } from 'node:fs';

/** Start time in clock ticks since boot, or undefined when there is no such process or it is a zombie. */
export function startTicks(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // ENOENT and ESRCH: it has ended.
  }
  // The command name in parentheses may hold spaces and parentheses itself: fields are counted behind the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

export const isSameProcess = (record: { readonly pid: number; readonly startTicks: string }): boolean =>
  startTicks(record.pid) === record.startTicks;
