// The field errors of kube-apiserver with its texts: the part of a message after `spec.containers[0].image: `.
import { doubleText } from '../../base/double-text';
import type { FieldCause } from '../../base/errors';

/** `detail` says which value is expected; it is optional. */
export function required(field: string, detail = ''): FieldCause {
  return { reason: 'FieldValueRequired', field, message: withDetail('Required value', detail) };
}

/** In place of a value that a message does not show: of an object that is wrong as a whole it would say no more. */
export const omitted = Symbol('omitted');

export function invalid(field: string, value: unknown, detail: string): FieldCause {
  return { reason: 'FieldValueInvalid', field, message: withDetail(withValue('Invalid value', value), detail) };
}

export const invalidWithoutValue = (field: string, detail: string): FieldCause => invalid(field, omitted, detail);

/** One cause for each message, as checks of names return them. */
export function invalidEach(field: string, value: unknown, messages: readonly string[]): FieldCause[] {
  return messages.map((message) => invalid(field, value, message));
}

/** The message lists `supported` in the given order: give kube-apiserver's order. */
export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldCause {
  const values = supported.map((one) => JSON.stringify(one));
  return {
    reason: 'FieldValueNotSupported',
    field,
    message: withDetail(
      `Unsupported value: ${printed(value)}`,
      values.length > 0 ? `supported values: ${values.join(', ')}` : '',
    ),
  };
}

export function duplicate(field: string, value: unknown): FieldCause {
  return { reason: 'FieldValueDuplicate', field, message: withValue('Duplicate value', value) };
}

export function forbidden(field: string, detail: string): FieldCause {
  return { reason: 'FieldValueForbidden', field, message: withDetail('Forbidden', detail) };
}

export function notFound(field: string, value: unknown): FieldCause {
  return { reason: 'FieldValueNotFound', field, message: `Not found: ${printed(value)}` };
}

export const tooMany = (field: string, count: number, most: number): FieldCause => ({
  reason: 'FieldValueTooMany',
  field,
  message: `Too many: ${count}: must have at most ${most} ${most === 1 ? 'item' : 'items'}`,
});

export function tooLong(field: string, maxBytes: number): FieldCause {
  const detail = maxBytes < 0 ? 'value is too long' : `may not be more than ${maxBytes} bytes`;
  return { reason: 'FieldValueTooLong', field, message: `Too long: ${detail}` };
}

/**
 * Errors that the old object did not have: so other fields of an object that was stored under fewer rules can still change.
 * `before` runs only when there are errors.
 */
export function newCauses(causes: readonly FieldCause[], before: () => readonly FieldCause[]): FieldCause[] {
  if (causes.length === 0) return [];
  const textOf = ({ field, message }: FieldCause) => JSON.stringify([field, message]);
  const known = new Set(before().map(textOf));
  return causes.filter((cause) => !known.has(textOf(cause)));
}

export const immutable = 'field is immutable';

/** A bound for the value in a message: it may be megabytes long and wrong in many ways, but people read messages. */
const maxPrinted = 10_000;

const withValue = (text: string, value: unknown): string => (value === omitted ? text : `${text}: ${printed(value)}`);
const withDetail = (text: string, detail: string): string => (detail === '' ? text : `${text}: ${detail}`);

function printed(value: unknown): string {
  const text = value === undefined ? 'null' : typeof value === 'number' ? numberText(value) : JSON.stringify(value);
  return text.length <= maxPrinted ? text : `${text.slice(0, maxPrinted)}...`;
}

/** JSON has one type of numbers; Go prints whole ones as integers. */
const numberText = (value: number): string => (Number.isInteger(value) ? `${value}` : doubleText(value));

/** More causes than this are not reported: an object of 3 MB can be wrong in a hundred thousand places. */
export const maxCauses = 500;
