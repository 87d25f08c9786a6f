// JSON values as CEL values. CEL's integers are bigints here, its doubles are numbers; an object with a declared type becomes an
// instance of its type's class. Objects are converted when an expression reads them: most rules read two or three fields.
import { Environment } from '@marcbachmann/cel-js';
import { escapeField } from './field-names';

/** Converts one JSON value. Undefined stays undefined: the field is absent. */
export type ToCel = (value: unknown) => unknown;

/** A JSON object that an expression sees as a typed object. */
export abstract class CelObject {
  constructor(readonly raw: Readonly<Record<string, unknown>>) {}
}
/** The value of an object variable that has none: the library has no null of an object's type. */
export const absentObject: Readonly<Record<string, unknown>> = Object.freeze({});
type CelClass = new (raw: Readonly<Record<string, unknown>>) => CelObject;

/** A class with a getter for each field, which converts the field at its first use. */
export function classOf(fields: Readonly<Record<string, ToCel>>, nameOf = escapeField): CelClass {
  const typed = class extends CelObject {};
  for (const [name, convert] of Object.entries(fields)) {
    const property = nameOf(name);
    Object.defineProperty(typed.prototype, property, {
      get(this: CelObject) {
        const value = convert(this.raw[name]);
        Object.defineProperty(this, property, { value });
        return value;
      },
    });
  }
  return typed;
}

/** A value without a declared type: whole numbers are integers, as upstream reads JSON. */
export function dynamicValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(dynamicValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, dynamicValue(inner)]));
}

export const integerValue: ToCel = (value) =>
  typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;

/** Text that is no time stays text: then the expression fails, and the validation of the format says why. */
export const timestampValue: ToCel = (value) => {
  if (typeof value !== 'string') return value;
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? value : time;
};

/** The library's own function, because it does not export its class of durations. */
const readDuration = new Environment().registerVariable('text', 'string').parse('duration(text)');

/** 1h30m, -1.5s. Text that is no duration stays text. */
export const durationValue: ToCel = (value) => {
  if (typeof value !== 'string') return value;
  try {
    return readDuration({ text: value });
  } catch {
    return value;
  }
};

export const bytesValue: ToCel = (value) =>
  typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'base64')) : value;
