// JSON merge patch, RFC 7386: objects merge, null deletes, everything else replaces.
import { isObject, type Json, type JsonObject, setKey } from './json';

/** A new object; untouched parts are shared with `original`. */
export function applyMergePatch(original: JsonObject, patch: JsonObject): JsonObject {
  return merge(original, patch) as JsonObject;
}

function merge(original: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result: JsonObject = isObject(original) ? { ...original } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setKey(result, key, merge(Object.hasOwn(result, key) ? result[key] : undefined, value));
  }
  return result;
}
