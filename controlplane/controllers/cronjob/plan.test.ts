import t from 'tap';
import type { CronJob, CronJobSpec } from '../../api/cron-job';
import type { Job } from '../../api/job';
import { firstInMs, hasNewTimes, jobName, planCronJob } from './plan';
import { renderJob } from './render-job';

const at = Date.parse;
const now = at('2026-01-01T10:00:10Z');
const due = at('2026-01-01T10:00:00Z');

interface Shape {
  readonly spec?: Partial<CronJobSpec>;
  readonly last?: string;
  readonly active?: readonly string[];
  readonly deleting?: boolean;
}
const cronJob = ({ spec, last = '2026-01-01T09:00:00Z', active = [], deleting }: Shape = {}): CronJob => ({
  metadata: {
    name: 'cj',
    namespace: 'n',
    uid: 'cj',
    creationTimestamp: '2026-01-01T00:00:30Z',
    ...(deleting ? { deletionTimestamp: '2026-01-01T10:00:00Z' } : {}),
  },
  spec: { schedule: '0 * * * *', jobTemplate: { spec: { template: {} } }, ...spec },
  status: {
    ...(last === '' ? {} : { lastScheduleTime: last }),
    ...(active.length > 0 ? { active: active.map((name) => ({ name, uid: name })) } : {}),
  },
});
const job = (name: string, end?: 'Complete' | 'Failed', startTime = '2026-01-01T09:00:00Z'): Job => ({
  metadata: { name, namespace: 'n', uid: name },
  status: {
    startTime,
    ...(end ? { conditions: [{ type: end, status: 'True' }] } : {}),
    ...(end === 'Complete' ? { completionTime: '2026-01-01T09:30:00Z' } : {}),
  },
});

t.test('when a Job is started', async (t) => {
  const hour = 3_600_000;
  const cases: Array<{
    name: string;
    shape?: Shape;
    jobs?: readonly Job[];
    now?: number;
    start?: number;
    againInMs?: number;
    reasons?: string[];
    removed?: string[];
  }> = [
    { name: 'a time has come', start: due },
    { name: 'no time has come', now: at('2026-01-01T09:59:50Z'), againInMs: 10_100 },
    { name: 'this time has its Job', shape: { last: '2026-01-01T10:00:00Z' }, againInMs: hour - 9900 },
    {
      name: 'the Job of this time runs, but the time was not written',
      shape: { active: [`cj-${due / 60_000}`] },
      jobs: [job(`cj-${due / 60_000}`)],
      againInMs: hour - 9900,
    },
    { name: 'never run: from its creation on', shape: { last: '' }, start: due },
    { name: 'suspended', shape: { spec: { suspend: true } } },
    { name: 'deleted', shape: { deleting: true } },
    {
      name: 'several times were missed: only the last one',
      shape: { last: '2026-01-01T01:00:00Z' },
      start: due,
    },
    {
      name: 'more than a hundred times were missed',
      shape: { last: '2025-12-01T01:00:00Z' },
      start: due,
      reasons: ['TooManyMissedTimes'],
    },
    {
      name: 'a deadline bounds what counts as missed',
      shape: { last: '2025-12-01T01:00:00Z', spec: { startingDeadlineSeconds: 20 } },
      start: due,
    },
    {
      name: 'the deadline has passed',
      shape: { spec: { startingDeadlineSeconds: 5 } },
      againInMs: hour - 9900,
    },
    {
      name: 'Forbid, and a Job runs',
      shape: { spec: { concurrencyPolicy: 'Forbid' }, active: ['old'] },
      jobs: [job('old')],
      againInMs: hour - 9900,
      reasons: ['JobAlreadyActive'],
    },
    {
      name: 'Forbid, and the Job has ended',
      shape: { spec: { concurrencyPolicy: 'Forbid' }, active: ['old'] },
      jobs: [job('old', 'Failed')],
      start: due,
      reasons: ['SawCompletedJob'],
    },
    {
      name: 'Replace',
      shape: { spec: { concurrencyPolicy: 'Replace' }, active: ['old'] },
      jobs: [job('old'), job('ended', 'Complete')],
      start: due,
      removed: ['old'],
    },
    { name: 'Allow', shape: { active: ['old'] }, jobs: [job('old')], start: due },
    {
      name: 'a time zone',
      shape: { spec: { schedule: '0 11 * * *', timeZone: 'Europe/Berlin' } },
      start: due,
    },
    {
      name: 'a schedule that never comes',
      shape: { spec: { schedule: '0 0 31 2 *' } },
      reasons: ['InvalidSchedule'],
    },
    { name: 'an unreadable schedule', shape: { spec: { schedule: 'x' } }, reasons: ['UnparseableSchedule'] },
    { name: 'an unknown time zone', shape: { spec: { timeZone: 'Mars/Base' } }, reasons: ['UnknownTimeZone'] },
  ];
  for (const { name, shape, jobs = [], reasons = [], removed = [], ...want } of cases) {
    const plan = planCronJob(cronJob(shape), jobs, want.now ?? now);
    t.same(
      [
        plan.start,
        plan.againInMs,
        plan.reports.map(({ reason }) => reason),
        plan.remove.map((one) => one.metadata?.name),
      ],
      [want.start, want.againInMs, reasons, removed],
      name,
    );
  }
});

t.test('a new schedule begins with its next time', async (t) => {
  const old = cronJob();
  const cases: Array<{ name: string; spec: Partial<CronJobSpec>; last?: string; changed: boolean; inMs?: number }> = [
    { name: 'another field', spec: { suspend: true }, changed: false },
    { name: 'another schedule', spec: { schedule: '5 * * * *' }, changed: true, inMs: 290_100 },
    {
      name: 'its last time has passed before the change',
      spec: { schedule: '30 9 * * *' },
      last: '',
      changed: true,
      inMs: at('2026-01-02T09:30:00.1Z') - now,
    },
    { name: 'another time zone', spec: { timeZone: 'Asia/Kolkata' }, changed: true, inMs: 1_790_100 },
    { name: 'a schedule that cannot be read', spec: { schedule: 'x' }, changed: true, inMs: 0 },
  ];
  for (const { name, spec, last, changed, inMs } of cases) {
    const after = cronJob({ spec, ...(last === undefined ? {} : { last }) });
    t.equal(hasNewTimes(old, after), changed, name);
    if (inMs !== undefined) t.equal(firstInMs(after, now), inMs, `${name}: when`);
  }
});

t.test('what the Jobs say about the status', async (t) => {
  const lastScheduleTime = '2026-01-01T10:00:00Z';
  const shape = { last: lastScheduleTime, active: ['runs', 'done', 'lost'] };
  const jobs = [job('runs'), job('done', 'Complete'), job('other')];
  const plan = planCronJob(cronJob(shape), jobs, now);
  t.same(plan.status, {
    active: [{ name: 'runs', uid: 'runs' }],
    lastScheduleTime,
    lastSuccessfulTime: '2026-01-01T09:30:00Z',
  });
  t.same(
    plan.reports.map(({ reason, message }) => `${reason}: ${message}`),
    [
      'SawCompletedJob: Saw completed job: done, condition: Complete',
      'MissingJob: Active job went missing: lost',
      'UnexpectedJob: Saw a job that the controller did not create or forgot: other',
    ],
  );
  const unseen = planCronJob(cronJob(shape), jobs, now, new Set(['lost']));
  t.same(
    unseen.status?.active?.map(({ name }) => name),
    ['runs', 'lost'],
    'a Job that only the API shows runs on',
  );
  t.notOk(unseen.reports.some(({ reason }) => reason === 'MissingJob'));
  const settled = planCronJob({ ...cronJob(shape), status: plan.status! }, jobs, now);
  t.equal(settled.status, undefined, 'nothing is written twice');
});

t.test('the oldest finished Jobs beyond the limits are removed', async (t) => {
  const shape = { last: '2026-01-01T10:00:00Z', spec: { successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 } };
  const jobs = [
    job('second', 'Complete', '2026-01-01T08:00:00Z'),
    job('first', 'Complete', '2026-01-01T07:00:00Z'),
    job('failed', 'Failed'),
    job('runs'),
  ];
  const names = (spec: object) =>
    planCronJob(cronJob({ ...shape, spec: { ...shape.spec, ...spec } }), jobs, now).remove.map(
      (one) => one.metadata?.name,
    );
  t.same(names({}), ['first', 'failed']);
  t.same(names({ successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: undefined }), [], 'no limit keeps all');
});

t.test('the Job of a time', async (t) => {
  const template = {
    metadata: { labels: { a: 'b' }, annotations: { c: 'd' } },
    spec: { template: {}, parallelism: 2 },
  };
  const made = renderJob(cronJob({ spec: { jobTemplate: template, timeZone: 'America/New_York' } }), due);
  t.equal(made.metadata?.name, jobName(cronJob(), due));
  t.match(made, {
    metadata: {
      name: 'cj-29454360',
      namespace: 'n',
      labels: { a: 'b' },
      annotations: { c: 'd', 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T05:00:00-05:00' },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'cj', uid: 'cj', controller: true }],
    },
    spec: { parallelism: 2 },
  });
  const plain = renderJob(cronJob(), due).metadata?.annotations ?? {};
  t.same(Object.values(plain), ['2026-01-01T10:00:00Z']);
});
