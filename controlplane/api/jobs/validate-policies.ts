// Field rules of a Job's podFailurePolicy and successPolicy.
import type { FieldCause } from '../../base/errors';
import type { JobSpec } from '../job';
import {
  duplicate,
  invalid,
  invalidEach,
  invalidWithoutValue,
  notSupported,
  required,
  tooLong,
  tooMany,
} from '../validation/causes';
import { nonNegative, qualifiedName } from '../validation/names';
import { checkIndexes } from './indexes';

type FailureRule = NonNullable<JobSpec['podFailurePolicy']>['rules'][number];
type ExitCodes = NonNullable<FailureRule['onExitCodes']>;
type SuccessRule = NonNullable<JobSpec['successPolicy']>['rules'][number];

const maxRules = 20;
const maxConditions = 20;
const maxExitCodes = 255;
const maxIndexesLength = 64 * 1024;

const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const statuses = ['False', 'True', 'Unknown'];
const operators = ['In', 'NotIn'];

/** Of a long list only as many entries are checked as are allowed: the list is refused anyway. */
const bounded = <T>(
  list: readonly T[],
  most: number,
  field: string,
): { causes: FieldCause[]; checked: readonly T[] } => ({
  causes: list.length > most ? [tooMany(field, list.length, most)] : [],
  checked: list.slice(0, most),
});

export function validateFailurePolicy(spec: JobSpec, field: string): FieldCause[] {
  const { initContainers = [], containers = [] } = spec.template?.spec ?? {};
  const names = new Set([...containers, ...initContainers].map(({ name }) => name));
  const { causes, checked } = bounded(spec.podFailurePolicy?.rules ?? [], maxRules, `${field}.rules`);
  return [...causes, ...checked.flatMap((rule, i) => validateFailureRule(rule, spec, names, `${field}.rules[${i}]`))];
}

function validateFailureRule(
  rule: FailureRule,
  spec: JobSpec,
  names: ReadonlySet<string>,
  field: string,
): FieldCause[] {
  const { action, onExitCodes, onPodConditions = [] } = rule;
  const both = onExitCodes !== undefined && onPodConditions.length > 0;
  const none = onExitCodes === undefined && onPodConditions.length === 0;
  return [
    ...oneOfRequired(`${field}.action`, action, actions),
    ...(action === 'FailIndex' && spec.backoffLimitPerIndex === undefined
      ? [invalid(`${field}.action`, action, 'requires the backoffLimitPerIndex to be set')]
      : []),
    ...(onExitCodes ? validateExitCodes(onExitCodes, names, `${field}.onExitCodes`) : []),
    ...validateConditions(onPodConditions, `${field}.onPodConditions`),
    ...(both ? [invalidWithoutValue(field, 'specifying both OnExitCodes and OnPodConditions is not supported')] : []),
    ...(none ? [invalidWithoutValue(field, 'specifying one of OnExitCodes and OnPodConditions is required')] : []),
  ];
}

function validateConditions(patterns: NonNullable<FailureRule['onPodConditions']>, field: string): FieldCause[] {
  const { causes, checked } = bounded(patterns, maxConditions, field);
  const each = checked.flatMap(({ type = '', status }, i) => [
    ...invalidEach(`${field}[${i}].type`, type, qualifiedName(type)),
    ...oneOfRequired(`${field}[${i}].status`, status, statuses),
  ]);
  return [...causes, ...each];
}

function validateExitCodes(
  { operator, containerName, values = [] }: ExitCodes,
  names: ReadonlySet<string>,
  field: string,
): FieldCause[] {
  const at = `${field}.values`;
  const { causes, checked } = bounded(values, maxExitCodes, at);
  const seen = new Set<number>();
  for (const [i, value] of checked.entries()) {
    if (operator === 'In' && value === 0) {
      causes.push(invalid(`${at}[${i}]`, value, 'must not be 0 for the In operator'));
    }
    if (seen.has(value)) causes.push(duplicate(`${at}[${i}]`, value));
    seen.add(value);
  }
  const isOrdered = checked.every((value, i) => i === 0 || checked[i - 1]! <= value);
  return [
    ...oneOfRequired(`${field}.operator`, operator, operators),
    ...(containerName !== undefined && !names.has(containerName)
      ? [
          invalid(
            `${field}.containerName`,
            containerName,
            'must be one of the container or initContainer names in the pod template',
          ),
        ]
      : []),
    ...(values.length === 0 ? [invalid(at, undefined, 'at least one value is required')] : []),
    ...causes,
    ...(isOrdered ? [] : [invalid(at, checked, 'must be ordered')]),
  ];
}

/** Go prints the list of values in this form. */
function oneOfRequired(field: string, value: string | undefined, supported: readonly string[]): FieldCause[] {
  if (!value) return [required(field, `valid values: [${supported.map((one) => JSON.stringify(one)).join(' ')}]`)];
  return supported.includes(value) ? [] : [notSupported(field, value, supported)];
}

export function validateSuccessPolicy({ successPolicy, completions = 0 }: JobSpec, field: string): FieldCause[] {
  const at = `${field}.rules`;
  const rules = successPolicy?.rules ?? [];
  const { causes, checked } = bounded(rules, maxRules, at);
  return [
    ...(rules.length === 0
      ? [required(at, 'at least one rules must be specified when the successPolicy is specified')]
      : []),
    ...causes,
    ...checked.flatMap((rule, i) => validateSuccessRule(rule, completions, `${at}[${i}]`)),
  ];
}

function validateSuccessRule(
  { succeededCount, succeededIndexes }: SuccessRule,
  completions: number,
  field: string,
): FieldCause[] {
  if (succeededCount === undefined && succeededIndexes === undefined) {
    return [required(field, 'at least one of succeededCount or succeededIndexes must be specified')];
  }
  const causes: FieldCause[] = [];
  let total = 0;
  if (succeededIndexes !== undefined) {
    const at = `${field}.succeededIndexes`;
    const isLong = Buffer.byteLength(succeededIndexes) > maxIndexesLength;
    const found = isLong ? 0 : checkIndexes(succeededIndexes, completions);
    if (isLong) causes.push(tooLong(at, maxIndexesLength));
    if (typeof found === 'number') total = found;
    else causes.push(invalid(at, succeededIndexes, `error parsing succeededIndexes: ${found}`));
  }
  if (succeededCount === undefined) return causes;
  const at = `${field}.succeededCount`;
  causes.push(...invalidEach(at, succeededCount, nonNegative(succeededCount)));
  const bounds: [number, string][] = [[completions, 'the number of specified completions']];
  if (succeededIndexes !== undefined) {
    bounds.push([total, 'the number of indexes in the specified succeededIndexes field']);
  }
  for (const [most, what] of bounds) {
    if (succeededCount > most) {
      causes.push(invalid(at, succeededCount, `must be less than or equal to ${most} (${what})`));
    }
  }
  return causes;
}
