// The rules of an openAPIV3Schema for values, with the messages and field paths of kube-apiserver's validator. Types were checked when the
// object was decoded; inside allOf, anyOf, oneOf and not a schema has no type, except in the two forms of int-or-string.
import { isDeepStrictEqual } from 'node:util';
import type { FieldCause } from '../../base/errors';
import type { Definition } from '../schema/schema';
import { duplicate, invalid, maxCauses, notSupported, required, tooLong } from '../validation/causes';
import { Pattern } from './pattern/pattern';
import { isSchema } from './walk';

/** Visits of a value with a schema: 20,000 fields with many alternatives each would hold the event loop. */
export const maxVisits = 200_000;

/** Compiled at the first use. */
const patterns = new Map<string, Pattern>();
const maxPatterns = 10_000;

export interface ValueOptions {
  /** The field that holds the value: fields of causes begin with it. Messages name the path inside the value only, as upstream. */
  readonly field?: string;
}

export function validateValue(value: unknown, schema: Definition, { field = '' }: ValueOptions = {}): FieldCause[] {
  const work = new Validation();
  const { causes } = work.check(value, schema, '');
  const fieldOf = (path: string) =>
    path === none ? field || none : field && path ? `${field}.${path}` : field || path;
  if (work.isExhausted) return [invalid(fieldOf(none), '', 'the rules of the schema cost too much for this object')];
  return causes.slice(0, maxCauses).map((cause) => ({ ...cause, field: fieldOf(cause.field) }));
}

/** How upstream prints the field of a cause about the whole value. */
const none = '<nil>';

interface Outcome {
  readonly causes: FieldCause[];
  /** How many checks were made: among failed alternatives the one with the most is reported. */
  readonly checks: number;
}

class Validation {
  private visits = 0;

  get isExhausted(): boolean {
    return this.visits > maxVisits;
  }

  check(value: unknown, schema: Definition, path: string): Outcome {
    const causes: FieldCause[] = [];
    let checks = 1;
    if (++this.visits > maxVisits) return { causes, checks };
    const merge = (outcome: Outcome) => {
      if (causes.length < maxCauses) causes.push(...outcome.causes);
      checks += outcome.checks;
    };
    if (!hasType(value, schema)) {
      const found = typeOf(value);
      const message = `${path} in body must be of type ${schema.type}: ${JSON.stringify(found)}`;
      causes.push({ ...invalid(path, found, message), reason: 'FieldValueTypeInvalid' });
    }
    for (const outcome of this.combined(value, schema, path)) merge(outcome);
    if (schema.enum && !schema.enum.some((one) => isDeepStrictEqual(one, value))) {
      causes.push(
        notSupported(
          path,
          value,
          schema.enum.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))),
        ),
      );
    }
    if (typeof value === 'string') causes.push(...this.text(value, schema, path));
    else if (typeof value === 'number') causes.push(...numberCauses(value, schema, path));
    else if (Array.isArray(value)) for (const outcome of this.list(value, schema, path)) merge(outcome);
    else if (typeof value === 'object' && value !== null) {
      for (const outcome of this.object(value as Record<string, unknown>, schema, path)) merge(outcome);
    }
    return { causes, checks };
  }

  /** allOf, anyOf, oneOf and not. Upstream's errors about them have no path; the errors of the best alternative follow. */
  private combined(value: unknown, { allOf, anyOf, oneOf, not }: Definition, path: string): Outcome[] {
    const outcomes: Outcome[] = [];
    const name = JSON.stringify(path);
    const fail = (message: string) => outcomes.push({ causes: [invalid(none, '', message)], checks: 0 });
    const each = (schemas: readonly Definition[]) => schemas.map((schema) => this.check(value, schema, path));
    const best = (all: readonly Outcome[]) => {
      const most = all.reduce((a, b) => (b.checks > a.checks ? b : a));
      if (most.causes.length > 0) outcomes.push(most);
    };
    if (anyOf?.length) {
      const all = each(anyOf);
      if (!all.some(isValid)) {
        fail(`${name} must validate at least one schema (anyOf)`);
        best(all);
      }
    }
    if (oneOf?.length) {
      const all = each(oneOf);
      const valid = all.filter(isValid).length;
      const found = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`;
      if (valid !== 1) fail(`${name} must validate one and only one schema (oneOf). ${found}`);
      if (valid === 0) best(all);
    }
    if (allOf?.length) {
      const all = each(allOf);
      const valid = all.filter(isValid).length;
      outcomes.push(...all);
      if (valid < all.length)
        fail(`${name} must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`);
    }
    if (not && isValid(this.check(value, not, path))) fail(`${name} must not validate the schema (not)`);
    return outcomes;
  }

  private text(value: string, { maxLength, minLength, pattern }: Definition, path: string): FieldCause[] {
    const causes: FieldCause[] = [];
    // UTF-16 has at least as many units as the text has characters, and at most twice as many.
    const isLong = (bound: number) => value.length > bound && (value.length > 2 * bound || [...value].length > bound);
    if (maxLength !== undefined && isLong(maxLength)) causes.push(tooLong(path, maxLength));
    if (minLength !== undefined && minLength > 0 && !isLong(minLength - 1)) {
      causes.push(invalid(path, value, `${path} in body should be at least ${minLength} chars long`));
    }
    if (!pattern) return causes;
    // A long text costs as many visits as it has pieces of this length.
    this.visits += value.length >> 6;
    const matches = compiled(pattern)?.test(value);
    if (matches === undefined) causes.push(invalid(path, '', `the pattern '${pattern}' costs too much for this text`));
    else if (!matches) causes.push(invalid(path, value, `${path} in body should match '${pattern}'`));
    return causes;
  }

  private list(list: readonly unknown[], schema: Definition, path: string): Outcome[] {
    const { items, maxItems, minItems } = schema;
    const outcomes = items ? list.map((item, i) => this.check(item, items, `${path}[${i}]`)) : [];
    const causes: FieldCause[] = [];
    if (maxItems !== undefined && list.length > maxItems) causes.push(tooMany(path, list.length, maxItems));
    if (minItems !== undefined && list.length < minItems) {
      causes.push(invalid(path, list.length, `${path} in body should have at least ${minItems} items`));
    }
    return [...outcomes, { causes: [...causes, ...repeated(list, schema, path)], checks: 1 }];
  }

  private object(object: Record<string, unknown>, schema: Definition, path: string): Outcome[] {
    const {
      properties = {},
      additionalProperties: values,
      required: names = [],
      maxProperties,
      minProperties,
    } = schema;
    const outcomes: Outcome[] = [];
    const causes: FieldCause[] = [];
    const keys = Object.keys(object);
    if (maxProperties !== undefined && keys.length > maxProperties)
      causes.push(tooMany(path, keys.length, maxProperties));
    if (minProperties !== undefined && keys.length < minProperties) {
      causes.push(invalid(path, keys.length, `${path} in body should have at least ${minProperties} properties`));
    }
    for (const key of keys) {
      // The metadata of the object has rules of its own.
      if (path === '' && key === 'metadata') continue;
      const inner = Object.hasOwn(properties, key) ? properties[key] : isSchema(values) ? values : undefined;
      if (inner) outcomes.push(this.check(object[key], inner, path === '' ? key : `${path}.${key}`));
    }
    for (const key of names) {
      if (!Object.hasOwn(object, key)) causes.push(required(path === '' ? key : `${path}.${key}`));
    }
    return [...outcomes, { causes, checks: 1 }];
  }
}

const isValid = ({ causes }: Outcome): boolean => causes.length === 0;

/** Only inside the forms of int-or-string: all other types were checked by decoding. */
function hasType(value: unknown, { type }: Definition): boolean {
  if (type === undefined) return true;
  const found = typeOf(value);
  return found === type || (found === 'integer' && type === 'number');
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value;
}

function numberCauses(value: number, schema: Definition, path: string): FieldCause[] {
  const { maximum, exclusiveMaximum, minimum, exclusiveMinimum, multipleOf } = schema;
  const causes: FieldCause[] = [];
  const fail = (rule: string) => causes.push(invalid(path, value, `${path} in body should be ${rule}`));
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    fail(exclusiveMaximum ? `less than ${maximum}` : `less than or equal to ${maximum}`);
  }
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    fail(exclusiveMinimum ? `greater than ${minimum}` : `greater than or equal to ${minimum}`);
  }
  if (multipleOf && !Number.isInteger(value / multipleOf)) fail(`a multiple of ${multipleOf}`);
  return causes;
}

const tooMany = (field: string, actual: number, max: number): FieldCause => ({
  reason: 'FieldValueTooMany',
  field,
  message: `Too many: ${actual}: must have at most ${max} items`,
});

/** Values that a list of type set or map has twice. */
function repeated(list: readonly unknown[], schema: Definition, path: string): FieldCause[] {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const seen = new Set<string>();
  return list.flatMap((item, i) => {
    const id = type === 'set' ? item : keysOf(item, keys);
    const text = JSON.stringify(id);
    if (seen.has(text)) return [duplicate(`${path}[${i}]`, id)];
    seen.add(text);
    return [];
  });
}

const keysOf = (item: unknown, keys: readonly string[]): unknown =>
  Object.fromEntries(keys.map((key) => [key, (item as Record<string, unknown> | null)?.[key]]));

/** Undefined for a text that is no pattern: definitions with one are refused. */
function compiled(source: string): Pattern | undefined {
  const known = patterns.get(source);
  if (known) return known;
  if (patterns.size >= maxPatterns) patterns.clear();
  try {
    const pattern = new Pattern(source);
    patterns.set(source, pattern);
    return pattern;
  } catch {
    return undefined;
  }
}
