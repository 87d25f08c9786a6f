// Lists and maps of bounded length, which the rules of devices have many of: one that is too long is reported without its items.
import type { FieldCause } from '../../base/errors';
import { duplicate, tooMany } from '../validation/causes';

export type Check<T> = (item: T, field: string) => readonly FieldCause[];

/** @param most the greatest length; undefined for no bound */
export function validateList<T>(
  list: readonly T[] | undefined,
  most: number | undefined,
  field: string,
  check: Check<T>,
): FieldCause[] {
  if (!list) return [];
  if (most !== undefined && list.length > most) return [tooMany(field, list.length, most)];
  return list.flatMap((item, i) => check(item, `${field}[${i}]`));
}

interface Keyed<T> {
  readonly check: Check<T>;
  /** What identifies an item, as it is shown in the message. */
  readonly key: (item: T) => unknown;
}

/** A list in which each key occurs once. */
export function validateSet<T>(
  list: readonly T[] | undefined,
  most: number | undefined,
  field: string,
  { check, key }: Keyed<T>,
): FieldCause[] {
  if (!list) return [];
  const causes = validateList(list, most, field, check);
  if (most !== undefined && list.length > most) return causes;
  const known = new Set<string>();
  list.forEach((item, i) => {
    const shown = key(item);
    const text = JSON.stringify(shown) ?? '';
    if (known.has(text)) causes.push(duplicate(`${field}[${i}]`, shown));
    known.add(text);
  });
  return causes;
}

interface Entries<T> {
  /** Causes of a wrong key have the path of the map. */
  readonly key: Check<string>;
  readonly value: Check<T>;
  /** Longer keys are shortened in paths. */
  readonly longestKey: number;
}

export function validateMap<T>(
  map: Readonly<Record<string, T>> | undefined,
  most: number | undefined,
  field: string,
  { key: checkKey, value, longestKey }: Entries<T>,
): FieldCause[] {
  const entries = Object.entries(map ?? {});
  if (most !== undefined && entries.length > most) return [tooMany(field, entries.length, most)];
  return entries.flatMap(([key, item]) => [
    ...checkKey(key, field),
    ...value(item, `${field}[${shortened(key, Math.max(longestKey, 16))}]`),
  ]);
}

function shortened(key: string, most: number): string {
  if (key.length <= most) return key;
  const rest = most - 3;
  return `${key.slice(0, Math.ceil(rest / 2))}...${key.slice(key.length - Math.floor(rest / 2))}`;
}
