// Objects with their schema: how two objects merge, and how fields are removed. An atomic value counts as one field; lists of
// type map have their elements by key, lists of type set by value.
import { zeroOf } from '../../api/schema/compile';
import type { FieldSchema } from '../../api/schema/schema';
import { type FieldTree, isMember } from './field-tree';
import { isObject, type Json, type JsonObject, keyText, setKey } from './json';

export type Shape = 'object' | 'keyedList' | 'set' | 'atomic';

export function shapeOf(schema: FieldSchema | undefined, value: Json | undefined): Shape {
  if (Array.isArray(value)) {
    if (schema?.listType === 'map') return 'keyedList';
    return schema?.listType === 'set' ? 'set' : 'atomic';
  }
  if (!isObject(value) || schema?.mapType === 'atomic') return 'atomic';
  if (schema?.type === 'map') return 'object';
  if (!schema?.object) return 'atomic';
  return schema.object.atomic && schema.mapType !== 'granular' ? 'atomic' : 'object';
}

/** Of a value without a schema, as structured-merge-diff deduces it: its objects merge, its lists do not. */
interface DeducedSchema extends FieldSchema {
  items: FieldSchema;
}
export const deduced: FieldSchema = deduce();

function deduce(): FieldSchema {
  const schema: DeducedSchema = { type: 'map', items: { type: 'any' } };
  schema.items = schema;
  return schema;
}

export function childSchema(schema: FieldSchema | undefined, key: string): FieldSchema | undefined {
  if (schema?.type === 'map') return schema.items;
  const object = schema?.object;
  if (object && Object.hasOwn(object.fields, key)) return object.fields[key];
  return object?.open ? deduced : undefined;
}

const sortedKeys = new WeakMap<FieldSchema, readonly string[]>();

/** `k:{"name":"a"}`: keys sorted, absent ones by their default. */
export function elementKey(element: Json, schema: FieldSchema): string {
  let keys = sortedKeys.get(schema);
  if (!keys) {
    keys = [...(schema.listMapKeys ?? [])].sort();
    sortedKeys.set(schema, keys);
  }
  const fields = schema.items?.object?.fields;
  const object = isObject(element) ? element : {};
  let text = '';
  for (const key of keys) {
    const value = (Object.hasOwn(object, key) ? object[key] : undefined) ?? keyDefault(fields?.[key]);
    if (value !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${JSON.stringify(value)}`;
  }
  return `k:{${text}}`;
}

/** Upstream's schemas give the zero as default to a scalar that Go always writes, and most keys are such fields. */
const keyDefault = (field: FieldSchema | undefined): unknown =>
  field?.default ?? (field?.zero === 'written' ? zeroOf(field) : undefined);

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
  if (shape === 'set' && Array.isArray(live)) return mergeLists(live, applied as Json[], keyText, (_, item) => item);
  if (shape === 'keyedList' && Array.isArray(live)) {
    const keyOf = (item: Json) => elementKey(item, schema!);
    return mergeLists(live, applied as Json[], keyOf, (last, item) => mergeTyped(last, item, schema!.items));
  }
  return applied;
}

/**
 * Elements come in the order of `applied`. One that only `live` has stays where it is between the elements that both have, and
 * comes before new ones. Source: structured-merge-diff.
 */
function mergeLists(
  live: readonly Json[],
  applied: readonly Json[],
  keyOf: (item: Json) => string,
  merge: (last: Json, item: Json) => Json,
): Json[] {
  const liveKeys = live.map(keyOf);
  const keys = applied.map(keyOf);
  const isApplied = new Set(keys);
  // The first place of each key: set from the end, so that earlier ones stay.
  const places = new Map(liveKeys.map((key, i) => [key, i] as const).reverse());
  const shared = keys.filter((key) => places.has(key));
  let next = 0;
  const merged = new Set<string>();
  const result: Json[] = [];
  let at = 0;
  const take = (i: number) => {
    const key = keys[i]!;
    const place = places.get(key);
    result.push(place === undefined ? applied[i]! : merge(live[place]!, applied[i]!));
    merged.add(key);
    if (key === shared[next]) next++;
  };
  for (let i = 0; i < applied.length || at < live.length; ) {
    const key = liveKeys[at];
    if (key === undefined) take(i++);
    else if (!isApplied.has(key)) result.push(live[at++]!);
    else if (merged.has(key) || (i < keys.length && key !== keys[i] && key !== shared[next])) at++;
    else if (key === keys[i]) {
      take(i++);
      at++;
    } else take(i++);
  }
  return result;
}

/**
 * A copy of `object` without the fields of `removals`; objects and lists that become empty are removed too, except those that `inUse`
 * has: an owner owns the empty object or list itself. However many fields there are, the object is walked once.
 */
export function removeFields(
  object: JsonObject,
  removals: FieldTree,
  schema: FieldSchema,
  inUse: FieldTree | undefined,
): JsonObject {
  const result = prune(object, removals, schema, inUse);
  return isObject(result) ? result : {};
}

/** `value` itself when nothing in it is removed. */
function prune(
  value: Json,
  removals: FieldTree,
  schema: FieldSchema | undefined,
  inUse: FieldTree | undefined,
): Json | undefined {
  if (isMember(removals)) return undefined;
  if (isObject(value)) return pruneObject(value, removals, schema, inUse);
  return Array.isArray(value) ? pruneList(value, removals, schema, inUse) : value;
}

const stays = (inUse: FieldTree | undefined): boolean => inUse !== undefined && isMember(inUse);

function pruneObject(
  object: JsonObject,
  removals: FieldTree,
  schema: FieldSchema | undefined,
  inUse: FieldTree | undefined,
): JsonObject | undefined {
  const gone = new Set<string>();
  const changed = new Map<string, Json>();
  for (const [element, below] of Object.entries(removals)) {
    const key = element.slice(2);
    if (!element.startsWith('f:') || !Object.hasOwn(object, key)) continue;
    const inner = prune(object[key]!, below, childSchema(schema, key), inUse?.[element]);
    if (inner === undefined) gone.add(key);
    else if (inner !== object[key]) changed.set(key, inner);
  }
  if (gone.size === 0 && changed.size === 0) return object;
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(object)) if (!gone.has(key)) setKey(result, key, changed.get(key) ?? value);
  return gone.size > 0 && Object.keys(result).length === 0 && !stays(inUse) ? undefined : result;
}

function pruneList(
  list: readonly Json[],
  removals: FieldTree,
  schema: FieldSchema | undefined,
  inUse: FieldTree | undefined,
): Json[] | undefined {
  const elements = Object.keys(removals);
  const byValue = elements.some((element) => element.startsWith('v:'));
  const byKey = schema !== undefined && elements.some((element) => element.startsWith('k:'));
  const result = list.flatMap((item) => {
    const names = [...(byValue ? [`v:${JSON.stringify(item)}`] : []), ...(byKey ? [elementKey(item, schema)] : [])];
    const element = names.find((name) => removals[name] !== undefined);
    if (element === undefined) return [item];
    const inner = prune(item, removals[element]!, schema?.items, inUse?.[element]);
    return inner === undefined ? [] : [inner];
  });
  return result.length === 0 && !stays(inUse) ? undefined : result;
}
