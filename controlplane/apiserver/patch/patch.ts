// The three patch formats as one function: applies a PATCH request to an object, which is decoded again afterwards.
import type { ObjectSchema } from '../../api/schema/schema';
import { BadRequest, Unsupported } from '../../base/errors';
import { isObject, type Json, type JsonObject } from './json';
import { applyJsonPatch } from './json-patch';
import { applyMergePatch } from './merge-patch';
import { applyStrategicMergePatch } from './strategic';

export const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/**
 * Applies `patch` (the parsed body) of media type `type` to `original`, which is not changed. The
 * schema says which lists a strategic merge patch merges by key.
 * @throws BadRequest for a malformed patch, Invalid (HTTP 422) when it does not apply, Unsupported (HTTP 415) for a
 * media type that is none of the three; server-side apply has its own function.
 */
export function applyPatch<T extends object>(type: string, original: T, patch: unknown, schema: ObjectSchema): T {
  const document = original as JsonObject;
  switch (type) {
    case patchTypes.json:
      return applyJsonPatch(document, patch as Json) as T;
    case patchTypes.merge:
      return applyMergePatch(document, patchObject(patch, 'error decoding patch: ')) as T;
    case patchTypes.strategic:
      return applyStrategicMergePatch(document, patchObject(patch, ''), schema) as T;
    default:
      throw new Unsupported(
        'the body of the request was in an unknown format - accepted media types include: ' +
          Object.values(patchTypes).join(', '),
      );
  }
}

function patchObject(patch: unknown, prefix: string): JsonObject {
  if (!isObject(patch as Json)) {
    const found = Array.isArray(patch) ? 'array' : patch === null ? 'null' : typeof patch;
    throw new BadRequest(
      `${prefix}json: cannot unmarshal ${found === 'boolean' ? 'bool' : found} into Go value of type map[string]interface {}`,
    );
  }
  return patch as JsonObject;
}
