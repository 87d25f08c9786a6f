// JSON patch, RFC 6902, over JSON pointers, RFC 6901. The messages are upstream's: users of kubectl search for them.
import { maxJsonDepth, maxJsonValues, tooDeep } from '../../api/json-text';
import { BadRequest, TooLarge } from '../../base/errors';
import { depthOf, isObject, type Json, type JsonObject, jsonEqual, valuesIn } from './json';
import { IndexError, insertAt, type Place, placeOf, removeAt, setAt, valueAt } from './json-pointer';
import { ObjectIsList, PatchRejected } from './rejected';

/** More operations than this in one patch are refused, as upstream does. */
export const maxJsonPatchOperations = 10_000;
/** Copies may add this much JSON to a document, as upstream allows: each copy can double it. */
const maxCopiedBytes = 3 * 1024 * 1024;
/** A bound per patch: list elements shifted, and objects and lists counted again. */
const maxWork = 25_000_000;

interface Operation {
  readonly op?: string | null;
  readonly path?: string | null;
  readonly from?: string | null;
  readonly value?: Json;
}

/** A new document. @throws BadRequest for a malformed patch or a result too deep, PatchRejected when an operation does not apply */
export function applyJsonPatch(original: JsonObject, patch: Json): JsonObject {
  const operations = decode(patch);
  const limits = new PatchLimits(depthOf(original));
  let document: Json = structuredClone(original);
  for (const operation of operations) document = applyOne(document, operation, limits);
  if (Array.isArray(document)) throw new ObjectIsList(document);
  return document as JsonObject;
}

/** Counts what one patch has used of the bounds that keep its cost linear. */
class PatchLimits {
  private copied = 0;
  private copiedValues = 0;
  private work = 0;

  /** `depth` is never less than the depth of the document; counting it again after each operation would be quadratic. */
  constructor(private depth: number) {}

  /** @throws PatchRejected */
  copy(value: Json): void {
    this.copiedValues += valuesIn(value);
    if (this.copiedValues > maxJsonValues) throw rejected('the patch copies too many fields and items');
    this.copied += JSON.stringify(value).length;
    if (this.copied <= maxCopiedBytes) return;
    throw rejected(
      `Unable to complete the copy, the accumulated size increase of copy is ${this.copied}, exceeding the limit ${maxCopiedBytes}`,
    );
  }

  /** @throws PatchRejected */
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

/** As Go decodes: null is an empty list, and an operation without fields. */
function decode(patch: Json): Operation[] {
  if (patch === null) return [];
  if (!Array.isArray(patch)) throw undecodable(patch, 'value', '[]handlers.jsonPatchOp');
  if (patch.length > maxJsonPatchOperations) {
    throw new TooLarge(
      `The allowed maximum operations in a JSON patch is ${maxJsonPatchOperations}, got ${patch.length}`,
    );
  }
  return patch.map((operation) => {
    if (operation === null) return {};
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

const rejected = (why: string): PatchRejected => new PatchRejected(why);

function applyOne(document: Json, operation: Operation, limits: PatchLimits): Json {
  const { op, path, value } = operation;
  if (typeof path !== 'string') throw rejected(op ? `${op} operation has no path` : 'Unexpected kind: unknown');
  // Go's library writes null for a value that is absent.
  const given = value ?? null;
  switch (op) {
    case 'add':
      add(document, path, given, limits);
      limits.placed(document, path, depthOf(given));
      return document;
    case 'remove':
      remove(document, path, limits);
      return document;
    case 'replace': {
      const replaced = replace(document, path, given);
      limits.placed(replaced, path, depthOf(given));
      return replaced;
    }
    case 'move': {
      const from = source(operation);
      const depth = limits.below(from);
      move(document, from, path, limits);
      limits.placed(document, path, depth);
      return document;
    }
    case 'copy': {
      const from = source(operation);
      const depth = limits.below(from);
      copy(document, from, path, limits);
      limits.placed(document, path, depth);
      return document;
    }
    case 'test':
      test(document, path, given);
      return document;
    default:
      throw rejected(`Unexpected kind: ${op || 'unknown'}`);
  }
}

function source({ op, from }: Operation): string {
  if (typeof from !== 'string')
    throw rejected(`${op} operation failed to decode from: operation, missing from field: missing value`);
  return from;
}

/** @throws PatchRejected */
function located(document: Json, path: string, missing: string): Place {
  const place = placeOf(document, path);
  if (!place) throw rejected(`${missing}: missing value`);
  return place;
}

/** Runs `use`, and says where when a list has no such index. @throws PatchRejected */
function at<T>(where: string, use: () => T): T {
  try {
    return use();
  } catch (err) {
    throw err instanceof IndexError ? rejected(`${where}: ${err.message}`) : err;
  }
}

function add(document: Json, path: string, value: Json, limits: PatchLimits): void {
  const place = located(document, path, `add operation does not apply: doc is missing path: "${path}"`);
  at(`error in add for path: '${path}'`, () => insertAt(place, value, (count) => limits.shift(count)));
}

function remove(document: Json, path: string, limits: PatchLimits): void {
  const place = located(document, path, `remove operation does not apply: doc is missing path: "${path}"`);
  take(place, `error in remove for path: '${path}'`, limits);
}

function take(place: Place, where: string, limits: PatchLimits): void {
  const isThere = at(where, () => removeAt(place, (count) => limits.shift(count)));
  if (!isThere) throw rejected(`${where}: Unable to remove nonexistent key: ${place.key}: missing value`);
}

/** The new document. A missing member of an object is replaced like one that is null. */
function replace(document: Json, path: string, value: Json): Json {
  if (path === '') {
    if (isObject(value) || Array.isArray(value)) return value;
    throw rejected('replace operation value must be object or array');
  }
  const place = located(document, path, `replace operation does not apply: doc is missing path: ${path}`);
  try {
    setAt(place, value);
  } catch (err) {
    if (!(err instanceof IndexError)) throw err;
    throw rejected(`replace operation does not apply: doc is missing key: ${path}: missing value`);
  }
  return document;
}

function move(document: Json, from: string, path: string, limits: PatchLimits): void {
  const place = located(document, from, `move operation does not apply: doc is missing from path: ${from}`);
  const where = `error in move for path: '${place.key}'`;
  const value = at(where, () => valueAt(place)) ?? null;
  take(place, where, limits);
  const target = located(document, path, `move operation does not apply: doc is missing destination path: ${path}`);
  at(`error in move for path: '${path}'`, () => insertAt(target, value, (count) => limits.shift(count)));
}

/** A missing member of an object is copied as null. */
function copy(document: Json, from: string, path: string, limits: PatchLimits): void {
  const place = located(document, from, `copy operation does not apply: doc is missing from path: ${from}`);
  const value = at(`error in copy for from: '${from}'`, () => valueAt(place)) ?? null;
  const target = located(document, path, `copy operation does not apply: doc is missing destination path: ${path}`);
  limits.copy(value);
  const copied = structuredClone(value);
  at('error while adding value during copy', () => insertAt(target, copied, (count) => limits.shift(count)));
}

/** A missing member of an object equals null. @throws PatchRejected */
function test(document: Json, path: string, expected: Json): void {
  const found = path === '' ? document : memberFor(document, path);
  if (!jsonEqual(found ?? null, expected)) throw rejected(`testing value ${path} failed: test failed`);
}

function memberFor(document: Json, path: string): Json | undefined {
  const place = located(document, path, `test operation does not apply: is missing path: ${path}`);
  return at(`error in test for path: '${path}'`, () => valueAt(place));
}
