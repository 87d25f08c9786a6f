// Merges one list whose elements are a set: by merge key for objects, by value for scalars.
import { StatusError } from '../status';
import { isObject, type Json, type JsonObject, jsonEqual, keyText } from './json';

/** Upstream answers these mistakes with 500 and no reason; clients and tests expect that. */
export const unexpected = (message: string) => new StatusError(500, '', message);

export interface MergedList {
  readonly original: Json[];
  readonly patch: Json[];
  /** The field that names an element; absent for lists of scalars. */
  readonly mergeKey: string | undefined;
  /** $setElementOrder of this list. */
  readonly order: Json[] | undefined;
  readonly mergeItem: (live: JsonObject, change: JsonObject) => JsonObject;
  /** The element that a patch element adds when no live element has its key. */
  readonly newItem: (change: JsonObject) => JsonObject;
}

/** The merged list in the order of the patch; live elements that the patch does not name keep their places. */
export function mergeList(list: MergedList): Json[] {
  const { original, patch, mergeKey } = list;
  const ofObjects = [...original, ...patch].some((item) => isObject(item));
  if (!ofObjects) return ordered(list, [...new Set([...original, ...patch])], patch);
  if (mergeKey === undefined) throw unexpected('cannot merge lists without a merge key');
  const changes = patch.map((item) => {
    if (!isObject(item)) throw unexpected(`invalid element in a list of objects: ${JSON.stringify(item)}`);
    return item;
  });
  if (changes.some((change) => change.$patch === 'replace')) return replaced(changes, list);
  return ordered(
    list,
    mergeObjects(list, mergeKey, changes),
    changes.filter((change) => change.$patch !== 'delete'),
  );
}

export function deleteFromList(list: Json[], values: Json[]): Json[] {
  const deleted = new Set(values.map(keyText));
  return list.filter((item) => !deleted.has(keyText(item)));
}

/** One element `{ $patch: replace }` makes the rest of the patch the whole list. */
function replaced(changes: JsonObject[], { newItem }: MergedList): Json[] {
  return changes
    .filter(
      (change) => !(change.$patch === 'replace' && Object.keys(change).length === 1) && change.$patch !== 'delete',
    )
    .map(newItem);
}

/** Finds elements in a table of their keys: list and patch may both have many thousand elements. */
function mergeObjects({ original, mergeItem, newItem }: MergedList, mergeKey: string, changes: JsonObject[]): Json[] {
  const result: (Json | undefined)[] = [...original];
  const places = new Map<string, number[]>();
  const note = (key: string, at: number) => {
    const known = places.get(key);
    if (known) known.push(at);
    else places.set(key, [at]);
  };
  original.forEach((item, at) => {
    const key = isObject(item) ? item[mergeKey] : undefined;
    if (key !== undefined) note(keyText(key), at);
  });
  for (const change of changes) {
    const key = keyText(keyOf(change, mergeKey));
    const found = places.get(key) ?? [];
    if (change.$patch === 'delete') {
      for (const at of found) result[at] = undefined;
      places.delete(key);
      continue;
    }
    if (change.$patch !== undefined && change.$patch !== 'merge') {
      throw unexpected(`Unknown patch type found: ${goMap(change.$patch)}`);
    }
    const [at] = found;
    if (at === undefined) note(key, result.push(newItem(change)) - 1);
    else result[at] = mergeItem(result[at] as JsonObject, change);
  }
  return result.filter((item) => item !== undefined);
}

function keyOf(change: JsonObject, mergeKey: string): Json {
  const key = change[mergeKey];
  if (key === undefined) {
    throw unexpected(`map: ${goMap(change)} does not contain declared merge key: ${mergeKey}`);
  }
  return key;
}

/** A map as Go prints it: `map[a:1 b:x]`, keys sorted. */
export function goMap(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(goMap).join(' ')}]`;
  if (!isObject(value)) return value === null ? '<nil>' : String(value);
  const entries = Object.keys(value).sort();
  return `map[${entries.map((key) => `${key}:${goMap(value[key]!)}`).join(' ')}]`;
}

/**
 * Elements named by the patch come in its order; the others keep their live order between them. A new element comes before
 * the next element that only the live list has.
 */
function ordered({ original, mergeKey, order, patch }: MergedList, merged: Json[], present: Json[]): Json[] {
  const identity = (item: Json): Json => (isObject(item) && mergeKey !== undefined ? (item[mergeKey] ?? null) : item);
  const wanted = (order ?? present).map(identity);
  if (order) checkOrder(patch.filter((item) => !(isObject(item) && item.$patch === 'delete')).map(identity), wanted);
  const inWanted = placesOf(wanted);
  const inLive = placesOf(original.map(identity));
  const items = merged.map((item) => {
    const key = keyText(identity(item));
    return { item, wanted: inWanted.get(key), live: inLive.get(key) ?? -1 };
  });
  const named = items.filter((item) => item.wanted !== undefined).sort((a, b) => a.wanted! - b.wanted!);
  const unnamed = items.filter((item) => item.wanted === undefined).sort((a, b) => a.live - b.live);
  const result: Json[] = [];
  let at = 0;
  for (const { item, live } of named) {
    for (let next = unnamed[at]; next && live >= 0 && next.live >= 0 && next.live < live; next = unnamed[at]) {
      result.push(next.item);
      at++;
    }
    result.push(item);
  }
  for (; at < unnamed.length; at++) result.push(unnamed[at]!.item);
  return result;
}

/** The first place of each key. */
function placesOf(keys: readonly Json[]): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  keys.forEach((key, at) => {
    const text = keyText(key);
    if (!places.has(text)) places.set(text, at);
  });
  return places;
}

/** All elements of the patch must be in $setElementOrder, in the same order. */
function checkOrder(patched: Json[], wanted: Json[]): void {
  let at = 0;
  for (const key of patched) {
    while (at < wanted.length && !jsonEqual(wanted[at], key)) at++;
    if (at === wanted.length) {
      throw unexpected(
        `The order in patch list:\n${goMap(patched)}\n doesn't match $setElementOrder list:\n${goMap(wanted)}\n`,
      );
    }
    at++;
  }
}
