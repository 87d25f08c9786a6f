// Rules for label selectors inside objects.
import type { FieldCause } from '../../base/errors';
import type { LabelSelector } from '../types';
import { forbidden, invalid, invalidEach, notSupported, required } from './causes';
import { validateLabels } from './metadata';
import { labelValue, qualifiedName } from './names';

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

export function validateLabelSelector(selector: LabelSelector | undefined, field: string): FieldCause[] {
  if (!selector) return [];
  const expressions = (selector.matchExpressions ?? []).flatMap((requirement, i) => {
    const at = `${field}.matchExpressions[${i}]`;
    const { operator } = requirement;
    if (operators.includes(operator)) return labelRequirementCauses(requirement, at);
    const unknown = invalid(`${at}.operator`, operator ?? '', 'not a valid selector operator');
    return [unknown, ...labelRequirementCauses(requirement, at)];
  });
  return [...validateLabels(selector.matchLabels, `${field}.matchLabels`), ...expressions];
}

/** Of a selector of labels or fields, as it is sent. */
export interface SelectorRequirement {
  readonly key?: string;
  readonly operator?: string;
  readonly values?: readonly string[];
}

/** All rules but that for operators: reviews of permissions accept operators that a newer program knows. */
export function labelRequirementCauses(
  { key = '', operator, values = [] }: SelectorRequirement,
  at: string,
): FieldCause[] {
  return [
    ...valuesCauses(operator, values, at),
    ...invalidEach(`${at}.key`, key, qualifiedName(key)),
    ...values.flatMap((value, j) => invalidEach(`${at}.values[${j}]`, value, labelValue(value))),
  ];
}

/** The names and values of fields have no form. */
export function fieldRequirementCauses(
  { key = '', operator, values = [] }: SelectorRequirement,
  at: string,
): FieldCause[] {
  return [...(key === '' ? [required(`${at}.key`, 'must be specified')] : []), ...valuesCauses(operator, values, at)];
}

function valuesCauses(operator: string | undefined, values: readonly string[], at: string): FieldCause[] {
  if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
    return [required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'")];
  }
  if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
    return [forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
  }
  return [];
}

/** `value` must be one of `supported`; another check reports an absent value. */
export function oneOf(field: string, value: string | undefined, supported: readonly string[]): FieldCause[] {
  return value === undefined || supported.includes(value) ? [] : [notSupported(field, value, supported)];
}
