// The field errors of kube-apiserver, in its words: what stands behind `spec.containers[0].image: ` in a message.
import type { FieldCause } from '../../base/errors';

/** `detail` says what would have been right; it may be left out. */
export function required(field: string, detail = ''): FieldCause {
  return { reason: 'FieldValueRequired', field, message: withDetail('Required value', detail) };
}

export function invalid(field: string, value: unknown, detail: string): FieldCause {
  return { reason: 'FieldValueInvalid', field, message: withDetail(`Invalid value: ${printed(value)}`, detail) };
}

/** One cause for each message, as checks of names return them. */
export function invalidEach(field: string, value: unknown, messages: readonly string[]): FieldCause[] {
  return messages.map((message) => invalid(field, value, message));
}

/** `supported` stands in the message in the order given, which is that of kube-apiserver's messages. */
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
  return { reason: 'FieldValueDuplicate', field, message: `Duplicate value: ${printed(value)}` };
}

export function forbidden(field: string, detail: string): FieldCause {
  return { reason: 'FieldValueForbidden', field, message: withDetail('Forbidden', detail) };
}

export function notFound(field: string, value: unknown): FieldCause {
  return { reason: 'FieldValueNotFound', field, message: `Not found: ${printed(value)}` };
}

export function tooLong(field: string, maxBytes: number): FieldCause {
  return { reason: 'FieldValueTooLong', field, message: `Too long: may not be more than ${maxBytes} bytes` };
}

/**
 * What is wrong now and was not before: an object that was stored when fewer rules were known can still be changed in other
 * ways. `before` runs only when something is wrong.
 */
export function newCauses(causes: readonly FieldCause[], before: () => readonly FieldCause[]): FieldCause[] {
  if (causes.length === 0) return [];
  const textOf = ({ field, message }: FieldCause) => JSON.stringify([field, message]);
  const known = new Set(before().map(textOf));
  return causes.filter((cause) => !known.has(textOf(cause)));
}

export const immutable = 'field is immutable';

/** A value may be megabytes long and wrong in many ways; a message is for people. */
const maxPrinted = 10_000;

const withDetail = (text: string, detail: string): string => (detail === '' ? text : `${text}: ${detail}`);

function printed(value: unknown): string {
  const text = value === undefined ? 'null' : JSON.stringify(value);
  return text.length <= maxPrinted ? text : `${text.slice(0, maxPrinted)}...`;
}

/** More causes than this are not reported: an object of 3 MB can be wrong in a hundred thousand places. */
export const maxCauses = 500;
