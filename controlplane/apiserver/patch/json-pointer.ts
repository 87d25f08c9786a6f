// Places in a document that JSON pointers name (RFC 6901), with what Go's library for JSON patches adds: an index may be negative and
// counts from the end, may have a sign or leading zeros, and the text before the first slash does not count.
import { isObject, type Json, type JsonObject, setKey } from './json';

/** The last step of a pointer, and the object or list that it is about. */
export interface Place {
  readonly container: Json[] | JsonObject;
  readonly key: string;
}

/** An index that the list does not have. The message is that of Go's library. */
export class IndexError extends Error {}

/** Undefined when the pointer has no slash, or a step before the last leads to no object or list. */
export function placeOf(document: Json, path: string): Place | undefined {
  const steps = path.split('/').slice(1).map(unescapeStep);
  const key = steps.pop();
  if (key === undefined) return undefined;
  let container: Json | undefined = document;
  for (const step of steps)
    container = Array.isArray(container) ? container[indexOf(container, step) ?? -1] : member(container, step);
  return isObject(container) || Array.isArray(container) ? { container, key } : undefined;
}

const unescapeStep = (step: string): string => step.replaceAll('~1', '/').replaceAll('~0', '~');

const member = (value: Json | undefined, key: string): Json | undefined =>
  isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;

/** Undefined for a missing member of an object. @throws IndexError */
export function valueAt({ container, key }: Place): Json | undefined {
  return Array.isArray(container) ? container[existing(container, key)] : member(container, key);
}

/** Replaces an element of a list, or sets a member of an object. @throws IndexError */
export function setAt({ container, key }: Place, value: Json): void {
  if (Array.isArray(container)) container[existing(container, key)] = value;
  else setKey(container, key, value);
}

/**
 * Inserts into a list, or sets a member of an object. `shift` is called with the number of elements that move.
 * @throws IndexError
 */
export function insertAt({ container, key }: Place, value: Json, shift: (elements: number) => void): void {
  if (!Array.isArray(container)) setKey(container, key, value);
  else if (key === '-') container.push(value);
  else {
    // -1 is the place after the last element.
    const at = within(key, container.length + 1, 'value was not a proper array index: ');
    shift(container.length - at);
    container.splice(at, 0, value);
  }
}

/** False when an object has no such member. @throws IndexError */
export function removeAt({ container, key }: Place, shift: (elements: number) => void): boolean {
  if (Array.isArray(container)) {
    const at = existing(container, key);
    shift(container.length - at);
    container.splice(at, 1);
    return true;
  }
  return Object.hasOwn(container, key) && delete container[key];
}

const existing = (list: readonly Json[], key: string): number => within(key, list.length, '');

/** @throws IndexError */
function within(key: string, length: number, prefix: string): number {
  if (!isIndex(key)) {
    const shown = JSON.stringify(key);
    const quoted = prefix && `${prefix}'${key}': `;
    throw new IndexError(`${quoted}strconv.Atoi: parsing ${shown}: invalid syntax`);
  }
  const at = fromEnd(Number(key), length);
  if (at === undefined)
    throw new IndexError(`Unable to access invalid index: ${Number(key)}: invalid index referenced`);
  return at;
}

const isIndex = (key: string): boolean => /^[+-]?\d+$/.test(key);

const fromEnd = (index: number, length: number): number | undefined =>
  index >= length || index < -length ? undefined : index < 0 ? index + length : index;

const indexOf = (list: readonly Json[], key: string): number | undefined =>
  isIndex(key) ? fromEnd(Number(key), list.length) : undefined;
