// From a CronJob and its Jobs to the steps of one pass. Pure: no I/O, no clock.
import type { CronJob } from '../../api/cron-job';
import { isJobFinished, type Job, jobCondition } from '../../api/job';
import { parseCron } from '../../base/cron/parse';
import { timeZone, utc } from '../../base/cron/time-zone';
import { isDeleting } from '../shared/owner';
import { manyMissed, missedTimes, nextInMs, type Timetable } from './missed';

export interface Report {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface CronJobPlan {
  readonly reports: readonly Report[];
  /** The status as far as the observed Jobs decide it. Undefined when it is right already. */
  readonly status?: NonNullable<CronJob['status']>;
  /** Finished Jobs beyond the limits, and Jobs that the next one replaces. */
  readonly remove: readonly Job[];
  /** The time for which a Job has to be created. */
  readonly start?: number;
  readonly againInMs?: number;
}

/** `jobs` are the Jobs that this CronJob controls; `unseen` are uids of Jobs that exist although they are not among them. */
export function planCronJob(
  cronJob: CronJob,
  jobs: readonly Job[],
  now: number,
  unseen: ReadonlySet<string> = new Set(),
): CronJobPlan {
  const seen = observe(cronJob, jobs, unseen);
  const old = isDeleting(cronJob) ? [] : beyondLimits(cronJob, jobs);
  const changed = seen.changed ? { status: seen.status } : {};
  const current = { ...cronJob, status: seen.status };
  const next = isDeleting(cronJob) ? { reports: [] } : planStart(current, jobs, now);
  return {
    ...changed,
    ...(next.start === undefined ? {} : { start: next.start }),
    ...(next.againInMs === undefined ? {} : { againInMs: next.againInMs }),
    reports: [...seen.reports, ...next.reports],
    remove: [...old, ...(next.replace ?? [])],
  };
}

/** True when the two have different times: another schedule, or another time zone. */
export const hasNewTimes = ({ spec: before }: CronJob, { spec: after }: CronJob): boolean =>
  before?.schedule !== after?.schedule || before?.timeZone !== after?.timeZone;

/** How long after a change of the schedule to plan again; 0 when there is no next time, so that the plan says why. */
export function firstInMs(cronJob: CronJob, now: number): number {
  const timetable = timetableOf(cronJob);
  return 'reason' in timetable ? 0 : (nextInMs(cronJob, timetable, now) ?? 0);
}

/** What the Jobs say about the status: which of them run, and when the last one has succeeded. */
function observe({ status = {} }: CronJob, jobs: readonly Job[], unseen: ReadonlySet<string>) {
  const reports: Report[] = [];
  const running = new Map(jobs.filter((job) => !isJobFinished(job)).map((job) => [job.metadata?.uid, job]));
  const active = (status.active ?? []).filter(({ uid, name }) => {
    if (running.has(uid) || unseen.has(uid ?? '')) return true;
    const job = jobs.find(({ metadata }) => metadata?.uid === uid);
    const condition = job && jobCondition(job, 'Complete') ? 'Complete' : 'Failed';
    reports.push({
      type: 'Normal',
      ...(job
        ? { reason: 'SawCompletedJob', message: `Saw completed job: ${name}, condition: ${condition}` }
        : { reason: 'MissingJob', message: `Active job went missing: ${name}` }),
    });
    return false;
  });
  const known = new Set(active.map(({ uid }) => uid));
  for (const [uid, { metadata }] of running) {
    if (known.has(uid)) continue;
    const message = `Saw a job that the controller did not create or forgot: ${metadata?.name}`;
    reports.push({ type: 'Warning', reason: 'UnexpectedJob', message });
  }
  const succeeded = jobs
    .filter((job) => jobCondition(job, 'Complete'))
    .flatMap(({ status: { completionTime } = {} }) => (completionTime ? [completionTime] : []))
    .concat(status.lastSuccessfulTime ?? [])
    .sort((a, b) => Date.parse(a) - Date.parse(b));
  const lastSuccessfulTime = succeeded.at(-1);
  const changed = active.length !== (status.active ?? []).length || lastSuccessfulTime !== status.lastSuccessfulTime;
  return {
    reports,
    changed,
    status: {
      ...(active.length > 0 ? { active } : {}),
      ...(status.lastScheduleTime ? { lastScheduleTime: status.lastScheduleTime } : {}),
      ...(lastSuccessfulTime ? { lastSuccessfulTime } : {}),
    },
  };
}

interface Start {
  readonly reports: readonly Report[];
  readonly start?: number;
  readonly againInMs?: number;
  readonly replace?: readonly Job[];
}

function planStart(cronJob: CronJob, jobs: readonly Job[], now: number): Start {
  const { spec, status } = cronJob;
  const warning = (reason: string, message: string): Report => ({ type: 'Warning', reason, message });
  const timetable = timetableOf(cronJob);
  if ('reason' in timetable) return { reports: [timetable] };
  if (spec?.suspend) return { reports: [] };
  const missed = missedTimes(cronJob, timetable, now, true);
  if (!missed) {
    const why = 'time difference between two schedules is less than 1 second';
    return { reports: [warning('InvalidSchedule', `invalid schedule: ${spec?.schedule} : ${why}`)] };
  }
  const { due, count } = missed;
  const reports =
    count > manyMissed
      ? [
          warning(
            'TooManyMissedTimes',
            'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
          ),
        ]
      : [];
  const wait = (report?: Report): Start => {
    const inMs = nextInMs(cronJob, timetable, now);
    return {
      reports: report ? [...reports, report] : reports,
      ...(inMs === undefined ? {} : { againInMs: inMs }),
    };
  };
  if (due === undefined) return wait();
  const { startingDeadlineSeconds, concurrencyPolicy } = spec ?? {};
  if (startingDeadlineSeconds !== undefined && due + startingDeadlineSeconds * 1000 < now) {
    return wait(warning('MissSchedule', `Missed scheduled time to start a job: ${rfc1123(due)}`));
  }
  const active = status?.active ?? [];
  const isStarted = active.some(({ name }) => name === jobName(cronJob, due));
  if (isStarted || Date.parse(status?.lastScheduleTime ?? '') === due) return wait();
  if (concurrencyPolicy === 'Forbid' && active.length > 0) {
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
    return wait({ type: 'Normal', reason: 'JobAlreadyActive', message });
  }
  const running = new Set(active.map(({ uid }) => uid));
  const replaced = concurrencyPolicy === 'Replace' ? jobs.filter(({ metadata }) => running.has(metadata?.uid)) : [];
  return { reports, start: due, replace: replaced };
}

/** A warning when the schedule or its time zone can no longer be read: it was written under other rules. */
function timetableOf({ spec }: CronJob): Timetable | Report {
  const { schedule = '', timeZone: name } = spec ?? {};
  const offset = name === undefined ? utc : timeZone(name);
  if (!offset) {
    const message = `invalid timeZone: ${JSON.stringify(name)}: unknown time zone ${name}`;
    return { type: 'Warning', reason: 'UnknownTimeZone', message };
  }
  try {
    return { schedule: parseCron(schedule), offset };
  } catch (err) {
    const why = (err as SyntaxError).message;
    const message = `unparseable schedule: ${JSON.stringify(schedule)} : ${why}`;
    return { type: 'Warning', reason: 'UnparseableSchedule', message };
  }
}

function beyondLimits({ spec }: CronJob, jobs: readonly Job[]): Job[] {
  const oldest = (condition: string, limit: number | undefined): Job[] => {
    if (limit === undefined) return [];
    const finished = jobs.filter((job) => jobCondition(job, condition) && !isDeleting(job)).sort(byStart);
    return finished.slice(0, Math.max(0, finished.length - limit));
  };
  return [...oldest('Complete', spec?.successfulJobsHistoryLimit), ...oldest('Failed', spec?.failedJobsHistoryLimit)];
}

/** Jobs that never started are the newest. */
function byStart(a: Job, b: Job): number {
  const startOf = ({ status }: Job) => Date.parse(status?.startTime ?? '') || Number.MAX_SAFE_INTEGER;
  const names = (a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1;
  return startOf(a) - startOf(b) || names;
}

/** The name contains the minute, so that two controllers create one Job for one time. */
export const jobName = ({ metadata }: CronJob, time: number): string =>
  `${metadata?.name}-${Math.floor(time / 60_000)}`;

/** Mon, 02 Jan 2006 15:04:05 +0000 */
const rfc1123 = (time: number): string => new Date(time).toUTCString().replace('GMT', '+0000');
