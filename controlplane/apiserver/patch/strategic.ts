// Strategic merge patch: a merge patch that knows which lists are keyed sets, from the schema of the patched kind.
// Source: the sig-api-machinery document "Strategic Merge Patch".

import type { FieldSchema, ObjectSchema } from '../../api/schema/schema';
import { BadRequest } from '../../base/errors';
import { isObject, type Json, type JsonObject, setKey } from './json';
import { PatchRejected } from './rejected';
import { deleteFromList, goMap, type MergedList, mergeList, unexpected } from './strategic-list';

const directive = '$patch';
const retainKeys = '$retainKeys';
const deletePrefix = '$deleteFromPrimitiveList/';
const orderPrefix = '$setElementOrder/';

/** A new object. @throws BadRequest for a malformed directive, StatusError 500 for mistakes that upstream answers with 500 */
export function applyStrategicMergePatch(original: JsonObject, patch: JsonObject, object: ObjectSchema): JsonObject {
  return mergeObject(original, patch, { type: 'object', object });
}

/** The schema of one key under `schema`: a declared field, or any key of a map. */
function fieldOf(schema: FieldSchema | undefined, key: string): FieldSchema | undefined {
  if (schema?.type === 'map') return schema.items;
  const fields = schema?.object?.fields;
  return fields && Object.hasOwn(fields, key) ? fields[key] : undefined;
}

/** Merges one object; without a schema lists are replaced, as a merge patch does. */
export function mergeObject(original: JsonObject, patch: JsonObject, schema: FieldSchema | undefined): JsonObject {
  if (directive in patch) {
    const { [directive]: action, ...rest } = patch;
    if (action === 'replace') return withoutDirectives(rest);
    if (action === 'delete') return {};
    if (action !== 'merge') throw unexpected(`Unknown patch type found: ${goMap(action)}`);
    return mergeObject(original, rest, schema);
  }
  const result = retain(original, patch);
  for (const [key, value] of Object.entries(patch)) {
    if (key === retainKeys || key.startsWith(orderPrefix)) continue;
    if (key.startsWith(deletePrefix)) removePrimitives(result, key.slice(deletePrefix.length), value);
    else if (value === null) delete result[key];
    else if (!(`${orderPrefix}${key}` in patch))
      setKey(result, key, mergeValue(own(result, key), value, fieldOf(schema, key)));
  }
  for (const [key, order] of Object.entries(patch)) {
    if (key.startsWith(orderPrefix)) mergeOrdered(result, patch, key.slice(orderPrefix.length), order, schema);
  }
  return result;
}

const own = (object: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;

function mergeValue(original: Json | undefined, patch: Json, schema: FieldSchema | undefined): Json {
  if (isObject(patch)) {
    const replace = schema?.patchStrategy?.split(',').includes('replace') ?? false;
    if (replace || !isObject(original)) return patch[directive] === 'delete' ? {} : withoutDirectives(patch);
    return mergeObject(original, patch, schema);
  }
  if (!Array.isArray(patch)) return patch;
  // A new list is taken as it is: its elements need no key.
  if (original === undefined) return cleanValue(patch);
  return mergeAnyList(Array.isArray(original) ? original : [], patch, schema, undefined);
}

function mergeAnyList(
  original: Json[],
  patch: Json[],
  schema: FieldSchema | undefined,
  order: Json[] | undefined,
): Json[] {
  const merging = schema?.patchStrategy?.split(',').includes('merge') ?? false;
  if (!merging) return patch.map((item) => (isObject(item) ? withoutDirectives(item) : item));
  const list: MergedList = {
    original,
    patch,
    mergeKey: schema?.patchMergeKey,
    order,
    mergeItem: (live, change) => mergeObject(live, change, schema?.items),
    newItem: withoutDirectives,
  };
  return mergeList(list);
}

/** Keeps only the keys that $retainKeys names; every key the patch sets must be among them. */
function retain(original: JsonObject, patch: JsonObject): JsonObject {
  const keep = patch[retainKeys];
  if (keep === undefined) return { ...original };
  if (!Array.isArray(keep)) throw new BadRequest('invalid patch format of retainKeys');
  const kept = new Set<Json>(keep);
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$') || value === null) continue;
    if (!kept.has(key)) throw new PatchRejected('$retainKeys list must contain all fields present in the patch');
  }
  return Object.fromEntries(Object.entries(original).filter(([key]) => kept.has(key)));
}

function removePrimitives(result: JsonObject, key: string, values: Json): void {
  if (!Array.isArray(values)) throw new BadRequest('invalid patch format of primitive list');
  const current = own(result, key);
  if (Array.isArray(current)) setKey(result, key, deleteFromList(current, values));
}

function mergeOrdered(
  result: JsonObject,
  patch: JsonObject,
  key: string,
  order: Json,
  schema: FieldSchema | undefined,
): void {
  if (!Array.isArray(order)) throw new BadRequest('invalid patch format of setElementOrder list');
  const change = patch[key];
  if (change === null) return;
  if (change !== undefined && !Array.isArray(change)) {
    throw unexpected(`expected a list of ${key}, but received ${typeof change}`);
  }
  const current = own(result, key);
  if (change === undefined && !Array.isArray(current)) return;
  setKey(result, key, mergeAnyList(Array.isArray(current) ? current : [], change ?? [], fieldOf(schema, key), order));
}

/** The value that a patch gives where no value exists: nulls and directives have no effect and are dropped. */
function withoutDirectives(patch: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || key === directive || key === retainKeys) continue;
    if (key.startsWith(deletePrefix) || key.startsWith(orderPrefix)) continue;
    setKey(result, key, cleanValue(value));
  }
  return result;
}

function cleanValue(value: Json): Json {
  if (isObject(value)) return withoutDirectives(value);
  if (!Array.isArray(value)) return value;
  return value
    .filter((item) => !(isObject(item) && (item[directive] === 'delete' || isReplaceMarker(item))))
    .map(cleanValue);
}

const isReplaceMarker = (item: JsonObject): boolean => item[directive] === 'replace' && Object.keys(item).length === 1;
