// Schemas in OpenAPI form, for both versions: they differ only in the target of references and in how a reference has a
// description.
import { isCustom, isReadable, type Kind } from '../../api/kind';
import type { FieldSchema, NamedSchema, ObjectSchema, SchemaDocs } from '../../api/schema/schema';
import type { SchemaSet } from '../../api/schema/schema-set';
import type { GroupVersionKind } from '../discovery/resources';
import { fieldOrder } from '../protobuf/messages';
import { listOfCustom, renderCustom } from './custom';
import { defaultOf, elementDefault } from './defaults';
import { enumOf } from './enums';
import { fieldText } from './field-texts';
import { unionsOf } from './unions';

/** One schema of an OpenAPI document, as plain JSON. */
export interface OpenApiSchema {
  [key: string]: unknown;
}
export type Dialect = 'v2' | 'v3';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const time = `${meta}.Time`;
const microTime = `${meta}.MicroTime`;
const fieldsV1 = `${meta}.FieldsV1`;
const rawExtension = 'io.k8s.apimachinery.pkg.runtime.RawExtension';
const quantity = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const intOrString = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';
const apiextensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

/** Types that are no single JSON type: they have no `type`, so that clients accept any value. */
const freeDefinitions: Readonly<Record<string, OpenApiSchema>> = {
  [`${apiextensions}.CustomResourceSubresourceStatus`]: {
    description: 'An empty object that enables /status.',
    type: 'object',
  },
  [`${apiextensions}.JSON`]: { description: 'Any JSON value.' },
  [`${apiextensions}.JSONSchemaPropsOrArray`]: { description: 'A schema or a list of schemas.' },
  [`${apiextensions}.JSONSchemaPropsOrBool`]: { description: 'A schema or a boolean.' },
  [`${apiextensions}.JSONSchemaPropsOrStringArray`]: { description: 'A schema or a list of names.' },
};

/** Types that are plain strings in the models; clients look for their names. */
export function scalarDefinitions(dialect: Dialect): Record<string, OpenApiSchema> {
  const either = { oneOf: [{ type: 'integer' }, { type: 'string' }], format: 'int-or-string' };
  return {
    [time]: { description: 'A moment in RFC 3339 form, with whole seconds.', type: 'string', format: 'date-time' },
    [microTime]: { description: 'A moment in RFC 3339 form, with microseconds.', type: 'string', format: 'date-time' },
    [fieldsV1]: { description: 'A set of fields as a trie in JSON form.', type: 'object' },
    [rawExtension]: { description: 'An object of any kind.', type: 'object' },
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
  any: rawExtension,
  'date-time': time,
  'date-time-micro': microTime,
};

/** The definition a field refers to; undefined for an object without a name, which is rendered in place. */
function referenceOf({ type, format, object }: FieldSchema, key = ''): string | undefined {
  if (key === 'fieldsV1') return fieldsV1;
  if (type === 'any' && format !== undefined) return `${apiextensions}.${format}`;
  return object?.name ?? wireTypes[type] ?? wireTypes[format ?? ''];
}

export interface DefinitionSource {
  readonly docs: SchemaDocs;
  /** The kinds that have a definition as their body. */
  kindsOf(schema: ObjectSchema): readonly GroupVersionKind[] | undefined;
  /** The paths of the fields by which objects of a custom kind can be selected; the same for the definition of its list. */
  selectableOf?(schema: ObjectSchema): readonly string[] | undefined;
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
    for (const [key, field] of Object.entries(schema.fields)) gather(key, field, pending, scalars);
  }
  yield* scalars;
}

/** The objects inside a field, and the names of the scalars that have a definition. */
function gather(key: string, field: FieldSchema, objects: ObjectSchema[], scalars: Set<string>): void {
  if (field.object && field.type !== 'any') objects.push(field.object);
  else {
    const reference = referenceOf(field, key);
    if (reference !== undefined) scalars.add(reference);
  }
  if (field.items) gather('', field.items, objects, scalars);
}

export function renderDefinition(schema: NamedSchema, source: DefinitionSource, dialect: Dialect): OpenApiSchema {
  // Custom objects have a name.
  const item = schema.fields['items']?.items?.object as NamedSchema | undefined;
  if (item?.definition) return renderCustomList(schema, item, source, dialect);
  if (!schema.definition) return renderObject(schema, source, dialect);
  // The definition has all other fields.
  const { metadata } = schema.fields;
  const rendered = renderObject({ fields: { metadata: metadata! } }, source, dialect);
  return {
    ...renderCustom(schema.definition, (rendered['properties'] as Record<string, OpenApiSchema>)['metadata']!, dialect),
    ...customExtensions(schema, source),
  };
}

function renderCustomList(
  schema: NamedSchema,
  item: NamedSchema,
  source: DefinitionSource,
  dialect: Dialect,
): OpenApiSchema {
  return {
    ...listOfCustom(schema.texts ?? {}, referTo(item.name, dialect), described(listMetadata, dialect)),
    ...customExtensions(schema, source),
  };
}

const listMetadata = 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta';
const described = (name: string, dialect: Dialect): OpenApiSchema =>
  dialect === 'v3' ? { allOf: [referTo(name, dialect)] } : referTo(name, dialect);

function customExtensions(schema: NamedSchema, source: DefinitionSource): OpenApiSchema {
  const kinds = source.kindsOf(schema);
  const selectable = source.selectableOf?.(schema);
  return {
    ...(kinds ? { 'x-kubernetes-group-version-kind': kinds } : {}),
    ...(selectable ? { 'x-kubernetes-selectable-fields': selectable.map((fieldPath) => ({ fieldPath })) } : {}),
  };
}

function renderObject(schema: ObjectSchema, source: DefinitionSource, dialect: Dialect): OpenApiSchema {
  const { name = '' } = schema;
  const texts = schema.texts ?? source.docs[name] ?? {};
  const kinds = source.kindsOf(schema);
  const properties = Object.entries(schema.fields).map(([key, field]) => {
    const placed = { owner: name, key, field };
    const rendered = renderField(placed, textOf(placed, texts, source.docs), source, dialect);
    const values = enumOf(name, key);
    return [key, values ? withEnum(rendered, values) : rendered] as const;
  });
  const unions = unionsOf(name);
  return {
    description: texts[''] ?? '',
    ...(schema.required ? { required: inGoOrder(name, schema.required) } : {}),
    type: 'object',
    ...(properties.length > 0 ? { properties: Object.fromEntries(properties) } : {}),
    ...(kinds ? { 'x-kubernetes-group-version-kind': kinds } : {}),
    ...(schema.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    ...(schema.open ? { 'x-kubernetes-preserve-unknown-fields': true } : {}),
    ...(unions ? { 'x-kubernetes-unions': unions } : {}),
  };
}

/** References that upstream describes only by their type. By definition. */
const undescribed: Readonly<Record<string, readonly string[]>> = {
  [`${apiextensions}.JSONSchemaProps`]: [
    'additionalItems',
    'additionalProperties',
    'example',
    'externalDocs',
    'items',
    'not',
  ],
  'io.k8s.api.certificates.v1.CertificateSigningRequest': ['metadata'],
  'io.k8s.api.certificates.v1.CertificateSigningRequestList': ['metadata'],
  'io.k8s.api.networking.v1.IngressRule': ['http'],
};

/** Types whose numbers in protobuf have another order than their fields in Go. */
const goOrders: Readonly<Record<string, readonly string[]>> = {
  'io.k8s.api.networking.v1.HTTPIngressPath': ['path', 'pathType', 'backend'],
  [`${meta}.APIResource`]: ['name', 'singularName', 'namespaced', 'kind', 'verbs'],
  [`${meta}.OwnerReference`]: ['apiVersion', 'kind', 'name', 'uid'],
};

/** As Go declares the fields, which mostly is the order of their numbers in protobuf. Fields without a number come last. */
function inGoOrder(owner: string, required: readonly string[]): readonly string[] {
  const order = goOrders[owner] ?? fieldOrder(owner);
  if (!order) return required;
  const place = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...required].sort((a, b) => place(a) - place(b));
}

function withEnum(schema: OpenApiSchema, values: readonly string[]): OpenApiSchema {
  for (const inside of ['items', 'additionalProperties']) {
    if (schema[inside]) return { ...schema, [inside]: { ...(schema[inside] as OpenApiSchema), enum: values } };
  }
  return { ...schema, enum: values };
}

const descriptionOf = (schema: ObjectSchema | undefined, docs: SchemaDocs): string | undefined =>
  schema && (schema.texts ?? docs[schema.name ?? ''])?.[''];

/** The first sentence of a type's description is the text of references that field-texts.ts lacks. */
const firstSentence = (text = ''): string => /^.*?\.(?=\s|$)/s.exec(text)?.[0] ?? text;

interface PlacedField {
  /** The definition that has the field; '' for an object without a name. */
  readonly owner: string;
  readonly key: string;
  readonly field: FieldSchema;
}

function textOf({ owner, key, field }: PlacedField, texts: Readonly<Record<string, string>>, docs: SchemaDocs): string {
  if (undescribed[owner]?.includes(key)) return '';
  const own = texts[key] ?? (field.type === 'object' ? fieldText(owner, key) : undefined);
  return own ?? firstSentence(descriptionOf(field.object, docs));
}

function renderField(
  { owner, key, field }: PlacedField,
  description: string,
  source: DefinitionSource,
  dialect: Dialect,
): OpenApiSchema {
  const value = dialect === 'v3' && owner !== '' ? defaultOf(owner, key, field) : undefined;
  const listType = field.listType ?? listTypeOf(owner, field, key);
  return {
    ...(description === '' ? {} : { description }),
    ...renderType(field, source, dialect, { accompanied: description !== '' || value !== undefined, key }),
    ...(value === undefined ? {} : { default: value }),
    ...(field.listMapKeys ? { 'x-kubernetes-list-map-keys': field.listMapKeys } : {}),
    ...(listType ? { 'x-kubernetes-list-type': listType } : {}),
    ...(field.mapType ? { 'x-kubernetes-map-type': field.mapType } : {}),
    ...(field.patchMergeKey ? { 'x-kubernetes-patch-merge-key': field.patchMergeKey } : {}),
    ...(field.patchStrategy ? { 'x-kubernetes-patch-strategy': field.patchStrategy } : {}),
  };
}

/** Documents about the API: upstream names the type of each of their lists, though nothing is applied to them. */
const documents: ReadonlySet<string> = new Set(
  ['APIGroup', 'APIGroupList', 'APIResource', 'APIResourceList', 'APIVersions'].map((name) => `${meta}.${name}`),
);

/** Upstream also marks one text of bytes, which is a list in Go, as a list. */
function listTypeOf(owner: string, { type }: FieldSchema, key: string): string | undefined {
  const isList = documents.has(owner) ? type === 'array' : key === 'caBundle' && owner.endsWith('.APIServiceSpec');
  return isList ? 'atomic' : undefined;
}

const refRoot: Readonly<Record<Dialect, string>> = { v2: '#/definitions/', v3: '#/components/schemas/' };

export const referTo = (name: string, dialect: Dialect): OpenApiSchema => ({ $ref: refRoot[dialect] + name });

/**
 * Version 3 forbids other keys next to $ref, so a reference that is accompanied by a text or a default goes into an allOf.
 */
function renderType(
  field: FieldSchema,
  source: DefinitionSource,
  dialect: Dialect,
  { accompanied, key = '' }: { readonly accompanied: boolean; readonly key?: string },
): OpenApiSchema {
  const reference = referenceOf(field, key);
  if (reference !== undefined) {
    const link = referTo(reference, dialect);
    return dialect === 'v3' && accompanied ? { allOf: [link] } : link;
  }
  switch (field.type) {
    case 'object': {
      // The field has this description already.
      const { description: _, ...rest } = renderObject(field.object!, source, dialect);
      return rest;
    }
    case 'array':
      return { type: 'array', items: renderElement(field.items!, source, dialect) };
    case 'map':
      return { type: 'object', additionalProperties: renderElement(field.items!, source, dialect) };
    default:
      return { type: field.type, ...(field.format ? { format: field.format } : {}) };
  }
}

function renderElement(element: FieldSchema, source: DefinitionSource, dialect: Dialect): OpenApiSchema {
  const value = dialect === 'v3' ? elementDefault(element) : undefined;
  const rendered = renderType(element, source, dialect, { accompanied: value !== undefined });
  return value === undefined ? rendered : { ...rendered, default: value };
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
  for (const kind of ['APIGroup', 'APIGroupList', 'APIResourceList', 'APIVersions', 'Status']) {
    add(result, schemas.ofModel(`V1${kind}`), { group: '', version: 'v1', kind });
  }
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
