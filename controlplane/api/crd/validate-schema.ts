// The rules of the openAPIV3Schema of a version. Its rules in CEL are compiled by the API server (apiserver/crd/rules).
import type { FieldCause } from '../../base/errors';
import type { Definition } from '../schema/schema';
import { invalid, maxCauses } from '../validation/causes';
import { rootCauses, validateOpenApi } from './openapi-rules';
import { validateStructural } from './structural';
import { validateDefaults } from './validate-defaults';
import { childrenOf } from './walk';

/**
 * Levels of schemas inside each other. Upstream has no such bound, only that of its JSON decoder; but every walk over a schema and
 * over objects is recursive. Pod templates, the deepest of public definitions, have about twenty levels.
 */
export const maxSchemaDepth = 100;

/** `hasStatus`: the version has the status subresource. */
export function validateSchema(schema: Definition, field: string, hasStatus: boolean): FieldCause[] {
  if (depthOf(schema, maxSchemaDepth) > maxSchemaDepth) {
    return [invalid(field, '', `must have at most ${maxSchemaDepth} levels`)];
  }
  const structural = validateStructural(schema, field);
  const { causes } = validateOpenApi(schema, field);
  return [
    ...rootCauses(schema, field, hasStatus),
    ...structural,
    // A default is compared with a schema whose structure is known.
    ...(structural.length === 0 ? validateDefaults(schema, field) : []),
    ...causes,
  ].slice(0, maxCauses);
}

/** Stops below `limit`: the schema may have as many levels as JSON. */
function depthOf(schema: Definition, limit: number): number {
  if (limit < 0) return 1;
  let inner = 0;
  for (const child of childrenOf(schema)) inner = Math.max(inner, depthOf(child.schema, limit - 1));
  return 1 + inner;
}
