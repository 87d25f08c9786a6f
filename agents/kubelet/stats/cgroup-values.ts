// Reads the formats of the kernel's control files. Pure. A file that does not exist is an absent text.
// Source: Linux admin-guide/cgroup-v1 and cgroup-v2; accounting/psi.
import type { Pressure, PressureLine } from './samples';

/** The files of one cgroup, by their names. */
export type Files = Readonly<Record<string, string | undefined>>;

/** Limits above this are "not limited": cgroup v1 rounds the largest number down to whole pages. */
const unlimited = 2 ** 62;

/** One number in a file; 0 when the file does not exist. */
export const amount = (text: string | undefined): number => Number(text?.trim() || 0) || 0;

/** One number, or `max`. Undefined: not limited, or no such file. */
export function limit(text: string | undefined): number | undefined {
  const value = text?.trim();
  if (value === undefined || value === '' || value === 'max') return undefined;
  const parsed = Number(value);
  return Number.isFinite(parsed) && parsed < unlimited ? parsed : undefined;
}

/** Lines of a name and a number, such as those of memory.stat. */
export function flatKeyed(text: string | undefined): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const line of text?.split('\n') ?? []) {
    const space = line.indexOf(' ');
    if (space > 0) found.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return found;
}

/** The two lines of a pressure file. The kernel has no line `full` for the CPU before Linux 5.13. */
export function pressureOf(text: string | undefined): Pressure | undefined {
  if (text === undefined || !text.startsWith('some')) return undefined;
  const none: PressureLine = { avg10: 0, avg60: 0, avg300: 0, totalMicros: 0 };
  const lines = new Map<string, PressureLine>();
  for (const line of text.split('\n')) {
    const [kind = '', ...pairs] = line.split(' ');
    const values = new Map(pairs.map((pair) => pair.split('=') as [string, string]));
    const of = (name: string) => Number(values.get(name) ?? 0);
    lines.set(kind, { avg10: of('avg10'), avg60: of('avg60'), avg300: of('avg300'), totalMicros: of('total') });
  }
  return { some: lines.get('some') ?? none, full: lines.get('full') ?? none };
}
