// CPU time of this process and of the commands that it has run to their end.
import { readFileSync } from 'node:fs';

/** The kernel's unit in /proc, on every architecture. */
const msPerTick = 10;

export function cpuTimeMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000 + childrenMs();
}

function childrenMs(): number {
  try {
    return childrenMsOf(readFileSync('/proc/self/stat', 'utf8'));
  } catch {
    // Without /proc the commands are not counted.
    return 0;
  }
}

/** Pure. proc(5): cutime and cstime. The name of the program, in brackets, may have any character. */
export function childrenMsOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[13]) || 0) + (Number(fields[14]) || 0)) * msPerTick;
}
