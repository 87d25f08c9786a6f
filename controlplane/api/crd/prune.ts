// Removes the fields that the schema of a custom object does not have, as upstream's pruning.
import type { Definition } from '../schema/schema';
import { isSchema } from './walk';

/** Fields of every object; their values have rules of their own. */
const metaFields: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

/** The same value when no field is unknown, else a copy. `isObject`: the value is a whole object, with kind and metadata. */
export function pruned(value: unknown, schema: Definition, isObject = false): unknown {
  if (Array.isArray(value)) return isSchema(schema.items) ? prunedList(value, schema.items) : value;
  if (typeof value !== 'object' || value === null) return value;
  const { properties = {}, additionalProperties: values } = schema;
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] || values === true;
  const hasMeta = isObject || schema['x-kubernetes-embedded-resource'];
  const object = value as Record<string, unknown>;
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(object)) {
    if (hasMeta && metaFields.has(key)) continue;
    const inner = Object.hasOwn(properties, key) ? properties[key] : isSchema(values) ? values : undefined;
    const left = inner ? pruned(object[key], inner) : isOpen ? object[key] : undefined;
    if (left === object[key] && (inner || isOpen)) continue;
    copy ??= { ...object };
    if (inner || isOpen) copy[key] = left;
    else delete copy[key];
  }
  return copy ?? object;
}

function prunedList(list: readonly unknown[], items: Definition): readonly unknown[] {
  let copy: unknown[] | undefined;
  list.forEach((item, i) => {
    const left = pruned(item, items);
    if (left === item) return;
    copy ??= [...list];
    copy[i] = left;
  });
  return copy ?? list;
}
