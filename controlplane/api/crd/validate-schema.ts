// The rules of an openAPIV3Schema.
import type { FieldCause } from '../../base/errors';
import type { Definition } from '../schema/schema';
import { invalid } from '../validation/causes';
import { Pattern, PatternError } from './pattern/pattern';
import { childrenOf } from './walk';

/**
 * Levels of schemas inside each other. Upstream has no such bound, only that of its JSON decoder; but every walk over a schema and
 * over objects is recursive. Pod templates, the deepest of public definitions, have about twenty levels.
 */
export const maxSchemaDepth = 100;

export function validateSchema(schema: Definition, field: string): FieldCause[] {
  if (depthOf(schema, maxSchemaDepth) > maxSchemaDepth) {
    return [invalid(field, '', `must have at most ${maxSchemaDepth} levels`)];
  }
  return patternCauses(schema, field);
}

function patternCauses(schema: Definition, field: string): FieldCause[] {
  const causes = childrenOf(schema).flatMap((child) => patternCauses(child.schema, field + child.path));
  const { pattern } = schema;
  if (!pattern) return causes;
  try {
    new Pattern(pattern);
    return causes;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    const detail = `must be a valid regular expression, but isn't: ${error.message}`;
    return [...causes, invalid(`${field}.pattern`, pattern, detail)];
  }
}

/** Stops below `limit`: the schema may have as many levels as JSON. */
function depthOf(schema: Definition, limit: number): number {
  if (limit < 0) return 1;
  return 1 + Math.max(0, ...childrenOf(schema).map((child) => depthOf(child.schema, limit - 1)));
}
