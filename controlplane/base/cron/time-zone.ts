// Time zones by their IANA name, from the database in Node.js. A wall clock is written as the instant at which UTC shows the same time.

/** How far the wall clock is ahead of UTC at an instant, in ms. */
export type Offset = (instant: number) => number;

export const utc: Offset = () => 0;

/** A formatter takes tens of kilobytes, and a name may have many spellings. */
const maxFormats = 100;
const formats = new Map<string, Intl.DateTimeFormat>();

/** Undefined for a name that is unknown, or that differs from a known one only in case. */
export function timeZone(name: string): Offset | undefined {
  if (name === 'UTC') return utc;
  const format = formats.get(name) ?? openFormat(name);
  if (!format) return undefined;
  return (instant) => {
    const [month, day, year, hour, minute, second] = format.format(instant).split(/\D+/).map(Number);
    const wall = Date.UTC(year!, month! - 1, day, hour, minute, second);
    return wall - Math.floor(instant / 1000) * 1000;
  };
}

function openFormat(name: string): Intl.DateTimeFormat | undefined {
  // Intl also accepts offsets, which are no names.
  if (!/^[A-Za-z]/.test(name)) return undefined;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
  // Intl ignores case, but the files that upstream reads do not.
  const known = format.resolvedOptions().timeZone;
  if (known !== name && known.toLowerCase() === name.toLowerCase()) return undefined;
  if (formats.size >= maxFormats) formats.clear();
  formats.set(name, format);
  return format;
}

/** The instant of a wall clock. Of a time that does not exist or exists twice: one of the two candidates, by the rule of Go's time.Date. */
export function instantOf(wall: number, offset: Offset): number {
  const guess = offset(wall);
  return guess === 0 ? wall : wall - offset(wall - guess);
}
