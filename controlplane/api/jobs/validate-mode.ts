// Field rules of a Job's completion mode and of what only indexed Jobs have, and of managedBy.
import type { FieldCause } from '../../base/errors';
import type { JobSpec } from '../job';
import { invalid, invalidEach, notSupported, required, tooLong } from '../validation/causes';
import { domainPrefixedPath } from '../validation/domain-path';
import { nonNegative } from '../validation/names';
import { validateFailurePolicy, validateSuccessPolicy } from './validate-policies';

const maxParallelism = 100_000;
const maxFailedIndexesAtAll = 100_000;
/** Above this number of completions, Jobs with a limit per index have smaller bounds: their status lists indexes. */
const manyCompletions = 100_000;
const boundWithMany = 10_000;
const maxManagedByLength = 63;

/** `field` is the path of the spec. */
export function validateMode(spec: JobSpec, field: string): FieldCause[] {
  const { backoffLimitPerIndex, maxFailedIndexes, completionMode = 'NonIndexed', podFailurePolicy } = spec;
  const number = (name: string, value: number | undefined) =>
    value === undefined ? [] : invalidEach(`${field}.${name}`, value, nonNegative(value));
  const modes = ['NonIndexed', 'Indexed'];
  return [
    ...number('backoffLimitPerIndex', backoffLimitPerIndex),
    ...number('maxFailedIndexes', maxFailedIndexes),
    ...(maxFailedIndexes !== undefined && backoffLimitPerIndex === undefined
      ? [required(`${field}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified')]
      : []),
    ...validateManagedBy(spec.managedBy, `${field}.managedBy`),
    ...(modes.includes(completionMode) ? [] : [notSupported(`${field}.completionMode`, completionMode, modes)]),
    ...(completionMode === 'Indexed' ? validateIndexed(spec, field) : []),
    ...(completionMode === 'NonIndexed' ? refuseIndexes(spec, field) : []),
    ...(podFailurePolicy ? validateFailurePolicy(spec, `${field}.podFailurePolicy`) : []),
    ...validateSuccess(spec, `${field}.successPolicy`),
    ...validateReplacement(spec, `${field}.podReplacementPolicy`),
  ];
}

function validateIndexed(spec: JobSpec, field: string): FieldCause[] {
  const { completions, parallelism = 0, backoffLimitPerIndex, maxFailedIndexes } = spec;
  const causes: FieldCause[] = [];
  const tooHigh = (name: 'parallelism' | 'maxFailedIndexes', detail: string) =>
    causes.push(invalid(`${field}.${name}`, spec[name], `must be less than or equal to ${detail}`));
  if (completions === undefined) causes.push(required(`${field}.completions`, 'when completion mode is Indexed'));
  if (parallelism > maxParallelism) tooHigh('parallelism', `${maxParallelism} when completion mode is Indexed`);
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) {
    tooHigh('maxFailedIndexes', 'completions');
  }
  if ((maxFailedIndexes ?? 0) > maxFailedIndexesAtAll) tooHigh('maxFailedIndexes', `${maxFailedIndexesAtAll}`);
  if ((completions ?? 0) <= manyCompletions || backoffLimitPerIndex === undefined) return causes;
  const bound = `${boundWithMany} when completions are above ${manyCompletions} and used with backoff limit per index`;
  if (maxFailedIndexes === undefined) {
    const detail = `must be specified when completions is above ${manyCompletions}`;
    causes.push(required(`${field}.maxFailedIndexes`, detail));
  }
  if (parallelism > boundWithMany) tooHigh('parallelism', bound);
  if ((maxFailedIndexes ?? 0) > boundWithMany) tooHigh('maxFailedIndexes', bound);
  return causes;
}

function refuseIndexes(spec: JobSpec, field: string): FieldCause[] {
  const names = ['backoffLimitPerIndex', 'maxFailedIndexes'] as const;
  return names.flatMap((name) =>
    spec[name] === undefined ? [] : [invalid(`${field}.${name}`, spec[name], 'requires indexed completion mode')],
  );
}

function validateSuccess(spec: JobSpec, field: string): FieldCause[] {
  const { successPolicy, completionMode, completions } = spec;
  if (!successPolicy) return [];
  if (completionMode !== 'Indexed') return [invalid(field, successPolicy, 'requires indexed completion mode')];
  // Without completions its rules have no bounds; their absence is reported.
  return completions === undefined ? [] : validateSuccessPolicy(spec, field);
}

/** A pod that a rule of the failure policy concerns has ended: so only ended pods are replaced. */
function validateReplacement({ podReplacementPolicy, podFailurePolicy }: JobSpec, field: string): FieldCause[] {
  if (podReplacementPolicy === undefined) return [];
  const supported = podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  return supported.includes(podReplacementPolicy) ? [] : [notSupported(field, podReplacementPolicy, supported)];
}

function validateManagedBy(managedBy: string | undefined, field: string): FieldCause[] {
  if (managedBy === undefined) return [];
  const isLong = Buffer.byteLength(managedBy) > maxManagedByLength;
  return [...domainPrefixedPath(managedBy, field), ...(isLong ? [tooLong(field, maxManagedByLength)] : [])];
}
