// Field rules of amounts of storage.
import type { FieldCause } from '../../base/errors';
import { formatQuantity, parseQuantity, unitValue } from '../quantity';
import { invalid } from '../validation/causes';

export function positive(amount: string, field: string): FieldCause[] {
  const quantity = parseQuantity(amount);
  return quantity.nano > 0n ? [] : [invalid(field, formatQuantity(quantity), 'must be greater than zero')];
}

/** Messages show the amount as a number, as upstream. */
export function notNegative(amount: string, field: string): FieldCause[] {
  const value = unitValue(amount);
  return value < 0 ? [invalid(field, value, 'must be a valid resource quantity')] : [];
}
