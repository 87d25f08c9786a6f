// Whether a value fits a JSON Schema of draft 2020-12: the words that schemas of this project use, and an error for every other one.

export interface JsonSchema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean;
  readonly items?: JsonSchema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
}

const words = new Set(
  '$schema $id $ref $defs title description type const enum required properties additionalProperties items minimum maximum pattern'.split(
    ' ',
  ),
);
const typeOf = (value: unknown): string =>
  Array.isArray(value) ? 'array' : value === null ? 'null' : Number.isInteger(value) ? 'integer' : typeof value;

/** What does not fit, each with its place. @throws Error for a schema with a word that is not known here */
export function schemaErrors(
  value: unknown,
  schema: JsonSchema,
  root: JsonSchema = schema,
  at = '$',
): readonly string[] {
  const unknown = Object.keys(schema).filter((word) => !words.has(word));
  if (unknown.length > 0) throw new Error(`${at}: the schema has ${unknown.join(', ')}, which is not known here`);
  const errors = [...ofReference(value, schema, root, at)];
  if (schema.type !== undefined && schema.type !== typeOf(value))
    return [...errors, `${at}: ${typeOf(value)}, not ${schema.type}`];
  if ('const' in schema && value !== schema.const) errors.push(`${at}: not ${JSON.stringify(schema.const)}`);
  if (schema.enum && !schema.enum.includes(value)) errors.push(`${at}: none of ${schema.enum.join(', ')}`);
  if (typeof value === 'number' && (value < (schema.minimum ?? value) || value > (schema.maximum ?? value)))
    errors.push(`${at}: ${value} is out of range`);
  if (typeof value === 'string' && schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value))
    errors.push(`${at}: does not match ${schema.pattern}`);
  if (Array.isArray(value) && schema.items)
    errors.push(...value.flatMap((item, i) => schemaErrors(item, schema.items!, root, `${at}[${i}]`)));
  if (typeOf(value) === 'object') errors.push(...ofObject(value as Record<string, unknown>, schema, root, at));
  return errors;
}

function ofReference(value: unknown, { $ref }: JsonSchema, root: JsonSchema, at: string): readonly string[] {
  if ($ref === undefined) return [];
  const target = root.$defs?.[$ref.replace('#/$defs/', '')];
  if (target === undefined) throw new Error(`${at}: the schema has no ${$ref}`);
  return schemaErrors(value, target, root, at);
}

function ofObject(
  value: Readonly<Record<string, unknown>>,
  { properties = {}, required = [], additionalProperties = true }: JsonSchema,
  root: JsonSchema,
  at: string,
): readonly string[] {
  const fields = Object.entries(value);
  return [
    ...required.filter((name) => !Object.hasOwn(value, name)).map((name) => `${at}: ${name} is missing`),
    ...fields.flatMap(([name, field]) => {
      if (Object.hasOwn(properties, name)) return schemaErrors(field, properties[name]!, root, `${at}.${name}`);
      return additionalProperties ? [] : [`${at}: ${name} is not known`];
    }),
  ];
}
