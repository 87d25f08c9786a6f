// What null means in an applied configuration, as Go decodes it: a field is not set, but an element of a list and a value of a map are
// zero, because they exist.
import { zeroOf } from '../../api/schema/compile';
import type { FieldSchema } from '../../api/schema/schema';
import { isObject, type Json, type JsonObject, setKey } from './json';
import { childSchema } from './typed';

/** Removes and replaces nulls in place. Values without a schema lose the members that are null. */
export function resolveNulls(value: Json, schema: FieldSchema | undefined): void {
  if (Array.isArray(value)) {
    const { items } = schema ?? {};
    for (const [i, item] of value.entries()) {
      if (item !== null) resolveNulls(item, items);
      else if (items) value[i] = zeroOf(items) as Json;
    }
  } else if (isObject(value)) resolveMembers(value, schema);
}

function resolveMembers(object: JsonObject, schema: FieldSchema | undefined): void {
  const values = schema?.type === 'map' ? schema.items : undefined;
  for (const [key, value] of Object.entries(object)) {
    if (value !== null) resolveNulls(value, childSchema(schema, key));
    else if (values) setKey(object, key, zeroOf(values) as Json);
    else delete object[key];
  }
}
