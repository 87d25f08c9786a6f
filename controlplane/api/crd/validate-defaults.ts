// Whether the defaults in a schema fit the schema: they have no unknown field, and their values follow the rules.
import type { FieldCause } from '../../base/errors';
import type { Definition } from '../schema/schema';
import { invalid } from '../validation/causes';
import { pruned } from './prune';
import { validateValue } from './validate-value';
import { isSchema } from './walk';

/** `schema` is structural. Defaults below additionalProperties are not checked, as upstream. */
export function validateDefaults(schema: Definition, field: string): FieldCause[] {
  const { default: value, items, properties = {} } = schema;
  const causes: FieldCause[] = [];
  if (value !== undefined && value !== null) causes.push(...defaultCauses(value, schema, `${field}.default`));
  if (isSchema(items)) causes.push(...validateDefaults(items, `${field}.items`));
  for (const [key, property] of Object.entries(properties)) {
    causes.push(...validateDefaults(property, `${field}.properties[${key}]`));
  }
  return causes;
}

function defaultCauses(value: unknown, schema: Definition, field: string): FieldCause[] {
  const unknown = pruned(value, schema) === value ? [] : [invalid(field, value, 'must not have unknown fields')];
  return [...unknown, ...validateValue(value, schema, { field })];
}
