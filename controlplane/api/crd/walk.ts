// Walks over the schemas inside a schema. The order is that of JSONSchemaProps in messages: items, properties,
// additionalProperties, then the parts that only restrict values.
import type { Definition } from '../schema/schema';

export interface Child {
  /** `.properties[spec]`, `.items`, `.allOf[0]`. */
  readonly path: string;
  readonly schema: Definition;
  /** True below allOf, anyOf, oneOf and not: these parts restrict values, and define no fields. */
  readonly restricts: boolean;
}

export function childrenOf(schema: Definition): Child[] {
  const { items, properties, additionalProperties, allOf, anyOf, oneOf, not } = schema;
  const children: Child[] = [];
  const add = (path: string, value: unknown, restricts: boolean) => {
    if (isSchema(value)) children.push({ path, schema: value, restricts });
  };
  add('.items', items, false);
  for (const [key, value] of Object.entries(properties ?? {})) add(`.properties[${key}]`, value, false);
  add('.additionalProperties', additionalProperties, false);
  for (const [name, list] of Object.entries({ allOf, anyOf, oneOf })) {
    for (const [i, value] of (list ?? []).entries()) add(`.${name}[${i}]`, value, true);
  }
  add('.not', not, true);
  return children;
}

export const isSchema = (value: unknown): value is Definition =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a test is true for a schema or any schema inside it. */
export const anySchema = (schema: Definition, test: (schema: Definition) => boolean): boolean =>
  test(schema) || childrenOf(schema).some((child) => anySchema(child.schema, test));
