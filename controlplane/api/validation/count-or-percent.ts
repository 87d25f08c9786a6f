// A number of pods, or a percentage of them: of rolling updates.
import type { FieldCause } from '../../base/errors';
import { invalid, invalidEach } from './causes';
import { percent } from './names';

export function validateCountOrPercent(value: number | string, field: string): FieldCause[] {
  if (typeof value === 'string') return invalidEach(field, value, percent(value));
  return isInt32(value) ? [] : [invalid(field, value, 'must be greater than or equal to 0')];
}

export function notAbove100Percent(value: number | string, field: string): FieldCause[] {
  if (typeof value === 'number' || Number.parseInt(value, 10) <= 100 || percent(value).length > 0) return [];
  return [invalid(field, value, 'must not be greater than 100%')];
}

/** Also the upper bound: Go keeps such a number in an int32. */
const isInt32 = (value: number): boolean => value >= 0 && value < 2 ** 31;

export const isZero = (value: number | string): boolean => Number.parseInt(String(value), 10) === 0;
