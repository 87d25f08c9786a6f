// batch/v1 CronJob: creates Jobs at the times of a schedule.
import type { V1CronJob } from '@kubernetes/client-node';
import { parseCron } from '../base/cron/parse';
import { timeZone } from '../base/cron/time-zone';
import type { FieldCause } from '../base/errors';
import { defaultJobTemplate, type JobSpec, validateJobFields, warnOfJobSpec } from './job';
import { defineKind, type WriteContext } from './kind';
import { warnOfTemplate } from './pods/warnings';
import { ageColumn, ageOf, formatSelector, nameColumn, none } from './table';
import type { Wire } from './types';
import { invalid, invalidEach, notSupported, required } from './validation/causes';
import { dns1123Label, nonNegative } from './validation/names';
import { oneOf } from './validation/selectors';

export type CronJob = Wire<V1CronJob>;
export type CronJobSpec = NonNullable<CronJob['spec']>;

function setDefaults(cronJob: CronJob): void {
  cronJob.spec ??= {} as CronJobSpec;
  const { spec } = cronJob;
  spec.concurrencyPolicy ??= 'Allow';
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  spec.jobTemplate ??= {};
  spec.jobTemplate.spec ??= {} as JobSpec;
  // Only the pods of the template and the patterns of its failure policy have defaults: those of a Job come when it is created, as
  // upstream.
  defaultJobTemplate(spec.jobTemplate.spec);
}

/** A Job gets the name with eleven characters more, and its pods five more. */
const maxNameLength = 52;

function validate({ metadata, spec }: CronJob, { old, subresource }: WriteContext<CronJob>): FieldCause[] {
  if (subresource !== '') return [];
  const { name = '' } = metadata ?? {};
  const tooLong = `must be no more than ${maxNameLength} characters`;
  return [
    ...(!old && name.length > maxNameLength ? [invalid('metadata.name', name, tooLong)] : []),
    ...(spec ? validateSpec(spec, old?.spec) : [required('spec.schedule')]),
  ];
}

function validateSpec(spec: CronJobSpec, old: CronJobSpec | undefined): FieldCause[] {
  const { schedule = '', concurrencyPolicy, startingDeadlineSeconds, jobTemplate } = spec;
  const policies = ['Allow', 'Forbid', 'Replace'];
  const limits = ['successfulJobsHistoryLimit', 'failedJobsHistoryLimit'] as const;
  const number = (name: string, value: number | undefined) =>
    value === undefined ? [] : invalidEach(`spec.${name}`, value, nonNegative(value));
  return [
    ...(schedule === '' ? [required('spec.schedule')] : validateSchedule(schedule)),
    ...number('startingDeadlineSeconds', startingDeadlineSeconds),
    ...(spec.timeZone === old?.timeZone ? [] : validateTimeZone(spec.timeZone)),
    ...oneOf('spec.concurrencyPolicy', concurrencyPolicy, policies),
    ...validateTemplate(jobTemplate?.spec, old?.jobTemplate?.spec, 'spec.jobTemplate.spec'),
    ...limits.flatMap((name) => number(name, spec[name])),
  ];
}

function validateTemplate(job: JobSpec | undefined, old: JobSpec | undefined, field: string): FieldCause[] {
  if (!job) return [];
  const { selector, manualSelector } = job;
  return [
    ...validateJobFields(job, field, old),
    ...(selector ? [invalid(`${field}.selector`, selector, '`selector` will be auto-generated')] : []),
    ...(manualSelector ? [notSupported(`${field}.manualSelector`, manualSelector, ['nil', 'false'])] : []),
  ];
}

function validateSchedule(schedule: string): FieldCause[] {
  const field = 'spec.schedule';
  const causes: FieldCause[] = [];
  try {
    // A time zone in front of the schedule is refused below.
    parseCron(schedule.replace(/^(CRON_)?TZ=\S* +/, ''));
  } catch (err) {
    causes.push(invalid(field, schedule, (err as SyntaxError).message));
  }
  if (schedule.includes('TZ')) {
    causes.push(invalid(field, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
  }
  return causes;
}

const maxZoneLength = 100;

function validateTimeZone(name: string | undefined): FieldCause[] {
  const field = 'spec.timeZone';
  if (name === undefined) return [];
  if (name === '') return [invalid(field, name, 'timeZone must be nil or non-empty string')];
  const unknown = `unknown time zone ${name}`;
  // No name is that long; reading a longer one takes time.
  if (name.length > maxZoneLength) return [invalid(field, name, unknown)];
  const isName = name
    .split('/')
    .every((part) => /^[A-Za-z._0-9+][A-Za-z._0-9+-]{0,13}$/.test(part) && !/^\.\.?$/.test(part));
  if (!isName) return [invalid(field, name, unknown)];
  if (name.toLowerCase() === 'local') {
    const explicit = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
    return [invalid(field, name, explicit), ...(name === 'Local' ? [] : [invalid(field, name, unknown)])];
  }
  return timeZone(name) ? [] : [invalid(field, name, unknown)];
}

function warnings({ metadata, spec }: CronJob, { old, subresource }: WriteContext<CronJob>): string[] {
  if (subresource !== '') return [];
  const wrong = old ? [] : dns1123Label(metadata?.name ?? '');
  const named =
    'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is ' +
    `recommended: [${wrong.join(' ')}]`;
  const field = 'spec.jobTemplate.spec.template';
  const template = spec?.jobTemplate?.spec?.template;
  return [
    ...(wrong.length > 0 ? [named] : []),
    ...warnOfJobSpec(spec?.jobTemplate?.spec, old?.spec?.jobTemplate?.spec, 'spec.jobTemplate.spec'),
    ...warnOfTemplate(undefined, template, old?.spec?.jobTemplate?.spec?.template, field),
  ];
}

const containersOf = ({ spec }: CronJob) => spec?.jobTemplate?.spec?.template?.spec?.containers ?? [];

export const cronJobs = defineKind<CronJob>({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  shortNames: ['cj'],
  categories: ['all'],
  namespaced: true,
  schema: { model: 'V1CronJob' },
  hasStatus: true,
  defaults: setDefaults,
  prepare: (cronJob, { old }) => {
    if (!old) cronJob.status = {};
  },
  validate,
  podTemplate: { path: 'spec.jobTemplate.spec.template', of: ({ spec }) => spec?.jobTemplate?.spec?.template },
  warnings,
  columns: [
    nameColumn,
    {
      name: 'Schedule',
      type: 'string',
      description: 'The schedule in Cron format.',
      cell: ({ spec }) => spec?.schedule ?? '',
    },
    {
      name: 'Timezone',
      type: 'string',
      description: 'The time zone of the schedule.',
      cell: ({ spec }) => spec?.timeZone ?? none,
    },
    {
      name: 'Suspend',
      type: 'boolean',
      description: 'Whether the CronJob creates no Jobs at present.',
      // Text, as upstream prints it.
      cell: ({ spec }) => (spec?.suspend ? 'True' : 'False'),
    },
    {
      name: 'Active',
      type: 'integer',
      description: 'The number of Jobs that run.',
      cell: ({ status }) => status?.active?.length ?? 0,
    },
    {
      name: 'Last Schedule',
      type: 'string',
      description: 'The time since a Job was last created.',
      cell: ({ status }, now) => (status?.lastScheduleTime ? ageOf(status.lastScheduleTime, now) : none),
    },
    ageColumn,
    {
      name: 'Containers',
      type: 'string',
      priority: 1,
      description: 'Names of each container in the template.',
      cell: (cronJob) =>
        containersOf(cronJob)
          .map(({ name }) => name)
          .join(','),
    },
    {
      name: 'Images',
      type: 'string',
      priority: 1,
      description: 'Images referenced by each container in the template.',
      cell: (cronJob) =>
        containersOf(cronJob)
          .map(({ image = '' }) => image)
          .join(','),
    },
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      description: 'A label query over the pods of the workload.',
      cell: ({ spec }) => formatSelector(spec?.jobTemplate?.spec?.selector),
    },
  ],
});
