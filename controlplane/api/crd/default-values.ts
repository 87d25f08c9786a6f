// Defaults of custom objects: the `default` of each field that is absent, in place.
import type { Definition } from '../schema/schema';
import { isSchema } from './walk';

/** Idempotent. A default inside an object applies only when the object is there, or is itself a default. */
export function applyDefaults(value: unknown, schema: Definition): void {
  if (Array.isArray(value)) {
    if (schema.items) for (const item of value) applyDefaults(item, schema.items);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const object = value as Record<string, unknown>;
  const { properties = {}, additionalProperties } = schema;
  for (const [key, property] of Object.entries(properties)) {
    if (property.default !== undefined && !Object.hasOwn(object, key))
      setKey(object, key, structuredClone(property.default));
    if (Object.hasOwn(object, key)) applyDefaults(object[key], property);
  }
  if (!isSchema(additionalProperties)) return;
  for (const key of Object.keys(object)) {
    if (!Object.hasOwn(properties, key)) applyDefaults(object[key], additionalProperties);
  }
}

/** __proto__ is a key like any other. */
function setKey(object: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
