// Schemas in OpenAPI form, for both versions: they differ only in the target of references and in how a reference has a
// description.
import { isCustom, isReadable, type Kind } from '../../api/kind';
import type { FieldSchema, NamedSchema, ObjectSchema, SchemaDocs } from '../../api/schema/schema';
import type { SchemaSet } from '../../api/schema/schema-set';
import type { GroupVersionKind } from '../discovery/resources';
import { renderCustom } from './custom';
import { enumOf } from './enums';
import { fieldText } from './field-texts';

/** One schema of an OpenAPI document, as plain JSON. */
export interface OpenApiSchema {
  [key: string]: unknown;
}
export type Dialect = 'v2' | 'v3';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const time = `${meta}.Time`;
const microTime = `${meta}.MicroTime`;
const fieldsV1 = `${meta}.FieldsV1`;
const quantity = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const intOrString = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';
const apiextensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

/** Types that are no single JSON type: they have no `type`, so that clients accept any value. */
const freeDefinitions: Readonly<Record<string, OpenApiSchema>> = {
  [`${apiextensions}.CustomResourceSubresourceStatus`]: { description: 'An empty object that enables /status.' },
  [`${apiextensions}.JSON`]: { description: 'Any JSON value.' },
  [`${apiextensions}.JSONSchemaPropsOrArray`]: { description: 'A schema or a list of schemas.' },
  [`${apiextensions}.JSONSchemaPropsOrBool`]: { description: 'A schema or a boolean.' },
  [`${apiextensions}.JSONSchemaPropsOrStringArray`]: { description: 'A schema or a list of names.' },
};

/** Types that are plain strings in the models; clients look for their names. */
export function scalarDefinitions(dialect: Dialect): Record<string, OpenApiSchema> {
  const either = { oneOf: [{ type: 'string' }, { type: 'integer' }], format: 'int-or-string' };
  return {
    [time]: { description: 'A moment in RFC 3339 form, with whole seconds.', type: 'string', format: 'date-time' },
    [microTime]: { description: 'A moment in RFC 3339 form, with microseconds.', type: 'string', format: 'date-time' },
    [fieldsV1]: { description: 'A set of fields as a trie in JSON form.', type: 'object' },
    [quantity]: {
      description: 'A fixed-point number with a suffix: 500m, 1.5Gi, 2e3.',
      ...(dialect === 'v2' ? { type: 'string' } : { oneOf: [{ type: 'string' }, { type: 'number' }] }),
    },
    [intOrString]: {
      description: 'A number or a string, for instance a port by number or name.',
      ...(dialect === 'v2' ? { type: 'string', format: 'int-or-string' } : either),
    },
    ...freeDefinitions,
  };
}

const wireTypes: Readonly<Record<string, string>> = {
  quantity,
  intOrString,
  any: fieldsV1,
  'date-time': time,
  'date-time-micro': microTime,
};

/** The definition a field refers to; undefined for an object without a name, which is rendered in place. */
function referenceOf({ type, format, object }: FieldSchema): string | undefined {
  if (type === 'any' && format !== undefined) return `${apiextensions}.${format}`;
  return object?.name ?? wireTypes[type] ?? wireTypes[format ?? ''];
}

export interface DefinitionSource {
  readonly docs: SchemaDocs;
  /** The kinds that have a definition as their body. */
  kindsOf(schema: ObjectSchema): readonly GroupVersionKind[] | undefined;
}

/**
 * The named schemas and everything they refer to, each name once; the first schema of a name wins. Types without a schema are
 * reported by their names. A generator, so that the caller can pause between two steps.
 */
export function* reachable(roots: Iterable<NamedSchema>): Generator<NamedSchema | string> {
  const names = new Set<string>();
  const scalars = new Set<string>();
  const pending: ObjectSchema[] = [...roots].reverse();
  for (let schema = pending.pop(); schema !== undefined; schema = pending.pop()) {
    if (schema.name !== undefined) {
      if (names.has(schema.name)) continue;
      names.add(schema.name);
      yield schema as NamedSchema;
    }
    for (const field of Object.values(schema.fields)) gather(field, pending, scalars);
  }
  yield* scalars;
}

/** The objects inside a field, and the names of the scalars that have a definition. */
function gather(field: FieldSchema, objects: ObjectSchema[], scalars: Set<string>): void {
  if (field.object && field.type !== 'any') objects.push(field.object);
  else {
    const reference = referenceOf(field);
    if (reference !== undefined) scalars.add(reference);
  }
  if (field.items) gather(field.items, objects, scalars);
}

export function renderDefinition(schema: NamedSchema, source: DefinitionSource, dialect: Dialect): OpenApiSchema {
  if (!schema.definition) return renderObject(schema, source, dialect);
  // The definition has all other fields.
  const { metadata } = schema.fields;
  const rendered = renderObject({ fields: { metadata: metadata! } }, source, dialect);
  const kinds = source.kindsOf(schema);
  return {
    ...renderCustom(schema.definition, (rendered['properties'] as Record<string, OpenApiSchema>)['metadata']!, dialect),
    ...(kinds ? { 'x-kubernetes-group-version-kind': kinds } : {}),
  };
}

function renderObject(schema: ObjectSchema, source: DefinitionSource, dialect: Dialect): OpenApiSchema {
  const { name = '' } = schema;
  const { docs } = source;
  const texts = schema.texts ?? docs[name] ?? {};
  const kinds = source.kindsOf(schema);
  const properties = Object.entries(schema.fields).map(([key, field]) => {
    const own = texts[key] ?? (field.type === 'object' ? fieldText(name, key) : undefined);
    const rendered = renderField(field, own ?? firstSentence(descriptionOf(field.object, docs)), source, dialect);
    const values = enumOf(name, key);
    return [key, values ? withEnum(rendered, values) : rendered] as const;
  });
  return {
    description: texts[''] ?? '',
    ...(schema.required ? { required: schema.required } : {}),
    type: 'object',
    properties: Object.fromEntries(properties),
    ...(kinds ? { 'x-kubernetes-group-version-kind': kinds } : {}),
    ...(schema.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    ...(schema.open ? { 'x-kubernetes-preserve-unknown-fields': true } : {}),
  };
}

function withEnum(schema: OpenApiSchema, values: readonly string[]): OpenApiSchema {
  return schema['type'] === 'array'
    ? { ...schema, items: { ...(schema['items'] as OpenApiSchema), enum: values } }
    : { ...schema, enum: values };
}

const descriptionOf = (schema: ObjectSchema | undefined, docs: SchemaDocs): string | undefined =>
  schema && (schema.texts ?? docs[schema.name ?? ''])?.[''];

/** The text of references that field-texts.ts lacks: the first sentence of their type's description. */
const firstSentence = (text = ''): string => /^.*?\.(?=\s|$)/s.exec(text)?.[0] ?? text;

function renderField(
  field: FieldSchema,
  description: string,
  source: DefinitionSource,
  dialect: Dialect,
): OpenApiSchema {
  return {
    ...(description === '' ? {} : { description }),
    ...renderType(field, source, dialect, description !== ''),
    ...(field.default === undefined ? {} : { default: field.default }),
    ...(field.listMapKeys ? { 'x-kubernetes-list-map-keys': field.listMapKeys } : {}),
    ...(field.listType ? { 'x-kubernetes-list-type': field.listType } : {}),
    ...(field.mapType ? { 'x-kubernetes-map-type': field.mapType } : {}),
    ...(field.patchMergeKey ? { 'x-kubernetes-patch-merge-key': field.patchMergeKey } : {}),
    ...(field.patchStrategy ? { 'x-kubernetes-patch-strategy': field.patchStrategy } : {}),
  };
}

const refRoot: Readonly<Record<Dialect, string>> = { v2: '#/definitions/', v3: '#/components/schemas/' };

export const referTo = (name: string, dialect: Dialect): OpenApiSchema => ({ $ref: refRoot[dialect] + name });

/** Version 3 forbids other keys next to $ref, so a reference with a description goes into an allOf. */
function renderType(field: FieldSchema, source: DefinitionSource, dialect: Dialect, described: boolean): OpenApiSchema {
  const reference = referenceOf(field);
  if (reference !== undefined) {
    const link = referTo(reference, dialect);
    return dialect === 'v3' && described ? { allOf: [link] } : link;
  }
  switch (field.type) {
    case 'object': {
      // The field has this description already.
      const { description: _, ...rest } = renderObject(field.object!, source, dialect);
      return rest;
    }
    case 'array':
      return { type: 'array', items: renderType(field.items!, source, dialect, false) };
    case 'map':
      return { type: 'object', additionalProperties: renderType(field.items!, source, dialect, false) };
    default:
      return { type: field.type, ...(field.format ? { format: field.format } : {}) };
  }
}

export type BodyKinds = Map<ObjectSchema, GroupVersionKind[]>;

/**
 * Per definition: the kinds that have it as their body, also as the body of their list. As upstream, DeleteOptions name no custom kinds: so
 * the documents of built-in kinds stay as they are when custom kinds come and go.
 */
export function kindsByDefinition(kinds: readonly Kind[], schemas: SchemaSet): BodyKinds {
  const result: BodyKinds = new Map();
  const options = schemas.ofModel('V1DeleteOptions');
  for (const served of kinds) {
    addBodies(result, served, schemas);
    const { group, version } = served;
    if (!isCustom(served)) add(result, options, { group, version, kind: 'DeleteOptions' });
  }
  add(result, schemas.ofModel('V1Status'), { group: '', version: 'v1', kind: 'Status' });
  result.set(options, unique(result.get(options) ?? []));
  return result;
}

/** Adds the definitions of one kind and its list. */
export function addBodies(to: BodyKinds, kind: Kind, schemas: SchemaSet): void {
  const gvk = { group: kind.group, version: kind.version, kind: kind.kind };
  add(to, schemas.of(kind), gvk);
  if (isReadable(kind)) add(to, schemas.ofList(kind), { ...gvk, kind: `${kind.kind}List` });
}

function add(to: BodyKinds, schema: ObjectSchema, gvk: GroupVersionKind): void {
  const known = to.get(schema);
  if (known) known.push(gvk);
  else to.set(schema, [gvk]);
}

function unique(kinds: readonly GroupVersionKind[]): GroupVersionKind[] {
  return [...new Map(kinds.map((gvk) => [`${gvk.group}/${gvk.version}`, gvk])).values()];
}
