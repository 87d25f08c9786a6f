// Removes nulls from fields that can have none and have no default, as upstream does after a conversion.
import type { Definition } from '../schema/schema';
import { isSchema } from './walk';

/** The same value when there is no such null, else a copy. Nulls in lists stay: they are invalid. */
export function withoutWrongNulls(value: unknown, schema: Definition): unknown {
  if (Array.isArray(value)) return isSchema(schema.items) ? ofList(value, schema.items) : value;
  if (typeof value !== 'object' || value === null) return value;
  const { properties = {}, additionalProperties: values } = schema;
  const object = value as Record<string, unknown>;
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(object)) {
    const inner = Object.hasOwn(properties, key) ? properties[key] : isSchema(values) ? values : undefined;
    if (!inner) continue;
    if (object[key] === null && !inner.nullable && (inner.default === undefined || inner.default === null)) {
      copy ??= { ...object };
      delete copy[key];
      continue;
    }
    const left = withoutWrongNulls(object[key], inner);
    if (left === object[key]) continue;
    copy ??= { ...object };
    copy[key] = left;
  }
  return copy ?? object;
}

function ofList(list: readonly unknown[], items: Definition): readonly unknown[] {
  let copy: unknown[] | undefined;
  list.forEach((item, i) => {
    const left = withoutWrongNulls(item, items);
    if (left === item) return;
    copy ??= [...list];
    copy[i] = left;
  });
  return copy ?? list;
}
