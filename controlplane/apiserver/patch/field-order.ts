// The order of the fields in a set of metadata.managedFields: `.` first, then by name; elements of a list by the values of their keys.
// A client that decodes a set and encodes it again gets the same bytes. Pure. Source: sigs.k8s.io/structured-merge-diff, fieldpath.
import { parseStored } from '../../api/json-text';
import type { FieldTree } from './field-tree';
import { isObject, type Json } from './json';

/** The same set with its fields in order; the tree itself when it is in order. Costs one comparison for each field then. */
export function ordered(tree: FieldTree): FieldTree {
  let last: string | undefined;
  let inOrder = true;
  let changed: Record<string, FieldTree> | undefined;
  for (const element in tree) {
    if (last !== undefined && compareElements(last, element) > 0) inOrder = false;
    last = element;
    const below = tree[element]!;
    const sorted = ordered(below);
    if (sorted === below) continue;
    changed ??= { ...tree };
    changed[element] = sorted;
  }
  const result = changed ?? tree;
  if (inOrder) return result;
  return Object.fromEntries(Object.entries(result).sort(([a], [b]) => compareElements(a, b)));
}

const digit = /[\d-]/;

function compareElements(a: string, b: string): number {
  if (a.startsWith('f:') || b.startsWith('f:')) return compareText(a, b);
  // The order of texts is also that of values, except where two numbers differ: the port 80 comes before 443.
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  if (!digit.test(a[at] ?? '') || !digit.test(b[at] ?? '')) return compareText(a, b);
  return compareValues(valueIn(a), valueIn(b)) || compareText(a, b);
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const valueIn = (element: string): Json => parseStored(element.slice(2)) as Json;

/** 0 for values of two types, which have no order among themselves. */
function compareValues(a: Json | undefined, b: Json | undefined): number {
  if (isObject(a) && isObject(b)) {
    for (const key in a) {
      const order = compareValues(a[key], b[key]);
      if (order !== 0) return order;
    }
    return 0;
  }
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return typeof a === 'string' && typeof b === 'string' ? compareText(a, b) : 0;
}
