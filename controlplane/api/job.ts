// batch/v1 Job. Modes that the controller does not support (Indexed, failure and success policies) are refused, not ignored.
import { isDeepStrictEqual } from 'node:util';
import type { V1Job } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { defaultTemplate, matchLabels, validateLoneTemplate } from './pods/template';
import { warnOfTemplate } from './pods/warnings';
import { ageColumn, formatDuration, nameColumn, workloadColumns } from './table';
import type { Wire } from './types';
import { forbidden, immutable, invalid, invalidEach, required } from './validation/causes';
import { nonNegative } from './validation/names';
import { oneOf } from './validation/selectors';

export type Job = Wire<V1Job>;
export type JobSpec = NonNullable<Job['spec']>;

const controllerUidLabel = 'batch.kubernetes.io/controller-uid';
const jobNameLabel = 'batch.kubernetes.io/job-name';

function defaultJobSpec(spec: JobSpec): void {
  if (spec.completions === undefined && spec.parallelism === undefined) {
    spec.completions = 1;
    spec.parallelism = 1;
  }
  spec.parallelism ??= 1;
  spec.backoffLimit ??= 6;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= 'TerminatingOrFailed';
  spec.manualSelector ??= false;
  defaultTemplate(spec);
}

/** The labels with the uid separate the pods of this job from those of another job of the same name; old and new label names. */
function prepare(job: Job, { old }: WriteContext<Job>): void {
  if (old) return;
  job.status = {};
  const { name, uid } = job.metadata ?? {};
  const { spec } = job;
  if (!spec?.template || spec.manualSelector || !uid || !name) return;
  spec.template.metadata ??= {};
  spec.template.metadata.labels = {
    ...spec.template.metadata.labels,
    [controllerUidLabel]: uid,
    [jobNameLabel]: name,
    'controller-uid': uid,
    'job-name': name,
  };
  spec.selector = { ...spec.selector, matchLabels: { ...spec.selector?.matchLabels, [controllerUidLabel]: uid } };
}

const numbers = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
] as const;
const unserved = [
  'podFailurePolicy',
  'successPolicy',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
  'managedBy',
] as const;

/** The rules of a Job's spec and of a CronJob's template, which has no selector yet. `field` is the path of the spec. */
export function validateJobFields(spec: JobSpec, field: string, old?: JobSpec): FieldCause[] {
  const causes = numbers.flatMap((name) => {
    const value = spec[name];
    return value === undefined ? [] : invalidEach(`${field}.${name}`, value, nonNegative(value));
  });
  causes.push(...oneOf(`${field}.completionMode`, spec.completionMode, ['NonIndexed']));
  causes.push(...oneOf(`${field}.podReplacementPolicy`, spec.podReplacementPolicy, ['Failed', 'TerminatingOrFailed']));
  for (const name of unserved) {
    if (spec[name] !== undefined) causes.push(forbidden(`${field}.${name}`, 'not supported by this server'));
  }
  const { template } = spec;
  causes.push(...validateLoneTemplate(template, old?.template, `${field}.template`));
  if ((template.spec?.restartPolicy ?? 'Always') === 'Always') {
    causes.push(required(`${field}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"'));
  }
  return causes;
}

function validate({ spec }: Job, { old, subresource }: WriteContext<Job>): FieldCause[] {
  if (subresource !== '') return [];
  if (!spec) return [required('spec')];
  const causes = [
    ...matchLabels(spec.template, spec.selector, 'spec.template'),
    ...validateJobFields(spec, 'spec', old?.spec),
  ];
  if (!old) {
    if (!spec.selector) causes.push(required('spec.selector'));
    return causes;
  }
  const fixed = ['completions', 'selector', 'completionMode'] as const;
  for (const name of fixed) {
    if (!isDeepStrictEqual(spec[name], old.spec?.[name])) causes.push(invalid(`spec.${name}`, spec[name], immutable));
  }
  // A suspended job that never started may change where its pods run (KEP-2926), but not its containers.
  const mayMove = old.spec?.suspend === true && !old.status?.startTime;
  const comparable = (template: JobSpec['template'] | undefined) => (mayMove ? template?.spec?.containers : template);
  if (!isDeepStrictEqual(comparable(spec.template), comparable(old.spec?.template))) {
    causes.push(invalid('spec.template', spec.template, immutable));
  }
  return causes;
}

export function jobCondition({ status }: Job, type: string): boolean {
  return (status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');
}

export const isJobFinished = (job: Job): boolean => jobCondition(job, 'Complete') || jobCondition(job, 'Failed');

function statusOf(job: Job): string {
  if (jobCondition(job, 'Complete')) return 'Complete';
  if (jobCondition(job, 'Failed')) return 'Failed';
  if (job.metadata?.deletionTimestamp) return 'Terminating';
  for (const type of ['Suspended', 'FailureTarget', 'SuccessCriteriaMet']) if (jobCondition(job, type)) return type;
  return 'Running';
}

function completionsOf({ spec, status }: Job): string {
  const done = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${done}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 1;
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function durationOf({ status }: Job, now: number): string {
  if (!status?.startTime) return '';
  const end = status.completionTime ? Date.parse(status.completionTime) : now;
  return formatDuration(end - Date.parse(status.startTime));
}

export const jobs = defineKind<Job>({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  categories: ['all'],
  namespaced: true,
  schema: { model: 'V1Job' },
  hasStatus: true,
  deletion: {
    orphansByDefault: true,
    orphanWarning:
      'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or ' +
      'set propagationPolicy=Orphan to suppress this warning',
  },
  defaults: (job) => {
    job.spec ??= {} as JobSpec;
    defaultJobSpec(job.spec);
  },
  prepare,
  validate,
  podTemplate: { path: 'spec.template', of: ({ spec }) => spec?.template },
  warnings: ({ metadata, spec }, { old, subresource }) =>
    subresource === '' ? warnOfTemplate(metadata, spec?.template, old?.spec?.template) : [],
  columns: [
    nameColumn,
    { name: 'Status', type: 'string', description: 'Status of the job.', cell: statusOf },
    {
      name: 'Completions',
      type: 'string',
      description: 'The desired number of successfully finished pods the job should be run with.',
      cell: completionsOf,
    },
    {
      name: 'Duration',
      type: 'string',
      description: 'Time required to complete the job.',
      cell: durationOf,
    },
    ageColumn,
    ...workloadColumns,
  ],
  fields: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
  unknownField: (path) => `field label ${path} not supported for Job`,
});
