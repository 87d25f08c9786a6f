import t from 'tap';
import { row, write } from '../../test/lib/written-object';
import { cronJobs } from './cron-job';

const metadata = { name: 'a', namespace: 'n', creationTimestamp: '2026-01-01T00:00:00Z' };
const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } };
const jobTemplate = { spec: { template } };
const spec = { schedule: '@hourly', jobTemplate };

t.test('defaults and columns of CronJobs', async (t) => {
  const { object, causes } = write(cronJobs, { metadata, spec });
  t.same(causes, []);
  t.match(object.spec, {
    concurrencyPolicy: 'Allow',
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
    jobTemplate: { spec: { template: { spec: { dnsPolicy: 'ClusterFirst' } } } },
  });
  t.same(Object.keys(object.spec?.jobTemplate?.spec ?? {}), ['template'], 'a template has no defaults of a Job');
  t.same(row(cronJobs, object, true), ['a', '@hourly', '<none>', 'False', 0, '<none>', '60s', 'c', 'i', '<none>']);
  const run = {
    ...object,
    spec: { ...object.spec!, timeZone: 'Europe/Berlin', suspend: true },
    status: { active: [{ name: 'a-1' }], lastScheduleTime: '2026-01-01T00:00:30Z' },
  };
  t.same(row(cronJobs, run), ['a', '@hourly', 'Europe/Berlin', 'True', 1, '30s', '60s']);
});

t.test('rules of CronJobs', async (t) => {
  const zone = (name: string) => `spec.timeZone: Invalid value: "${name}": unknown time zone ${name}`;
  const job = (over: object) => ({ jobTemplate: { spec: { template, ...over } } });
  const cases: Array<{ name: string; spec: object; causes: string[] }> = [
    { name: 'no schedule', spec: { schedule: '' }, causes: ['spec.schedule: Required value'] },
    {
      name: 'a wrong schedule',
      spec: { schedule: '* * *' },
      causes: ['spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]'],
    },
    {
      name: 'a time zone in the schedule',
      spec: { schedule: 'CRON_TZ=UTC 0 * * * *' },
      causes: [
        'spec.schedule: Invalid value: "CRON_TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
      ],
    },
    { name: 'a time zone', spec: { timeZone: 'America/Argentina/Buenos_Aires' }, causes: [] },
    { name: 'an unknown time zone', spec: { timeZone: 'Mars/Base' }, causes: [zone('Mars/Base')] },
    { name: 'a path', spec: { timeZone: '../UTC' }, causes: [zone('../UTC')] },
    {
      name: 'an empty time zone',
      spec: { timeZone: '' },
      causes: ['spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string'],
    },
    {
      name: 'the time zone of the server',
      spec: { timeZone: 'Local' },
      causes: [
        'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
      ],
    },
    {
      name: 'an unknown policy',
      spec: { concurrencyPolicy: 'Queue' },
      causes: ['spec.concurrencyPolicy: Unsupported value: "Queue": supported values: "Allow", "Forbid", "Replace"'],
    },
    {
      name: 'negative numbers',
      spec: { startingDeadlineSeconds: -1, successfulJobsHistoryLimit: -2, failedJobsHistoryLimit: -3 },
      causes: [
        'spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0',
        'spec.successfulJobsHistoryLimit: Invalid value: -2: must be greater than or equal to 0',
        'spec.failedJobsHistoryLimit: Invalid value: -3: must be greater than or equal to 0',
      ],
    },
    {
      name: 'a selector in the template',
      spec: job({ selector: { matchLabels: { a: 'b' } }, manualSelector: true }),
      causes: [
        'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be auto-generated',
        'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
      ],
    },
    {
      name: 'pods that run for ever',
      spec: job({ template: { spec: { containers: [{ name: 'c', image: 'i' }] } } }),
      causes: ['spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    },
  ];
  for (const { name, spec: over, causes } of cases) {
    t.same(write(cronJobs, { metadata, spec: { ...spec, ...over } }).causes, causes, name);
  }
  const long = { ...metadata, name: 'a'.repeat(53) };
  const message = `metadata.name: Invalid value: "${long.name}": must be no more than 52 characters`;
  t.same(write(cronJobs, { metadata: long, spec }).causes, [message]);
  const old = write(cronJobs, { metadata, spec }).object;
  t.same(write(cronJobs, { metadata, spec: { ...spec, timeZone: 'Mars/Base' } }, old).causes, [zone('Mars/Base')]);
  const stored = { ...old, spec: { ...old.spec!, timeZone: 'Mars/Base' } };
  t.same(
    write(cronJobs, { metadata, spec: { ...spec, timeZone: 'Mars/Base' } }, stored).causes,
    [],
    'a time zone that was known once may stay',
  );
});
