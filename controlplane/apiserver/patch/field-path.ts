// Paths to single fields as server-side apply names them, and sets of such paths in the FieldsV1 form of managedFields.
// A path is its elements joined by a character no element contains: `f:spec`, `k:{"name":"a"}`, `v:"x"`.
import { BadRequest } from '../../base/errors';
import { isObject, type Json, type JsonObject, setKey } from './json';

export type FieldPath = string;
export type FieldSet = ReadonlySet<FieldPath>;

const separator = '\u0000';
/** Marks the object that holds it as a member itself. */
const self = '.';

/** @throws BadRequest for an element with the separator, which would read as two elements: no key or value of the API has it */
export function joinPath(parent: FieldPath, element: string): FieldPath {
  if (element.includes(separator)) throw new BadRequest(`a field must not contain NUL: ${JSON.stringify(element)}`);
  return parent === '' ? element : parent + separator + element;
}
export const splitPath = (path: FieldPath): string[] => path.split(separator);
/** True when `path` lies below `ancestor`. */
export const isBelow = (path: FieldPath, ancestor: FieldPath): boolean => path.startsWith(ancestor + separator);

export const without = (set: FieldSet, other: FieldSet): Set<FieldPath> =>
  new Set([...set].filter((path) => !other.has(path)));
export const union = (set: FieldSet, other: FieldSet): Set<FieldPath> => new Set([...set, ...other]);
export const sameFields = (set: FieldSet, other: FieldSet): boolean =>
  set.size === other.size && [...set].every((path) => other.has(path));

/** `path` and every path above it, for each of `paths`. */
export function withAncestors(paths: Iterable<FieldPath>): Set<FieldPath> {
  const all = new Set<FieldPath>();
  for (const path of paths) {
    // Stop at a known path: all paths above it are known too.
    for (let at = path; at !== '' && !all.has(at); at = at.slice(0, Math.max(0, at.lastIndexOf(separator))))
      all.add(at);
  }
  return all;
}

/** In the form of conflict messages: .spec.containers[name="a"].image */
export function formatPath(path: FieldPath): string {
  return splitPath(path)
    .map((element) => {
      const rest = element.slice(2);
      if (element.startsWith('f:')) return `.${rest}`;
      if (element.startsWith('v:')) return `[=${rest}]`;
      if (element.startsWith('i:')) return `[${rest}]`;
      const keys = Object.entries(JSON.parse(rest) as JsonObject);
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    })
    .join('');
}

/** The trie of FieldsV1, keys sorted. */
export function encodeFields(set: FieldSet): JsonObject {
  const root: JsonObject = {};
  for (const path of [...set].sort()) {
    let node = root;
    for (const element of splitPath(path)) {
      const next = Object.hasOwn(node, element) ? node[element] : undefined;
      const inner = isObject(next) ? next : {};
      if (inner !== next) setKey(node, element, inner);
      node = inner;
    }
    // Only an inner node needs the mark that it is a member; a leaf always is one.
    node[self] = {};
  }
  return trimLeaves(root);
}

function trimLeaves(node: JsonObject): JsonObject {
  const keys = Object.keys(node);
  if (keys.length === 1 && keys[0] === self) return {};
  return Object.fromEntries(keys.map((key) => [key, key === self ? {} : trimLeaves(node[key] as JsonObject)]));
}

function isElement(text: string): boolean {
  if (text.includes(separator)) return false;
  if (text.startsWith('f:') || /^i:\d+$/.test(text)) return true;
  if (!text.startsWith('k:') && !text.startsWith('v:')) return false;
  try {
    const value = JSON.parse(text.slice(2)) as Json;
    if (text.startsWith('v:')) return true;
    return isObject(value) && Object.values(value).every((key) => typeof key !== 'object' || key === null);
  } catch {
    return false;
  }
}

/** @throws BadRequest for an invalid trie */
export function decodeFields(fields: Json | undefined): Set<FieldPath> {
  const set = new Set<FieldPath>();
  const walk = (node: Json | undefined, path: FieldPath) => {
    if (!isObject(node)) throw new BadRequest('metadata.managedFields: fieldsV1 must be an object of objects');
    const keys = Object.keys(node);
    if (keys.length === 0 && path !== '') set.add(path);
    for (const key of keys) {
      if (key === self) set.add(path);
      else if (!isElement(key))
        throw new BadRequest(`metadata.managedFields: ${JSON.stringify(key)} is not a path element`);
      else walk(node[key], joinPath(path, key));
    }
  };
  walk(fields ?? {}, '');
  return set;
}
