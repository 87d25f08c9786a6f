// Defaults of custom objects, in place: the `default` of each field that is absent, and no null in a field that is not nullable.
import { AppError } from '../../base/errors';
import type { Definition } from '../schema/schema';
import { isSchema } from './walk';

/** Characters of JSON that defaults may add to one object: the largest body. Each item of a list can have the same large default. */
export const maxDefaultSize = 3 * 1024 * 1024;

interface Default {
  readonly key: string;
  readonly value: unknown;
  readonly size: number;
}

const defaultsOf = new WeakMap<Definition, readonly Default[]>();

/** Read once per schema: a schema may have thousands of fields, and objects of it may be items of a list. */
function readDefaults(schema: Definition): readonly Default[] {
  let found = defaultsOf.get(schema);
  if (!found) {
    found = Object.entries(schema.properties ?? {}).flatMap(([key, { default: value }]) =>
      value === undefined || value === null ? [] : [{ key, value, size: key.length + JSON.stringify(value).length }],
    );
    defaultsOf.set(schema, found);
  }
  return found;
}

interface Budget {
  left: number;
}

/**
 * Idempotent. A default inside an object applies only when the object is there, or is itself a default.
 * @throws AppError TooLarge when the defaults are larger than an object may be
 */
export function applyDefaults(value: unknown, schema: Definition, budget: Budget = { left: maxDefaultSize }): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!isSchema(items)) return;
    for (let i = 0; i < value.length; i++) {
      // Without a default the null stays: then it is invalid.
      if (isWrongNull(value[i], items)) value[i] = structuredClone(items.default ?? null);
      applyDefaults(value[i], items, budget);
    }
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const object = value as Record<string, unknown>;
  const { properties = {}, additionalProperties: values } = schema;
  for (const { key, value: added, size } of readDefaults(schema)) {
    if (Object.hasOwn(object, key) && !isWrongNull(object[key], properties[key]!)) continue;
    budget.left -= size;
    if (budget.left < 0) throw new AppError('TooLarge', 'the defaults of the schema make the object too large');
    setKey(object, key, structuredClone(added));
  }
  for (const key of Object.keys(object)) {
    const inner = Object.hasOwn(properties, key) ? properties[key] : isSchema(values) ? values : undefined;
    if (!inner) continue;
    if (!isWrongNull(object[key], inner)) applyDefaults(object[key], inner, budget);
    else if (inner.default === undefined || inner.default === null) delete object[key];
    else setKey(object, key, structuredClone(inner.default));
  }
}

/** Whether applyDefaults would change nothing. */
export function isDefaulted(value: unknown, schema: Definition): boolean {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!isSchema(items)) return true;
    return value.every((item) => !(isWrongNull(item, items) && items.default) && isDefaulted(item, items));
  }
  if (typeof value !== 'object' || value === null) return true;
  const object = value as Record<string, unknown>;
  const { properties = {}, additionalProperties: values } = schema;
  if (readDefaults(schema).some(({ key }) => !Object.hasOwn(object, key))) return false;
  return Object.keys(object).every((key) => {
    const inner = Object.hasOwn(properties, key) ? properties[key] : isSchema(values) ? values : undefined;
    return !inner || (!isWrongNull(object[key], inner) && isDefaulted(object[key], inner));
  });
}

const isWrongNull = (value: unknown, { nullable }: Definition): boolean => value === null && !nullable;

/** __proto__ is a key like any other. */
function setKey(object: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
