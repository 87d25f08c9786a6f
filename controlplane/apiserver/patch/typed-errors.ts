// Errors of an applied configuration against its schema: unknown fields, values of the wrong type, list elements without a key
// or with the same key. The messages are those of structured-merge-diff.
import type { FieldSchema } from '../../api/schema/schema';
import { formatPath } from './field-tree';
import { isObject, type Json, type JsonObject } from './json';
import { elementKey } from './typed';

/** Undefined for an object that fits `schema`. */
export function typedErrors(object: JsonObject, schema: FieldSchema): string | undefined {
  const errors: string[] = [];
  walk(object, schema, '', errors);
  return errors.length > 1 ? ['errors:', ...errors.map((error) => `  ${error}`)].join('\n') : errors[0];
}

function walk(value: Json, schema: FieldSchema, path: string, errors: string[]): void {
  const add = (message: string) => errors.push(path === '' ? message : `${path}: ${message}`);
  // Null means that the field is not set, for every type.
  if (value === null) return;
  switch (schema.type) {
    case 'object':
    case 'map':
      if (isObject(value)) walkMap(value, schema, path, errors);
      else add(`expected map, got ${shown(value)}`);
      return;
    case 'array':
      if (Array.isArray(value)) walkList(value, schema, path, errors);
      else add(`expected list, got ${shown(value)}`);
      return;
    case 'any':
      return;
    default: {
      const wrong = scalarError(value, schema);
      if (wrong) add(wrong);
    }
  }
}

function walkMap(map: JsonObject, schema: FieldSchema, path: string, errors: string[]): void {
  const { object } = schema;
  for (const [key, inner] of Object.entries(map)) {
    const field = object && Object.hasOwn(object.fields, key) ? object.fields[key] : schema.items;
    if (!field) {
      if (object?.open) continue;
      errors.push(`${path}.${key}: field not declared in schema`);
      return;
    }
    walk(inner, field, `${path}.${key}`, errors);
  }
}

function walkList(list: Json[], schema: FieldSchema, path: string, errors: string[]): void {
  const seen = new Set<string>();
  for (const [i, element] of list.entries()) {
    const place = placeOf(element, schema, i);
    if ('wrong' in place) {
      errors.push(`${path}: element ${i}: ${place.wrong}`);
      return;
    }
    if (place.key !== undefined) {
      if (seen.has(place.key)) errors.push(`${path}: duplicate entries for key ${place.text}`);
      seen.add(place.key);
    }
    walk(element, schema.items ?? { type: 'any' }, path + place.text, errors);
  }
}

type Place = { readonly text: string; readonly key?: string } | { readonly wrong: string };

/** How a message names an element: by its key fields, by its value, or in an atomic list by its place. */
function placeOf(element: Json, schema: FieldSchema, i: number): Place {
  if (schema.listType === 'map') {
    if (element === null) return { wrong: 'associative list with keys may not have a null element' };
    if (!isObject(element)) return { wrong: 'associative list with keys may not have non-map elements' };
    const key = elementKey(element, schema);
    if (key !== 'k:{}') return { key, text: formatPath([key]) };
    const names = (schema.listMapKeys ?? []).map((name) => JSON.stringify(name)).join(' ');
    const which = `[${names}] (and doesn't have default values for any key fields)`;
    return { wrong: `associative list with keys has an element that omits all key fields ${which}` };
  }
  if (schema.listType !== 'set') return { text: `[${i}]` };
  if (element === null) return { wrong: "associative list without keys has an element that's an explicit null" };
  if (isObject(element)) return { wrong: "associative list without keys has an element that's a map type" };
  if (Array.isArray(element)) return { wrong: 'not supported: associative list with lists as elements' };
  const key = `v:${JSON.stringify(element)}`;
  return { key, text: formatPath([key]) };
}

/** Checks only the JSON type: times, quantities and bytes are checked when the object is decoded. */
function scalarError(value: Json, { type, format }: FieldSchema): string | undefined {
  const isScalar = !isObject(value) && !Array.isArray(value);
  if (type === 'integer' || type === 'number') {
    const isNumber = typeof value === 'number' || typeof value === 'bigint';
    return isNumber ? undefined : `expected numeric (int or float), got ${goTypeOf(value)}`;
  }
  if (type === 'boolean') return typeof value === 'boolean' ? undefined : `expected boolean, got ${shown(value)}`;
  const untyped = type === 'intOrString' || type === 'quantity' || format?.startsWith('date-time');
  if (untyped) return isScalar ? undefined : `expected any scalar, got ${shown(value)}`;
  return typeof value === 'string' ? undefined : `expected string, got ${shown(value)}`;
}

/** The value as JSON; upstream prints the Go struct around it. */
const shown = (value: Json): string => JSON.stringify(value);

function goTypeOf(value: Json): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (isObject(value)) return 'map[string]interface {}';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
