// Objects with their schema: which fields they set, and how two objects merge. An atomic value counts as one field; lists of
// type map have their elements by key, lists of type set by value.
import type { FieldSchema } from '../../api/schema/schema';
import { TooLarge } from '../../base/errors';
import { type FieldPath, joinPath, splitPath } from './field-path';
import { isObject, type Json, type JsonObject, jsonEqual, keyText, setKey } from './json';

/** Field path → value; an element of a keyed list is a field itself. */
export type FieldValues = Map<FieldPath, Json>;

const elementMarker: Json = true;

type Shape = 'object' | 'keyedList' | 'set' | 'atomic';

function shapeOf(schema: FieldSchema | undefined, value: Json | undefined): Shape {
  if (Array.isArray(value)) {
    if (schema?.listType === 'map') return 'keyedList';
    return schema?.listType === 'set' ? 'set' : 'atomic';
  }
  if (!isObject(value) || schema?.mapType === 'atomic') return 'atomic';
  if (schema?.type === 'map') return 'object';
  if (!schema?.object) return 'atomic';
  return schema.object.atomic && schema.mapType !== 'granular' ? 'atomic' : 'object';
}

function childSchema(schema: FieldSchema | undefined, key: string): FieldSchema | undefined {
  if (schema?.type === 'map') return schema.items;
  const fields = schema?.object?.fields;
  return fields && Object.hasOwn(fields, key) ? fields[key] : undefined;
}

/** `k:{"name":"a"}`: keys sorted, absent ones by their default. */
export function elementKey(element: Json, schema: FieldSchema): string {
  const keys = [...(schema.listMapKeys ?? [])].sort();
  const fields = schema.items?.object?.fields;
  const object = isObject(element) ? element : {};
  const entries = keys.flatMap((key) => {
    const value = object[key] ?? fields?.[key]?.default;
    return value === undefined ? [] : [[key, value] as const];
  });
  return `k:${JSON.stringify(Object.fromEntries(entries))}`;
}

/** A bound: each field costs several microseconds when owners are compared, merged and written. Atomic values count once. */
const maxOwnedFields = 5_000;

/** Every field `object` sets. @throws TooLarge for more fields than an owner may have */
export function fieldValues(object: JsonObject, schema: FieldSchema): FieldValues {
  const values: FieldValues = new Map();
  const walk = (value: Json, at: FieldSchema | undefined, path: FieldPath): void => {
    if (values.size > maxOwnedFields)
      throw new TooLarge(`more than ${maxOwnedFields} fields of an object cannot be owned`);
    switch (shapeOf(at, value)) {
      case 'object': {
        const entries = Object.entries(value as JsonObject);
        if (entries.length === 0 && path !== '') values.set(path, value);
        for (const [key, inner] of entries) walk(inner, childSchema(at, key), joinPath(path, `f:${key}`));
        return;
      }
      case 'keyedList':
        for (const element of value as Json[]) {
          const inner = joinPath(path, elementKey(element, at!));
          values.set(inner, elementMarker);
          walk(element, at!.items, inner);
        }
        return;
      case 'set':
        for (const element of value as Json[]) values.set(joinPath(path, `v:${JSON.stringify(element)}`), element);
        return;
      default:
        values.set(path, value);
    }
  };
  walk(object, schema, '');
  return values;
}

/** Fields of `after` that `before` does not have, or has with another value. */
export function changedFields(before: FieldValues, after: FieldValues): Set<FieldPath> {
  return new Set([...after].filter(([path, value]) => !jsonEqual(before.get(path), value)).map(([path]) => path));
}

/** What applying `applied` over `live` gives: fields of `applied` win, everything else stays. */
export function mergeTyped(live: Json | undefined, applied: Json, schema: FieldSchema | undefined): Json {
  const shape = shapeOf(schema, applied);
  if (shape === 'object' && isObject(live)) {
    const result = { ...live };
    for (const [key, value] of Object.entries(applied as JsonObject)) {
      setKey(
        result,
        key,
        mergeTyped(Object.hasOwn(live, key) ? live[key] : undefined, value, childSchema(schema, key)),
      );
    }
    return result;
  }
  if (shape === 'set' && Array.isArray(live)) {
    const there = new Set(live.map(keyText));
    const added = (applied as Json[]).filter((value) => !there.has(keyText(value)));
    return [...live, ...added];
  }
  if (shape === 'keyedList' && Array.isArray(live)) return mergeKeyed(live, applied as Json[], schema!);
  return applied;
}

/** Elements come in the order of `applied`; an element that only `live` has stays before the element that followed it. */
function mergeKeyed(live: readonly Json[], applied: readonly Json[], schema: FieldSchema): Json[] {
  const keys = live.map((element) => elementKey(element, schema));
  const wanted = applied.map((element) => elementKey(element, schema));
  const isWanted = new Set(wanted);
  // The first place of each key: set from the end, so that earlier ones stay.
  const places = new Map(keys.map((key, i) => [key, i] as const).reverse());
  const result: Json[] = [];
  let at = 0;
  const takeLiveOnly = (end: number) => {
    for (; at < end; at++) if (!isWanted.has(keys[at]!)) result.push(live[at]!);
  };
  applied.forEach((element, i) => {
    const place = places.get(wanted[i]!) ?? -1;
    if (place >= at) {
      takeLiveOnly(place);
      at = place + 1;
    }
    result.push(place < 0 ? element : mergeTyped(live[place], element, schema.items));
  });
  takeLiveOnly(live.length);
  return result;
}

/** Fields to remove as a tree by path element: however many there are, the object is walked once. */
class Removals {
  readonly below = new Map<string, Removals>();
  whole = false;

  static of(paths: Iterable<FieldPath>): Removals {
    const root = new Removals();
    for (const path of paths) {
      let node = root;
      for (const element of splitPath(path)) {
        const next = node.below.get(element) ?? new Removals();
        node.below.set(element, next);
        node = next;
      }
      node.whole = true;
    }
    return root;
  }
}

/**
 * A copy of `object` without the fields at `paths`; objects and lists that become empty are removed too, unless `stays` is
 * true: then an owner owns the empty object or list itself.
 */
export function removeFields(
  object: JsonObject,
  paths: Iterable<FieldPath>,
  schema: FieldSchema,
  stays: (path: FieldPath) => boolean,
): JsonObject {
  const removals = Removals.of(paths);
  if (removals.below.size === 0) return object;
  const result = prune(object, removals, schema, { path: '', stays });
  return isObject(result) ? result : {};
}

interface Place {
  readonly path: FieldPath;
  readonly stays: (path: FieldPath) => boolean;
}

/** `value` itself when nothing in it is removed. */
function prune(value: Json, removals: Removals, schema: FieldSchema | undefined, place: Place): Json | undefined {
  if (removals.whole) return undefined;
  if (isObject(value)) return pruneObject(value, removals, schema, place);
  return Array.isArray(value) ? pruneList(value, removals, schema, place) : value;
}

function pruneObject(
  object: JsonObject,
  { below }: Removals,
  schema: FieldSchema | undefined,
  { path, stays }: Place,
): JsonObject | undefined {
  const gone = new Set<string>();
  const changed = new Map<string, Json>();
  for (const [element, removals] of below) {
    const key = element.slice(2);
    if (!element.startsWith('f:') || !Object.hasOwn(object, key)) continue;
    const inner = prune(object[key]!, removals, childSchema(schema, key), { path: joinPath(path, element), stays });
    if (inner === undefined) gone.add(key);
    else if (inner !== object[key]) changed.set(key, inner);
  }
  if (gone.size === 0 && changed.size === 0) return object;
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(object)) if (!gone.has(key)) setKey(result, key, changed.get(key) ?? value);
  return gone.size > 0 && Object.keys(result).length === 0 && !stays(path) ? undefined : result;
}

function pruneList(
  list: readonly Json[],
  { below }: Removals,
  schema: FieldSchema | undefined,
  { path, stays }: Place,
): Json[] | undefined {
  const byValue = [...below.keys()].some((element) => element.startsWith('v:'));
  const byKey = schema !== undefined && [...below.keys()].some((element) => element.startsWith('k:'));
  const result = list.flatMap((item) => {
    const names = [...(byValue ? [`v:${JSON.stringify(item)}`] : []), ...(byKey ? [elementKey(item, schema)] : [])];
    const element = names.find((name) => below.has(name));
    if (element === undefined) return [item];
    const inner = prune(item, below.get(element)!, schema?.items, { path: joinPath(path, element), stays });
    return inner === undefined ? [] : [inner];
  });
  return result.length === 0 && !stays(path) ? undefined : result;
}
