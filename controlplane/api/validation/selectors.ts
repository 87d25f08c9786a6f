// Rules for label selectors inside objects.
import type { FieldCause } from '../../base/errors';
import type { LabelSelector } from '../types';
import { forbidden, invalid, invalidEach, notSupported, required } from './causes';
import { validateLabels } from './metadata';
import { labelValue, qualifiedName } from './names';

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

export function validateLabelSelector(selector: LabelSelector | undefined, field: string): FieldCause[] {
  if (!selector) return [];
  const expressions = (selector.matchExpressions ?? []).flatMap(({ key, operator, values = [] }, i) => {
    const at = `${field}.matchExpressions[${i}]`;
    const causes: FieldCause[] = [];
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) {
        causes.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) {
        causes.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      }
    } else if (!operators.includes(operator)) {
      causes.push(invalid(`${at}.operator`, operator ?? '', 'not a valid selector operator'));
    }
    causes.push(...invalidEach(`${at}.key`, key ?? '', qualifiedName(key ?? '')));
    values.forEach((value, j) => {
      causes.push(...invalidEach(`${at}.values[${j}]`, value, labelValue(value)));
    });
    return causes;
  });
  return [...validateLabels(selector.matchLabels, `${field}.matchLabels`), ...expressions];
}

/** `value` must be one of `supported`; another check reports an absent value. */
export function oneOf(field: string, value: string | undefined, supported: readonly string[]): FieldCause[] {
  return value === undefined || supported.includes(value) ? [] : [notSupported(field, value, supported)];
}
