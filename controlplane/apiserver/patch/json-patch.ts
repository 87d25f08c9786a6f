// JSON patch, RFC 6902, over JSON pointers, RFC 6901. The messages are upstream's: users of kubectl search for them.
import { maxJsonDepth, maxJsonValues, tooDeep } from '../../api/json-text';
import { BadRequest, Invalid, TooLarge } from '../../base/errors';
import { depthOf, isObject, type Json, type JsonObject, jsonEqual, setKey, valuesIn } from './json';

/** More operations than this in one patch are refused, as upstream does. */
export const maxJsonPatchOperations = 10_000;
/** Copies may add this much JSON to a document, as upstream allows: each copy can double it. */
const maxCopiedBytes = 3 * 1024 * 1024;
/** A bound per patch: list elements shifted, and objects and lists counted again. */
const maxWork = 25_000_000;
/** Characters of a path or an operation in a message; both may be megabytes long. */
const maxShown = 1_000;

interface Operation {
  readonly op?: string;
  readonly path?: string;
  readonly from?: string;
  readonly value?: Json;
}

/** The full message for a patch that does not apply. kubectl shows it unchanged when the details have no causes. */
export const patchRejected = 'the server rejected our request due to an error in our request';

/** A new document. @throws BadRequest for a malformed patch or a result too deep, Invalid when an operation does not apply */
export function applyJsonPatch(original: JsonObject, patch: Json): JsonObject {
  const operations = decode(patch);
  const limits = new PatchLimits(depthOf(original));
  let document: Json = structuredClone(original);
  for (const operation of operations) document = applyOne(document, operation, limits);
  if (!isObject(document)) throw rejected('the patch leaves no object');
  return document;
}

/** Counts what one patch has used of the bounds that keep its cost linear. */
class PatchLimits {
  private copied = 0;
  private copiedValues = 0;
  private work = 0;

  /** `depth` is never less than the depth of the document; counting it again after each operation would be quadratic. */
  constructor(private depth: number) {}

  /** @throws Invalid */
  copy(value: Json): void {
    this.copiedValues += valuesIn(value);
    if (this.copiedValues > maxJsonValues) throw rejected('the patch copies too many fields and items');
    this.copied += JSON.stringify(value).length;
    if (this.copied <= maxCopiedBytes) return;
    throw rejected(
      `Unable to complete the copy, the accumulated size increase of copy is ${this.copied}, exceeding the limit ${maxCopiedBytes}`,
    );
  }

  /** @throws Invalid */
  shift(elements: number): void {
    this.work += elements;
    if (this.work > maxWork) throw rejected('the patch inserts into and removes from long lists too many times');
  }

  /** Records a new value of this depth at `path`. @throws BadRequest */
  placed(document: Json, path: string, depth: number): void {
    this.depth = Math.max(this.depth, levelsOf(path) + depth);
    if (this.depth <= maxJsonDepth) return;
    this.depth = depthOf(document, () => this.shift(1));
    if (this.depth > maxJsonDepth) throw tooDeep();
  }

  /** No value at `path` is deeper than this. */
  below(path: string): number {
    return Math.max(0, this.depth - levelsOf(path));
  }
}

const levelsOf = (path: string): number => path.split('/').length - 1;

function decode(patch: Json): Operation[] {
  if (!Array.isArray(patch)) throw undecodable(patch, 'value', '[]handlers.jsonPatchOp');
  if (patch.length > maxJsonPatchOperations) {
    throw new TooLarge(
      `The allowed maximum operations in a JSON patch is ${maxJsonPatchOperations}, got ${patch.length}`,
    );
  }
  return patch.map((operation) => {
    if (!isObject(operation)) throw undecodable(operation, 'value', 'handlers.jsonPatchOp');
    for (const key of ['op', 'path', 'from']) {
      const text = operation[key] ?? '';
      if (typeof text !== 'string') throw undecodable(text, `struct field jsonPatchOp.${key}`, 'string');
    }
    return operation as unknown as Operation;
  });
}

function undecodable(value: Json, target: string, type: string): BadRequest {
  const found = Array.isArray(value) ? 'array' : value === null ? 'null' : isObject(value) ? 'object' : typeof value;
  return new BadRequest(
    `error decoding patch: json: cannot unmarshal ${found === 'boolean' ? 'bool' : found} into Go ${target} of type ${type}`,
  );
}

/** kube-apiserver does not report why a patch does not apply; the cause is for debugging this server. */
const rejected = (why: string): Invalid => new Invalid(patchRejected, [], { cause: new Error(why.slice(0, maxShown)) });

function applyOne(document: Json, { op = '', path, from, value }: Operation, limits: PatchLimits): Json {
  if (path === undefined) throw rejected(`${op} operation has no path`);
  switch (op) {
    case 'add': {
      const added = present(op, path, value);
      const result = add(document, path, added, { op, limits });
      limits.placed(result, path, depthOf(added));
      return result;
    }
    case 'remove':
      return remove(document, path, { op, limits }).document;
    case 'replace': {
      const replaced = replace(document, path, present(op, path, value));
      limits.placed(replaced, path, depthOf(value));
      return replaced;
    }
    case 'move': {
      const depth = limits.below(source(op, from));
      const taken = remove(document, source(op, from), { op, limits });
      const moved = add(taken.document, path, taken.value, { op, limits });
      limits.placed(moved, path, depth);
      return moved;
    }
    case 'copy': {
      const depth = limits.below(source(op, from));
      const copied = readOrAbsent(document, source(op, from), op) ?? null;
      limits.copy(copied);
      const result = add(document, path, structuredClone(copied), { op, limits });
      limits.placed(result, path, depth);
      return result;
    }
    case 'test':
      return test(document, path, value ?? null);
    default:
      throw rejected(`Unexpected kind: ${op.slice(0, maxShown)}`);
  }
}

function present(op: string, path: string, value: Json | undefined): Json {
  if (value === undefined) throw rejected(`${op} operation for path ${JSON.stringify(path)} has no value`);
  return value;
}

function source(op: string, from: string | undefined): string {
  if (typeof from !== 'string') throw rejected(`unable to decode from: ${op} operation has no from`);
  return from;
}

function test(document: Json, path: string, expected: Json): Json {
  // A missing value equals null for test, and nothing else. An error made for each of 10,000 tests would cost too much.
  const found = expected === null ? (find(document, path) ?? null) : read(document, path, 'test');
  if (!jsonEqual(found, expected)) throw rejected(`testing value ${path} failed: test failed`);
  return document;
}

function tokens(path: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw rejected(`invalid JSON pointer ${JSON.stringify(path)}: it must start with /`);
  return path
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function locate(document: Json, path: string, op: string): { parent: Json[] | JsonObject; key: string } {
  const steps = tokens(path);
  const key = steps.pop();
  if (key === undefined) throw rejected(`${op} operation cannot address the whole document`);
  // As Go's library: only a replacement shows the path without quotation marks.
  const shown = op === 'replace' ? path : JSON.stringify(path);
  const missing = () => rejected(`${op} operation does not apply: doc is missing path: ${shown}: missing value`);
  let parent: Json | undefined = document;
  for (const step of steps) {
    parent = child(parent, step);
    if (parent === undefined) throw missing();
  }
  // An operation on the whole document may have left a scalar.
  if (!isObject(parent) && !Array.isArray(parent)) throw missing();
  return { parent, key };
}

function child(parent: Json, key: string): Json | undefined {
  if (Array.isArray(parent)) return /^(0|[1-9]\d*)$/.test(key) ? parent[Number(key)] : undefined;
  return isObject(parent) && Object.hasOwn(parent, key) ? parent[key] : undefined;
}

function arrayIndex(list: Json[], key: string, path: string, op: string, max = list.length - 1): number {
  const index = Number(key);
  if (!/^(0|[1-9]\d*)$/.test(key) || index > max) {
    throw rejected(`${op} operation does not apply: doc is missing path: ${path}: missing value`);
  }
  return index;
}

function read(document: Json, path: string, op: string): Json {
  if (path === '') return document;
  const { parent, key } = locate(document, path, op);
  const value = child(parent, key);
  if (value === undefined) throw rejected(`${op} operation does not apply: doc is missing key: ${path}: missing value`);
  return value;
}

/** Undefined for a missing member of an object, which Go's library replaces and copies like one that is null. */
function readOrAbsent(document: Json, path: string, op: string): Json | undefined {
  if (path === '' || Array.isArray(locate(document, path, op).parent)) return read(document, path, op);
  return find(document, path);
}

/** Undefined for a missing value, also for a malformed pointer. */
function find(document: Json, path: string): Json | undefined {
  if (path !== '' && !path.startsWith('/')) return undefined;
  let value: Json | undefined = document;
  for (const step of tokens(path)) {
    if (value === undefined) return undefined;
    value = child(value, step);
  }
  return value;
}

interface Step {
  readonly op: string;
  readonly limits: PatchLimits;
}

function replace(document: Json, path: string, value: Json): Json {
  const op = 'replace';
  readOrAbsent(document, path, op);
  if (path === '') return value;
  const { parent, key } = locate(document, path, op);
  if (Array.isArray(parent)) parent[arrayIndex(parent, key, path, op)] = value;
  else setKey(parent, key, value);
  return document;
}

function add(document: Json, path: string, value: Json, { op, limits }: Step): Json {
  if (path === '') return value;
  const { parent, key } = locate(document, path, op);
  if (!Array.isArray(parent)) setKey(parent, key, value);
  else if (key === '-') parent.push(value);
  else {
    const at = arrayIndex(parent, key, path, op, parent.length);
    limits.shift(parent.length - at);
    parent.splice(at, 0, value);
  }
  return document;
}

function remove(document: Json, path: string, { op, limits }: Step): { document: Json; value: Json } {
  const value = read(document, path, op);
  const { parent, key } = locate(document, path, op);
  if (Array.isArray(parent)) {
    const at = arrayIndex(parent, key, path, op);
    limits.shift(parent.length - at);
    parent.splice(at, 1);
  } else delete parent[key];
  return { document, value };
}
