// Rules of a Job's status. Other controllers may own a Job (spec.managedBy), so the server holds every writer to what clients of Jobs
// rely on. Most rules look only at what has changed: a status that was stored earlier, or a new spec, must not block other writes.
import { isDeepStrictEqual } from 'node:util';
import type { FieldCause } from '../../base/errors';
import type { Job } from '../job';
import { duplicate, invalid, invalidEach, invalidWithoutValue, required } from '../validation/causes';
import { nonNegative } from '../validation/names';
import { checkIndexes, firstCommon, parseIndexes } from './indexes';

type Status = NonNullable<Job['status']>;

const counts = ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const;

export function validateJobStatus(job: Job, old: Job | undefined): FieldCause[] {
  const [status, before] = [job.status ?? {}, old?.status ?? {}];
  return [
    ...counts.flatMap((name) => invalidEach(`status.${name}`, status[name], nonNegative(status[name] ?? 0))),
    ...validateUncounted(status),
    ...validateConditions(status, before, job),
    ...validateTimes(job, before),
    ...validateEnd(status, before),
    ...validateIndexes(job, before),
    ...validateProgress(job, before),
  ];
}

const isTrue = ({ conditions = [] }: Status, type: string): boolean =>
  conditions.some((condition) => condition.type === type && condition.status === 'True');
const isFinished = (status: Status): boolean => isTrue(status, 'Complete') || isTrue(status, 'Failed');
const differ = (a: unknown, b: unknown): boolean => !isDeepStrictEqual(a, b);
const wrongConditions = (detail: string): FieldCause => invalidWithoutValue('status.conditions', detail);

function validateUncounted({ uncountedTerminatedPods }: Status): FieldCause[] {
  const seen = new Set<string>();
  return (['succeeded', 'failed'] as const).flatMap((list) =>
    (uncountedTerminatedPods?.[list] ?? []).flatMap((uid, i) => {
      const field = `status.uncountedTerminatedPods.${list}[${i}]`;
      if (uid === '') return [invalid(field, uid, 'must not be empty')];
      if (seen.has(uid)) return [duplicate(field, uid)];
      seen.add(uid);
      return [];
    }),
  );
}

function validateConditions(status: Status, before: Status, { spec }: Job): FieldCause[] {
  const [complete, failed] = [isTrue(status, 'Complete'), isTrue(status, 'Failed')];
  const [target, criteria] = [isTrue(status, 'FailureTarget'), isTrue(status, 'SuccessCriteriaMet')];
  const changed = (type: string) => isTrue(status, type) !== isTrue(before, type);
  const completeChanged = changed('Complete');
  const rules: readonly (readonly [broken: boolean, detail: string])[] = [
    [
      complete && failed && (completeChanged || changed('Failed')),
      'cannot set Complete=True and Failed=true conditions',
    ],
    [
      complete && target && (completeChanged || changed('FailureTarget')),
      'cannot set Complete=True and FailureTarget=true conditions',
    ],
    [
      failed && !target && changed('Failed'),
      'cannot set Failed=True condition without the FailureTarget=true condition',
    ],
    [
      complete && !criteria && completeChanged,
      'cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
    ],
    [criteria && failed, 'cannot set SuccessCriteriaMet=True and Failed=true conditions'],
    [criteria && target, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions'],
    [
      spec?.successPolicy !== undefined && !criteria && complete,
      'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True',
    ],
    ...['Failed', 'Complete', 'FailureTarget'].map(
      (type) =>
        [isTrue(before, type) && !isTrue(status, type), `cannot disable the terminal ${type}=True condition`] as const,
    ),
    [isTrue(before, 'SuccessCriteriaMet') && !criteria, 'cannot disable the SuccessCriteriaMet=True condition'],
    [
      isTrue(before, 'Complete') && !isTrue(before, 'SuccessCriteriaMet') && criteria,
      'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions',
    ],
  ];
  return rules.flatMap(([broken, detail]) => (broken ? [wrongConditions(detail)] : []));
}

function validateTimes({ status = {}, spec }: Job, before: Status): FieldCause[] {
  const { startTime, completionTime } = status;
  const complete = isTrue(status, 'Complete');
  const startChanged = startTime !== before.startTime;
  const endChanged = completionTime !== before.completionTime;
  const at = 'status.completionTime';
  const causes: FieldCause[] = [];
  if (endChanged || complete !== isTrue(before, 'Complete')) {
    if (completionTime && !complete) {
      causes.push(invalid(at, completionTime, 'cannot set completionTime when there is no Complete=True condition'));
    }
    if (!completionTime && complete) causes.push(required(at, 'completionTime is required for Complete jobs'));
  }
  const isEarly = startTime && completionTime && Date.parse(completionTime) < Date.parse(startTime);
  if (isEarly && (startChanged || endChanged)) {
    causes.push(invalid(at, completionTime, 'completionTime cannot be set before startTime'));
  }
  if (endChanged && completionTime && before.completionTime) {
    causes.push(invalid(at, completionTime, 'completionTime cannot be mutated'));
  }
  if (startChanged && before.startTime && !spec?.suspend && !isTrue(before, 'Suspended')) {
    causes.push(invalid('status.startTime', startTime, 'field is immutable for unsuspended job once set'));
  }
  return causes;
}

/** A finished Job has no pods left. */
function validateEnd(status: Status, before: Status): FieldCause[] {
  const { active = 0, terminating = 0, ready = 0, startTime, uncountedTerminatedPods } = status;
  const causes: FieldCause[] = [];
  const finished = isFinished(status);
  const finishedChanged = finished !== isFinished(before);
  const changed = (name: keyof Status) => finishedChanged || differ(status[name], before[name]);
  if (finished) {
    if (active > 0 && changed('active')) {
      causes.push(invalid('status.active', active, 'active>0 is invalid for finished job'));
    }
    if (!startTime && changed('startTime')) {
      causes.push(required('status.startTime', 'startTime is required for finished job'));
    }
    const uncounted = [...(uncountedTerminatedPods?.succeeded ?? []), ...(uncountedTerminatedPods?.failed ?? [])];
    if (uncounted.length > 0 && changed('uncountedTerminatedPods')) {
      const detail = 'uncountedTerminatedPods needs to be empty for finished job';
      causes.push(invalid('status.uncountedTerminatedPods', uncountedTerminatedPods, detail));
    }
    if (terminating > 0 && changed('terminating')) {
      causes.push(invalid('status.terminating', terminating, 'terminating>0 is invalid for finished job'));
    }
  }
  if (ready > active && (differ(status.ready, before.ready) || differ(status.active, before.active))) {
    causes.push(invalid('status.ready', ready, 'cannot set more ready pods than active'));
  }
  return causes;
}

function validateIndexes({ status = {}, spec }: Job, before: Status): FieldCause[] {
  const { completedIndexes = '', failedIndexes } = status;
  const completions = spec?.completions;
  const completedChanged = completedIndexes !== (before.completedIndexes ?? '');
  const failedChanged = failedIndexes !== before.failedIndexes;
  const causes: FieldCause[] = [];
  const check = (name: 'completedIndexes' | 'failedIndexes', text: string) => {
    const found = checkIndexes(text, completions ?? 0);
    if (typeof found === 'string') causes.push(invalid(`status.${name}`, text, `error parsing ${name}: ${found}`));
  };
  if (completedChanged) {
    if (completions !== undefined) check('completedIndexes', completedIndexes);
    if (completedIndexes !== '' && spec?.completionMode !== 'Indexed') {
      const detail = 'cannot set non-empty completedIndexes when non-indexed completion mode';
      causes.push(invalid('status.completedIndexes', completedIndexes, detail));
    }
  }
  if (failedChanged && failedIndexes !== undefined) {
    const hasLimit = spec?.backoffLimitPerIndex !== undefined;
    if (completions !== undefined && hasLimit) check('failedIndexes', failedIndexes);
    if (!hasLimit) {
      const detail = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null';
      causes.push(invalid('status.failedIndexes', failedIndexes, detail));
    }
  }
  if ((failedChanged || completedChanged) && completions !== undefined && failedIndexes) {
    const [completed, failed] = [parseIndexes(completedIndexes, completions), parseIndexes(failedIndexes, completions)];
    const index = firstCommon(completed, failed);
    if (index !== undefined) {
      const detail = `failedIndexes and completedIndexes overlap at index: ${index}`;
      causes.push(invalid('status.failedIndexes', failedIndexes, detail));
    }
  }
  return causes;
}

/** An indexed Job that became smaller has fewer successes. */
function validateProgress({ status = {}, spec }: Job, before: Status): FieldCause[] {
  const mayShrink = spec?.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  const names = mayShrink ? (['failed'] as const) : (['failed', 'succeeded'] as const);
  return names.flatMap((name) =>
    (status[name] ?? 0) < (before[name] ?? 0)
      ? [invalid(`status.${name}`, status[name] ?? 0, `cannot decrease the ${name} counter`)]
      : [],
  );
}
