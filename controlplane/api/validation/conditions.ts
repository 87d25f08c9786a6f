// Rules for conditions in the form of meta/v1.
import type { FieldCause } from '../../base/errors';
import { duplicate, invalid, invalidEach, notSupported, required, tooLong } from './causes';
import { qualifiedName } from './names';

const longestReason = 1024;
const longestMessage = 32 * 1024;
const statuses = ['False', 'True', 'Unknown'];
const reasonFormat = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?';
const reasonShape = new RegExp(`^${reasonFormat}$`);
const wrongReason =
  'a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or ' +
  "'_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or " +
  `'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '${reasonFormat}')`;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly observedGeneration?: number | undefined;
  readonly lastTransitionTime?: string | undefined;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}

export function validateConditions(conditions: readonly Condition[], field: string): FieldCause[] {
  const known = new Set<string>();
  return conditions.flatMap((condition, i) => {
    const again = known.has(condition.type) ? [duplicate(`${field}[${i}].type`, condition.type)] : [];
    known.add(condition.type);
    return [...again, ...validateCondition(condition, `${field}[${i}]`)];
  });
}

function validateCondition(condition: Condition, field: string): FieldCause[] {
  const { type = '', status = '', observedGeneration = 0, lastTransitionTime, message = '' } = condition;
  return [
    ...invalidEach(`${field}.type`, type, qualifiedName(type)),
    ...(statuses.includes(status) ? [] : [notSupported(`${field}.status`, status, statuses)]),
    ...(observedGeneration < 0
      ? [invalid(`${field}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero')]
      : []),
    ...(lastTransitionTime ? [] : [required(`${field}.lastTransitionTime`)]),
    ...validateReason(condition.reason ?? '', `${field}.reason`),
    ...(Buffer.byteLength(message) > longestMessage ? [tooLong(`${field}.message`, longestMessage)] : []),
  ];
}

function validateReason(reason: string, field: string): FieldCause[] {
  if (reason === '') return [required(field)];
  return [
    ...(reasonShape.test(reason) ? [] : [invalid(field, reason, wrongReason)]),
    ...(Buffer.byteLength(reason) > longestReason ? [tooLong(field, longestReason)] : []),
  ];
}
