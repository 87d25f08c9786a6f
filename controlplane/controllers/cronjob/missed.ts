// Which time of its schedule a CronJob has to run for, and when it has to be looked at again. Pure: the time is an argument.
import type { CronJob } from '../../api/cron-job';
import { lastTime, nextTime } from '../../base/cron/next';
import type { CronSchedule } from '../../base/cron/parse';
import type { Offset } from '../../base/cron/time-zone';

export interface Timetable {
  readonly schedule: CronSchedule;
  readonly offset: Offset;
}

interface Missed {
  /** From here on, times count. */
  readonly earliest: number;
  /** The last time that has passed; earlier ones are skipped. */
  readonly due?: number;
  readonly count: number;
}

/** More missed times than this point to a wrong clock: an Event says so. */
export const manyMissed = 100;
/** Later than the time itself, so that the clock has passed it. */
const laterMs = 100;

/** Undefined when the schedule never comes. */
export function missedTimes(
  { metadata, spec, status }: CronJob,
  { schedule, offset }: Timetable,
  now: number,
  withDeadline: boolean,
): Missed | undefined {
  const { startingDeadlineSeconds } = spec ?? {};
  let earliest = Date.parse(status?.lastScheduleTime ?? metadata?.creationTimestamp ?? '') || now;
  if (withDeadline && startingDeadlineSeconds !== undefined) {
    earliest = Math.max(earliest, now - startingDeadlineSeconds * 1000);
  }
  const first = nextTime(schedule, earliest, offset);
  if (first === undefined) return undefined;
  if (now < first) return { earliest, count: 0 };
  const second = nextTime(schedule, first, offset);
  if (second === undefined) return undefined;
  if (now < second) return { earliest, due: first, count: 1 };
  // Upstream's estimate: the first distance stands for all.
  const count = Math.floor((now - first) / (second - first)) + 1;
  return { earliest, due: lastTime(schedule, first, now, offset), count };
}

/** How long until the next time. Undefined when the schedule never comes. */
export function nextInMs(cronJob: CronJob, timetable: Timetable, now: number): number | undefined {
  const missed = missedTimes(cronJob, timetable, now, false);
  const from = missed && (missed.due ?? (missed.count === 0 ? missed.earliest : now));
  const next = nextTime(timetable.schedule, from ?? now, timetable.offset);
  return next === undefined ? undefined : Math.max(0, next + laterMs - now);
}
