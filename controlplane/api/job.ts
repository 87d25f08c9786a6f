// batch/v1 Job: runs pods until enough of them have succeeded.
import { isDeepStrictEqual } from 'node:util';
import type { V1Job } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { controllerUidLabel, jobNameLabel, legacyControllerUidLabel, legacyJobNameLabel } from './jobs/names';
import { validateMode } from './jobs/validate-mode';
import { validateJobStatus } from './jobs/validate-status';
import { validateJobUpdate } from './jobs/validate-update';
import { defineKind, type WriteContext } from './kind';
import { defaultTemplate, matchLabels, validateLoneTemplate } from './pods/template';
import { warnOfTemplate } from './pods/warnings';
import { matchesSelector, selectorFromLabelSelector } from './selector';
import { ageColumn, formatDuration, nameColumn, workloadColumns } from './table';
import type { Wire } from './types';
import { invalid, invalidEach, notSupported, required } from './validation/causes';
import { dns1123Label, nonNegative } from './validation/names';
import { validateLabelSelector } from './validation/selectors';

export type Job = Wire<V1Job>;
export type JobSpec = NonNullable<Job['spec']>;

const maxInt32 = 2 ** 31 - 1;

function defaultJobSpec(spec: JobSpec): void {
  if (spec.completions === undefined && spec.parallelism === undefined) {
    spec.completions = 1;
    spec.parallelism = 1;
  }
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : maxInt32;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  spec.manualSelector ??= false;
  defaultJobTemplate(spec);
}

/** The defaults inside a Job's spec that the template of a CronJob has too. */
export function defaultJobTemplate(spec: JobSpec): void {
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True';
  }
  defaultTemplate(spec);
}

/**
 * A Job without labels has those of its pods: the same map, as upstream, so that the generated labels of its pods are also its own. The
 * writer owns only those that it wrote.
 */
function defaultLabels(job: Job): void {
  const labels = job.spec?.template?.metadata?.labels;
  if (labels && Object.keys(job.metadata?.labels ?? {}).length === 0) job.metadata = { ...job.metadata, labels };
}

/** The labels with the uid separate the pods of this job from those of another job of the same name; old and new label names. */
function prepare(job: Job, { old }: WriteContext<Job>): void {
  if (!old) {
    job.status = {};
    generateSelector(job);
  }
}

function generateSelector({ metadata, spec }: Job): void {
  const { name = '', uid } = metadata ?? {};
  if (!spec?.template || spec.manualSelector || !uid) return;
  spec.template.metadata ??= {};
  // Labels of the writer stay: a wrong one is refused. Changed in place: a Job without labels of its own gets these too.
  spec.template.metadata.labels ??= {};
  const { labels } = spec.template.metadata;
  for (const [label, value] of Object.entries(generatedLabels(name, uid))) labels[label] ??= value;
  spec.selector = { ...spec.selector, matchLabels: { [controllerUidLabel]: uid, ...spec.selector?.matchLabels } };
}

const generatedLabels = (name: string, uid: string): Record<string, string> => ({
  [legacyControllerUidLabel]: uid,
  [legacyJobNameLabel]: name,
  [controllerUidLabel]: uid,
  [jobNameLabel]: name,
});

const numbers = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
] as const;

/** The rules of a Job's spec and of a CronJob's template, which has no selector yet. `field` is the path of the spec. */
export function validateJobFields(spec: JobSpec, field: string, old?: JobSpec): FieldCause[] {
  const amounts = numbers.flatMap((name) => {
    const value = spec[name];
    return value === undefined ? [] : invalidEach(`${field}.${name}`, value, nonNegative(value));
  });
  return [
    ...amounts,
    ...validateMode(spec, field),
    ...validateLoneTemplate(spec.template, old?.template, `${field}.template`),
    ...validateRestartPolicy(spec, `${field}.template.spec.restartPolicy`),
  ];
}

function validateRestartPolicy({ template, podFailurePolicy }: JobSpec, field: string): FieldCause[] {
  const { restartPolicy = 'Always' } = template?.spec ?? {};
  const supported = ['OnFailure', 'Never'];
  if (restartPolicy === 'Always') return [required(field, 'valid values: "OnFailure", "Never"')];
  if (!supported.includes(restartPolicy)) return [notSupported(field, restartPolicy, supported)];
  return podFailurePolicy && restartPolicy !== 'Never'
    ? [invalid(field, restartPolicy, 'only "Never" is supported when podFailurePolicy is specified')]
    : [];
}

function validate(job: Job, { old, subresource }: WriteContext<Job>): FieldCause[] {
  if (subresource === 'status') return validateJobStatus(job, old);
  if (subresource !== '') return [];
  const { spec } = job;
  if (!spec) return [required('spec')];
  const ofSpec = validateSpec(spec, old?.spec);
  return [
    ...validateGenerated(job, old),
    ...ofSpec,
    ...validateHostnames(job),
    // Upstream checks the spec of an update twice.
    ...(old ? [...ofSpec, ...validateJobUpdate(spec, old)] : []),
  ];
}

function validateSpec(spec: JobSpec, old: JobSpec | undefined): FieldCause[] {
  const wrong = validateLabelSelector(spec.selector, 'spec.selector');
  return [
    ...validateJobFields(spec, 'spec', old),
    ...(spec.selector ? [] : [required('spec.selector')]),
    ...wrong,
    ...(wrong.length > 0 ? [] : matchLabels(spec.template, spec.selector, 'spec.template')),
  ];
}

/** A generated selector selects the generated labels, and the template has them. */
function validateGenerated({ metadata, spec }: Job, old: Job | undefined): FieldCause[] {
  const { name = '', uid = '' } = metadata ?? {};
  // Without a uid (kubectl's own checks, tests of fields) nothing was generated.
  if (!spec?.selector || spec.manualSelector || uid === '') return [];
  const labels = spec.template?.metadata?.labels ?? {};
  const before = old?.spec?.template?.metadata?.labels;
  const isOld = before && !(jobNameLabel in before && controllerUidLabel in before);
  const expected = Object.entries(generatedLabels(name, uid)).filter(([label]) => !isOld || !label.includes('/'));
  const causes = expected.flatMap(([label, value]) => {
    const field = `spec.template.metadata.labels[${label}]`;
    if (labels[label] === undefined) return [required(field, `must be '${value}'`)];
    return labels[label] === value ? [] : [invalid(field, sorted(labels), `must be '${value}'`)];
  });
  const selector = selectorFromLabelSelector(spec.selector) ?? [];
  const isValid = validateLabelSelector(spec.selector, 'spec.selector').length === 0;
  if (isValid && !matchesSelector(selector, Object.fromEntries(expected))) {
    causes.push(invalid('spec.selector', spec.selector, '`selector` not auto-generated'));
  }
  return causes;
}

/** As Go prints a map. */
const sorted = (labels: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The pods of an indexed Job have the index in their hostnames. */
function validateHostnames({ metadata, spec }: Job): FieldCause[] {
  if (spec?.completionMode !== 'Indexed' || !spec.completions || spec.completions < 0) return [];
  const { name = '' } = metadata ?? {};
  const longest = `${name}-${spec.completions - 1}`;
  if (dns1123Label(longest).length === 0) return [];
  return [invalid('metadata.name', name, `will not able to create pod with invalid DNS label: ${longest}`)];
}

/** Above both, lists of indexes in the status may become too long. */
const manyIndexes = { completions: 100_000, parallelism: 10_000 };

/** The warnings about a Job's spec, at any path; none when it has not changed. */
export function warnOfJobSpec(spec: JobSpec | undefined, old: JobSpec | undefined, field: string): string[] {
  const { completionMode, completions = 0, parallelism = 0 } = spec ?? {};
  const many = completions > manyIndexes.completions && parallelism > manyIndexes.parallelism;
  if (completionMode !== 'Indexed' || !many || isDeepStrictEqual(spec, old)) return [];
  const detail =
    'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might ' +
    'not be able to track completedIndexes when a big number of indexes fail';
  return [`${field}: ${detail}`];
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
    defaultLabels(job);
  },
  prepare,
  validate,
  podTemplate: { path: 'spec.template', of: ({ spec }) => spec?.template },
  warnings: ({ metadata, spec }, { old, subresource }) =>
    subresource === ''
      ? [...warnOfJobSpec(spec, old?.spec, 'spec'), ...warnOfTemplate(metadata, spec?.template, old?.spec?.template)]
      : [],
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
