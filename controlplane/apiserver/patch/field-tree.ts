// Sets of field paths in the FieldsV1 form of managedFields, as trees: a node without children is a member of the set, and the key `.`
// marks a node with children as a member too. The empty set is undefined. Operations share the parts that do not change, so their cost is that of the smaller
// set. Pure.
import { parseStored } from '../../api/json-text';
import { BadRequest } from '../../base/errors';
import { isObject, type Json } from './json';

export interface FieldTree {
  readonly [element: string]: FieldTree;
}
type Building = Record<string, FieldTree>;

/** A field that is in the set and has nothing below it. Shared by all sets. */
export const member: FieldTree = Object.freeze({});

/** Marks the node that holds it as a member itself. */
export const self = '.';

const hasNothing = (tree: FieldTree): boolean => {
  for (const _ in tree) return false;
  return true;
};

/** Whether the field of this node is in the set, not only fields below it. */
export const isMember = (node: FieldTree): boolean => node[self] !== undefined || hasNothing(node);

/** The node of a field with these children: undefined when there are none and the field is no member. */
function nodeOf(children: Building): FieldTree | undefined {
  let keys = 0;
  for (const _ in children) if (++keys > 1) return children;
  if (keys === 0) return undefined;
  return children[self] ? member : children;
}

/** All fields of both sets; `a` itself when it has all of them. */
export function union(a: FieldTree | undefined, b: FieldTree): FieldTree;
export function union(a: FieldTree | undefined, b: FieldTree | undefined): FieldTree | undefined;
export function union(a: FieldTree | undefined, b: FieldTree | undefined): FieldTree | undefined {
  if (!a || !b) return a ?? b;
  if (a === b) return a;
  if (hasNothing(b)) return isMember(a) ? a : { [self]: member, ...a };
  if (hasNothing(a)) return isMember(b) ? b : { [self]: member, ...b };
  let result: Building | undefined;
  for (const element in b) {
    const ours = a[element];
    const both = ours === undefined ? b[element]! : union(ours, b[element]!);
    if (both === ours) continue;
    result ??= { ...a };
    result[element] = both;
  }
  return result ?? a;
}

/** The fields of `a` that `b` does not have: `a` itself when that is all of them, undefined when none is left. */
export function difference(a: FieldTree | undefined, b: FieldTree | undefined): FieldTree | undefined {
  if (!a || !b) return a;
  if (hasNothing(a)) return isMember(b) ? undefined : a;
  let result: Building | undefined;
  for (const element in b) {
    const ours = a[element];
    if (ours === undefined || element === self) continue;
    const rest = difference(ours, b[element]!);
    if (rest === ours) continue;
    result ??= { ...a };
    if (rest) result[element] = rest;
    else delete result[element];
  }
  if (a[self] && isMember(b)) {
    result ??= { ...a };
    delete result[self];
  }
  return result ? nodeOf(result) : a;
}

/** The fields that both sets have. */
export function intersection(a: FieldTree | undefined, b: FieldTree | undefined): FieldTree | undefined {
  if (!a || !b) return undefined;
  if (hasNothing(a)) return isMember(b) ? member : undefined;
  if (hasNothing(b)) return isMember(a) ? member : undefined;
  const result: Building = {};
  for (const element in b) {
    const ours = a[element];
    const both = intersection(ours, b[element]);
    if (both) result[element] = both;
  }
  return nodeOf(result);
}

/**
 * The fields of `a` that no owner of `b` needs: neither the field nor one below it. An element of a list is needed only by an owner of
 * the element itself, as upstream: its other fields are removed with it.
 */
export function apartFrom(a: FieldTree, b: FieldTree | undefined): FieldTree | undefined {
  if (!b) return a;
  const result: Building = {};
  for (const element in a) {
    if (element === self) continue;
    const ours = a[element]!;
    const theirs = b[element];
    const isLost = theirs && element.startsWith('k:') && isMember(ours) && !isMember(theirs);
    const apart = isLost ? member : apartFrom(ours, theirs);
    if (apart) result[element] = apart;
  }
  return hasNothing(result) ? undefined : result;
}

/** How many fields the set has. */
export function sizeOf(tree: FieldTree | undefined): number {
  if (!tree) return 0;
  let size = isMember(tree) ? 1 : 0;
  for (const element in tree) if (element !== self) size += sizeOf(tree[element]!);
  return size;
}

/** Calls `visit` with the elements of each path: at each level first the fields themselves, then what is below them, as upstream. */
export function eachPath(tree: FieldTree, visit: (elements: readonly string[]) => void, above: string[] = []): void {
  const elements = Object.keys(tree)
    .filter((element) => element !== self)
    .sort();
  for (const element of elements) if (isMember(tree[element]!)) visit([...above, element]);
  for (const element of elements) eachPath(tree[element]!, visit, [...above, element]);
}

const isScalar = (value: Json): boolean => typeof value !== 'object' || value === null;

function isElement(text: string): boolean {
  if (text.startsWith('f:') || /^i:\d+$/.test(text)) return true;
  if (!text.startsWith('k:') && !text.startsWith('v:')) return false;
  try {
    const value = parseStored(text.slice(2)) as Json;
    return text.startsWith('v:') || (isObject(value) && Object.values(value).every(isScalar));
  } catch {
    return false;
  }
}

/** A set that a client sent; undefined when it is empty. @throws BadRequest when it is malformed */
export function readFields(fields: unknown): FieldTree | undefined {
  const tree = fields ?? {};
  checkNode(tree as Json);
  return hasNothing(tree as FieldTree) ? undefined : (tree as FieldTree);
}

function checkNode(node: Json | undefined): void {
  if (!isObject(node)) throw new BadRequest('metadata.managedFields: fieldsV1 must be an object of objects');
  for (const key of Object.keys(node)) {
    if (key !== self && !isElement(key))
      throw new BadRequest(`metadata.managedFields: ${JSON.stringify(key)} is not a path element`);
    checkNode(node[key]);
  }
}

/** In the form of conflict messages: .spec.containers[name="a"].image */
export function formatPath(elements: readonly string[]): string {
  return elements
    .map((element) => {
      const rest = element.slice(2);
      if (element.startsWith('f:')) return `.${rest}`;
      if (element.startsWith('v:')) return `[=${rest}]`;
      if (element.startsWith('i:')) return `[${rest}]`;
      const keys = Object.entries(parseStored(rest) as Record<string, Json>);
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    })
    .join('');
}
