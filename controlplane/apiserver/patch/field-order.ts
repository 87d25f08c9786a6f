// The order of the fields in a set of metadata.managedFields: `.` first, then by name; elements of a list by the values of their keys.
// A client that decodes a set and encodes it again gets the same bytes. Pure. Source: sigs.k8s.io/structured-merge-diff, fieldpath.
import type { FieldTree } from './field-tree';
import { isObject, type Json } from './json';

/** The same set with its fields in order; the tree itself when it is in order. Reads each element once. */
export function ordered(tree: FieldTree): FieldTree {
  const elements: Element[] = [];
  let inOrder = true;
  let changed: Record<string, FieldTree> | undefined;
  for (const text in tree) {
    const element = readElement(text);
    const last = elements.at(-1);
    if (last && compareElements(last, element) > 0) inOrder = false;
    elements.push(element);
    const below = tree[text]!;
    const sorted = ordered(below);
    if (sorted === below) continue;
    changed ??= { ...tree };
    changed[text] = sorted;
  }
  const result = changed ?? tree;
  if (inOrder) return result;
  return Object.fromEntries(elements.sort(compareElements).map(({ text }) => [text, result[text]!]));
}

interface Element {
  readonly text: string;
  /** Of an element of a list: its keys or its value. */
  readonly value?: Json;
}

/** f:NAME, k:KEYS, v:VALUE, i:INDEX or a dot. */
const readElement = (text: string): Element =>
  /^[kvi]:/.test(text) ? { text, value: JSON.parse(text.slice(2)) } : { text };

function compareElements(a: Element, b: Element): number {
  const values = a.value === undefined || b.value === undefined ? 0 : compareValues(a.value, b.value);
  return values || compareText(a.text, b.text);
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

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
