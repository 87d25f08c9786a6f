// JSON patch, RFC 6902, over JSON pointers, RFC 6901. The messages are those users of kubectl search for.
import { AppError, BadRequest, Invalid } from '../../base/errors';
import { isObject, type Json, type JsonObject, jsonEqual, setKey } from './json';

/** More operations than this in one patch are refused, as upstream does. */
export const maxJsonPatchOperations = 10_000;

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: Json;
}

/** What every 422 of a patch begins with. Without causes in the details kubectl shows the message as it is. */
export const patchRejected = 'the server rejected our request due to an error in our request';

/** A new document. @throws BadRequest for a malformed patch, Invalid when an operation does not apply */
export function applyJsonPatch(original: JsonObject, patch: Json): JsonObject {
  const operations = decode(patch);
  let document: Json = structuredClone(original);
  for (const operation of operations) document = applyOne(document, operation);
  if (!isObject(document)) throw rejected('the patch leaves no object');
  return document;
}

function decode(patch: Json): Operation[] {
  if (!Array.isArray(patch)) {
    const found = patch === null ? 'null' : isObject(patch) ? 'object' : typeof patch;
    throw new BadRequest(`json: cannot unmarshal ${found} into Go value of type jsonpatch.Patch`);
  }
  if (patch.length > maxJsonPatchOperations) {
    throw new AppError(
      'BadRequest',
      `The allowed maximum operations in a JSON patch is ${maxJsonPatchOperations}, got ${patch.length}`,
      { details: { httpStatus: 413, reason: 'RequestEntityTooLarge' } },
    );
  }
  return patch.map((operation) => {
    if (!isObject(operation) || typeof operation.op !== 'string' || typeof operation.path !== 'string') {
      throw new BadRequest(`jsonpatch operation needs "op" and "path": ${JSON.stringify(operation)}`);
    }
    return operation as unknown as Operation;
  });
}

const rejected = (cause: string): Invalid => new Invalid(`${patchRejected}: ${cause}`, []);

function applyOne(document: Json, { op, path, from, value }: Operation): Json {
  switch (op) {
    case 'add':
      return add(document, path, present(op, path, value), op);
    case 'remove':
      return remove(document, path, op).document;
    case 'replace': {
      read(document, path, op);
      if (path === '') return present(op, path, value);
      const { parent, key } = locate(document, path, op);
      if (Array.isArray(parent)) parent[arrayIndex(parent, key, path, op)] = present(op, path, value);
      else setKey(parent, key, present(op, path, value));
      return document;
    }
    case 'move': {
      const taken = remove(document, source(op, from), op);
      return add(taken.document, path, taken.value, op);
    }
    case 'copy':
      return add(document, path, structuredClone(read(document, source(op, from), op)), op);
    case 'test':
      return test(document, path, value ?? null);
    default:
      throw rejected(`Unexpected kind: ${op}`);
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
  let found: Json;
  try {
    found = read(document, path, 'test');
  } catch (err) {
    // A missing value equals null for test, and nothing else.
    if (expected !== null) throw err;
    found = null;
  }
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
  let parent: Json = document;
  for (const step of steps) {
    const next: Json | undefined = child(parent, step);
    if (next === undefined || (!isObject(next) && !Array.isArray(next))) {
      throw rejected(`${op} operation does not apply: doc is missing path: ${JSON.stringify(path)}: missing value`);
    }
    parent = next;
  }
  return { parent: parent as Json[] | JsonObject, key };
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

function add(document: Json, path: string, value: Json, op: string): Json {
  if (path === '') return value;
  const { parent, key } = locate(document, path, op);
  if (!Array.isArray(parent)) setKey(parent, key, value);
  else if (key === '-') parent.push(value);
  else parent.splice(arrayIndex(parent, key, path, op, parent.length), 0, value);
  return document;
}

function remove(document: Json, path: string, op: string): { document: Json; value: Json } {
  const value = read(document, path, op);
  const { parent, key } = locate(document, path, op);
  if (Array.isArray(parent)) parent.splice(arrayIndex(parent, key, path, op), 1);
  else delete parent[key];
  return { document, value };
}
