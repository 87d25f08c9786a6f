// Lists of type set and map: an item is known by its value or by its keys.
import type { FieldCause } from '../../base/errors';
import type { Definition } from '../schema/schema';
import { duplicate } from '../validation/causes';

/** Items that a list has twice. */
export function repeatedItems(list: readonly unknown[], schema: Definition, path: string): FieldCause[] {
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const seen = new Set<string>();
  return list.flatMap((item, i) => {
    const id = type === 'set' ? item : keysOf(item, keys);
    const text = JSON.stringify(id);
    if (seen.has(text)) return [duplicate(`${path}[${i}]`, id)];
    seen.add(text);
    return [];
  });
}

/** The items of an older list of type map by their keys; undefined for a list whose items cannot be found again. */
export function itemFinder(old: unknown, schema: Definition): ((item: unknown) => unknown) | undefined {
  if (!Array.isArray(old) || schema['x-kubernetes-list-type'] !== 'map') return undefined;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const idOf = (item: unknown) => JSON.stringify(keysOf(item, keys));
  const byId = new Map(old.map((item: unknown) => [idOf(item), item]));
  return (item) => byId.get(idOf(item));
}

const keysOf = (item: unknown, keys: readonly string[]): unknown =>
  Object.fromEntries(keys.map((key) => [key, (item as Record<string, unknown> | null)?.[key]]));
