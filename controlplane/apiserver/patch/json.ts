// JSON values as types, and the comparisons patches need.

/** An integer that a number cannot hold is a bigint. */
export type Json = null | boolean | number | bigint | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Equal by value; the order of keys does not count. */
export function jsonEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => jsonEqual(item, b[i]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && jsonEqual(a[key], b[key]))
  );
}

/** Assigns an own property even for a key like __proto__. */
export function setKey(target: JsonObject, key: string, value: Json): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[key] = value;
  }
}

/** A key for look-ups: the same text for equal values, another text for different values. */
export const keyText = (value: Json): string => JSON.stringify(inOrder(value));

/** The value with all keys sorted. */
function inOrder(value: Json): Json {
  if (Array.isArray(value)) return value.map(inOrder);
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const key of Object.keys(value).sort()) setKey(result, key, inOrder(value[key]!));
  return result;
}

/** How many levels of objects and lists a value has; a scalar has none. `visit` is called once for each of them. */
export function depthOf(value: Json | undefined, visit: () => void = () => {}): number {
  if (typeof value !== 'object' || value === null) return 0;
  visit();
  let deepest = 0;
  for (const item of Array.isArray(value) ? value : Object.values(value)) {
    const depth = depthOf(item, visit);
    if (depth > deepest) deepest = depth;
  }
  return deepest + 1;
}

/** Fields and items at all levels, and the value itself. */
export function valuesIn(value: Json): number {
  if (typeof value !== 'object' || value === null) return 1;
  let count = 1;
  for (const item of Array.isArray(value) ? value : Object.values(value)) count += valuesIn(item);
  return count;
}
