// The result of an applyConfiguration expression, merged into the object as server-side apply merges; no owner is recorded. Pure.
import type { FieldSchema, ObjectSchema } from '../../api/schema/schema';
import type { KubeObject } from '../../api/types';
import { CelMessage } from '../../cel/extensions/literals';
import { toJson } from '../../cel/to-json';
import { rootField } from '../patch/apply';
import { isObject, type Json, type JsonObject } from '../patch/json';
import { childSchema, mergeTyped, shapeOf } from '../patch/typed';
import { typedErrors } from '../patch/typed-errors';

/** @throws Error with upstream's text */
export function applyConfiguration(object: KubeObject, result: CelMessage, schema: ObjectSchema): KubeObject {
  checkTypes(result, result.type);
  const patch = { ...(toJson(result) as JsonObject), apiVersion: object.apiVersion ?? '', kind: object.kind ?? '' };
  const root = rootField(schema);
  const wrong = typedErrors(patch, root);
  if (wrong) throw new Error(`error applying patch: failed to convert patch object to typed object: ${wrong}`);
  const atomics = findAtomics(patch, root, '');
  if (atomics.length > 0) {
    const list = atomics.join(', ');
    throw new Error(
      `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${list}`,
    );
  }
  return mergeTyped(object as JsonObject, patch, root) as KubeObject;
}

/** Object.spec{} stands in field spec of Object{}: the check of types at creation does not know that. @throws Error */
export function checkTypes(value: unknown, expected: string): void {
  if (value instanceof CelMessage) {
    if (value.type !== expected) {
      throw new Error(
        `type mismatch: unexpected type name "${value.type}", expected "${expected}", which matches field name path from ` +
          'root Object type',
      );
    }
    for (const [field, inner] of value.fields) checkTypes(inner, `${expected}.${field}`);
  } else if (Array.isArray(value)) for (const inner of value) checkTypes(inner, expected);
}

/** A change of an atomic value would remove all parts that the expression does not name. */
function findAtomics(value: Json, schema: FieldSchema | undefined, path: string): string[] {
  if (!schema || typeof value !== 'object' || value === null) return [];
  const own = shapeOf(schema, value) === 'atomic' && path !== '' && schema.type !== 'any' ? [path] : [];
  const inner = isObject(value)
    ? Object.entries(value).flatMap(([key, one]) => findAtomics(one, childSchema(schema, key), `${path}.${key}`))
    : value.flatMap((one, i) => findAtomics(one, schema.items, `${path}[${i}]`));
  return [...own, ...inner];
}
