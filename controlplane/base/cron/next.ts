// The times of a schedule in a time zone, with the rules of robfig/cron: a time that a change of the clock skips is skipped, and one
// that exists twice is taken twice. Instants are ms since the epoch.
import type { CronFields, CronSchedule } from './parse';
import { instantOf, type Offset } from './time-zone';

/** A schedule such as the 30th of February never matches. */
const searchedYears = 5;
const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** The first time after `after`; undefined when there is none in five years. */
export function nextTime(schedule: CronSchedule, after: number, offset: Offset): number | undefined {
  const whole = Math.floor(after / second) * second;
  if ('everyMs' in schedule) return whole + schedule.everyMs;
  let instant = whole + second;
  const lastYear = new Date(instant + offset(instant)).getUTCFullYear() + searchedYears;
  for (let isWhole = false; ; isWhole = true) {
    const wall = new Date(instant + offset(instant));
    if (wall.getUTCFullYear() > lastYear) return undefined;
    const unit = mismatch(schedule, wall);
    if (unit === undefined) return instant;
    instant = advance(instant, wall, unit, isWhole, offset);
  }
}

type Unit = 'month' | 'day' | 'hour' | 'minute' | 'second';

/** The largest unit in which the wall clock does not match. */
function mismatch(schedule: CronFields, wall: Date): Unit | undefined {
  if (!schedule.month.values.has(wall.getUTCMonth() + 1)) return 'month';
  const { dayOfMonth, dayOfWeek } = schedule;
  const days = [dayOfMonth.values.has(wall.getUTCDate()), dayOfWeek.values.has(wall.getUTCDay())];
  // Two restrictions of the day are alternatives.
  const matches = dayOfMonth.star || dayOfWeek.star ? days.every(Boolean) : days.some(Boolean);
  if (!matches) return 'day';
  if (!schedule.hour.values.has(wall.getUTCHours())) return 'hour';
  if (!schedule.minute.values.has(wall.getUTCMinutes())) return 'minute';
  return wall.getUTCSeconds() === 0 ? undefined : 'second';
}

/** The begin of the next unit. `isWhole`: an earlier step went to the begin of a unit already. */
function advance(instant: number, wall: Date, unit: Unit, isWhole: boolean, offset: Offset): number {
  const [year, month, day] = [wall.getUTCFullYear(), wall.getUTCMonth(), wall.getUTCDate()];
  switch (unit) {
    case 'month':
      return beginOf(Date.UTC(year, month + 1, 1), offset);
    case 'day':
      return beginOf(Date.UTC(year, month, day + 1), offset);
    case 'hour':
      return (isWhole ? instant : instantOf(Date.UTC(year, month, day, wall.getUTCHours()), offset)) + hour;
    case 'minute':
      return Math.floor(instant / minute) * minute + minute;
    case 'second':
      return instant + minute - wall.getUTCSeconds() * second;
  }
}

/** The instant of this wall clock, or the first one after it that exists: so that the search always goes forward. */
function beginOf(wall: number, offset: Offset): number {
  const instant = instantOf(wall, offset);
  return instant + Math.max(0, wall - (instant + offset(instant)));
}

/**
 * The last time until `until`, which is included, of a schedule that has the time `first`. A search in halves: there may be many
 * thousands of times in between.
 */
export function lastTime(schedule: CronSchedule, first: number, until: number, offset: Offset): number {
  if ('everyMs' in schedule) return first + Math.floor((until - first) / schedule.everyMs) * schedule.everyMs;
  let found = first;
  let [low, high] = [Math.floor(first / second), Math.floor(until / second)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const next = nextTime(schedule, middle * second, offset);
    if (next !== undefined && next <= until) {
      found = next;
      low = Math.max(middle + 1, Math.floor(next / second));
    } else high = middle;
  }
  return found;
}
