// Parts of a timestamp in a time zone: timestamp(...).getHours('Asia/Tokyo'). The library prints and reads the whole date for each of
// them, in the zone of the server; here one formatter for a zone is kept. Source: "Timezones" in the CEL specification, cel-go's reading.
import type { Environment } from '@marcbachmann/cel-js';
import { CelEvaluationError } from '../errors';
import { spendWork } from '../spending';

/** The library's own functions cannot be replaced: the engine renames their calls with an argument to these. */
const suffix = 'InZone';

/** A clock: a Date whose parts in UTC are those of the zone. */
const parts: Readonly<Record<string, (clock: Date) => number>> = {
  getDate: (clock) => clock.getUTCDate(),
  getDayOfMonth: (clock) => clock.getUTCDate() - 1,
  getDayOfWeek: (clock) => clock.getUTCDay(),
  getDayOfYear: (clock) => Math.floor((clock.getTime() - firstDayOf(clock)) / dayMs),
  getFullYear: (clock) => clock.getUTCFullYear(),
  getHours: (clock) => clock.getUTCHours(),
  getMilliseconds: (clock) => clock.getUTCMilliseconds(),
  getMinutes: (clock) => clock.getUTCMinutes(),
  getMonth: (clock) => clock.getUTCMonth(),
  getSeconds: (clock) => clock.getUTCSeconds(),
};

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

const firstDayOf = (clock: Date): number => new Date(clock).setUTCMonth(0, 1) - (clock.getTime() % dayMs);

/** getHours → getHoursInZone; undefined for functions that are no part of a timestamp. */
export const zonedName = (name: unknown): string | undefined =>
  typeof name === 'string' && Object.hasOwn(parts, name) ? name + suffix : undefined;

export const isZonedName = (name: unknown): name is string => typeof name === 'string' && name.endsWith(suffix);
export const unzonedName = (name: string): string => (isZonedName(name) ? name.slice(0, -suffix.length) : name);

/** As many nodes of an expression are evaluated in the time in which a formatter is made. */
const formatterCost = 500;
const maxFormatters = 100;
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(zone: string): Intl.DateTimeFormat {
  const kept = formatters.get(zone);
  if (kept) return kept;
  // Intl also accepts offsets without a colon, which are no names in Go.
  if (!/^[A-Za-z]/.test(zone)) throw unknownZone(zone);
  const digits = 'numeric';
  spendWork(formatterCost);
  let made: Intl.DateTimeFormat;
  try {
    made = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: digits,
      month: digits,
      day: digits,
      hour: digits,
      minute: digits,
      second: digits,
    });
  } catch {
    throw unknownZone(zone);
  }
  const [oldest] = formatters.keys();
  if (formatters.size >= maxFormatters) formatters.delete(oldest!);
  formatters.set(zone, made);
  return made;
}

const unknownZone = (zone: string) => new CelEvaluationError(`unknown time zone ${zone}`);

function wholeNumber(text: string): number {
  if (!/^[+-]?\d{1,9}$/.test(text)) {
    throw new CelEvaluationError(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  return Number(text);
}

/** The minutes of 02:30, +02:30 and -02:30; undefined for names. */
function offsetMinutes(zone: string): number | undefined {
  const colon = zone.indexOf(':');
  if (colon === -1) return undefined;
  const hours = wholeNumber(zone.slice(0, colon));
  const minutes = wholeNumber(zone.slice(colon + 1));
  return hours * 60 + (zone.startsWith('-') ? -minutes : minutes);
}

/** @throws CelEvaluationError for an unknown zone */
function clockIn(zone: string, time: Date): Date {
  const offset = zone === '' || zone === 'UTC' ? 0 : offsetMinutes(zone);
  if (offset !== undefined) return new Date(time.getTime() + offset * minuteMs);
  const read: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of formatterOf(zone).formatToParts(time)) read[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = read;
  const clock = new Date(0);
  // Date.UTC takes the years below 100 for those of the twentieth century.
  clock.setUTCFullYear(year, month - 1, day);
  clock.setUTCHours(hour, minute, second, time.getUTCMilliseconds());
  return clock;
}

export function registerZonedTimes(environment: Environment): void {
  for (const [name, partOf] of Object.entries(parts)) {
    environment.registerFunction(
      `google.protobuf.Timestamp.${name}${suffix}(string): int`,
      (time: Date, zone: string) => BigInt(partOf(clockIn(zone, time))),
    );
  }
}
