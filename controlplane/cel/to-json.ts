// CEL values as JSON, for results that become a part of an object.
import { Optional } from '@marcbachmann/cel-js';
import { CelEvaluationError } from './errors';
import { CelMessage } from './extensions/literals';
import { durationText, timestampText } from './extensions/time-text';
import { CelObject } from './values';

/** @throws CelEvaluationError for a value that JSON does not have */
export function toJson(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return Number(value);
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isFinite(value)) return value;
      break;
    case 'object':
      return objectToJson(value);
  }
  throw new CelEvaluationError('the value cannot be represented as JSON');
}

function objectToJson(value: object | null): unknown {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof CelObject) return value.raw;
  if (value instanceof CelMessage) return fromEntries(value.fields);
  if (value instanceof Map) return fromEntries(value);
  if (value instanceof Date) return timestampText(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Optional && value.hasValue()) return toJson(value.value());
  if ('seconds' in value && 'nanos' in value && Object.getPrototypeOf(value) !== Object.prototype) {
    return durationText(value);
  }
  if (Object.getPrototypeOf(value) === Object.prototype) return fromEntries(Object.entries(value));
  throw new CelEvaluationError('the value cannot be represented as JSON');
}

const fromEntries = (entries: Iterable<readonly [unknown, unknown]>): unknown =>
  Object.fromEntries([...entries].map(([key, inner]) => [String(key), toJson(inner)]));
