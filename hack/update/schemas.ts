// Writes dist/schemas.json and dist/schema-docs.json: the schemas of every served kind, from the models of
// @kubernetes/client-node and the table of list types. Run by the build, and by the test runner when they are missing or old.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isReadable } from '../../controlplane/api/kind';
import { registry } from '../../controlplane/api/registry';
import { schemaDocsFile, schemasFile } from '../../controlplane/api/schema/load';
import {
  type FieldEntry,
  listModelOf,
  type ObjectEntry,
  type SchemaDocs,
  type SchemaFile,
} from '../../controlplane/api/schema/schema';
import { virtualKinds } from '../../controlplane/api/virtual';
import { embedded, namedTypes } from './go-names';
import { atomicLists, atomicTypes, fieldMarkers, freeTypes, type Marker, quantities } from './list-types';
import { hasModel, type ModelField, readModel } from './models';
import { definitionName, type TypeName, typeOfModel } from './packages';
import { zeroOf } from './zeros';

export interface Generated {
  readonly schemas: SchemaFile;
  readonly docs: SchemaDocs;
}

/** The API's answers other than the kinds themselves. */
const wireModels = [
  'V1Status',
  'V1DeleteOptions',
  'V1APIResourceList',
  'V1APIGroup',
  'V1APIGroupList',
  'V1APIVersions',
];

function modelsDirectory(): string {
  return join(dirname(require.resolve('@kubernetes/client-node')), 'gen', 'models');
}

/** @throws Error when a model is missing or a table entry names a field that is not there */
export function generateSchemas(directory: string = modelsDirectory()): Generated {
  const definitions: Record<string, ObjectEntry> = {};
  const docs: Record<string, Record<string, string>> = {};
  const models: Record<string, string> = {};
  const pending = [...rootModels(directory)];
  for (let model = pending.pop(); model !== undefined; model = pending.pop()) {
    if (models[model] !== undefined) continue;
    const typeName = typeOfModel(model);
    const name = definitionName(typeName);
    const source = readModel(directory, model);
    models[model] = name;
    definitions[name] = objectSchema(typeName, source.fields, (reference) => {
      pending.push(reference);
      return definitionName(typeOfModel(reference));
    });
    docs[name] = Object.fromEntries([
      ['', source.description],
      ...source.fields.filter((field) => field.description !== '').map((field) => [field.name, field.description]),
    ]);
  }
  return { schemas: { definitions: sorted(definitions), models: sorted(models) }, docs: sorted(docs) };
}

function rootModels(directory: string): string[] {
  const readable = [...registry, ...virtualKinds.filter(isReadable)].flatMap(({ options: { schema } }) =>
    'model' in schema ? [schema.model, listModelOf(schema)] : [],
  );
  const requested = virtualKinds.flatMap(({ options: { schema } }) => ('model' in schema ? [schema.model] : []));
  const all = [...readable, ...requested, ...wireModels];
  for (const model of all) {
    if (!hasModel(directory, model)) throw new Error(`@kubernetes/client-node has no model ${model}`);
  }
  return all;
}

const sorted = <T>(record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

type Refer = (model: string) => string;

function objectSchema(typeName: TypeName, fields: readonly ModelField[], refer: Refer): ObjectEntry {
  const { pkg, type } = typeName;
  checkTables(typeName, new Set(fields.map((field) => field.name)));
  const required = fields.filter((field) => field.required).map((field) => field.name);
  return {
    fields: Object.fromEntries(
      fields.map((field) => [
        field.name,
        goField(typeName, field, { ...fieldSchema(typeName, field, refer), ...markerOf(typeName, field.name) }),
      ]),
    ),
    ...(required.length > 0 ? { required } : {}),
    ...(words(atomicTypes[pkg]).includes(type) ? { atomic: true as const } : {}),
  };
}

const words = (text: string | undefined): string[] => (text === undefined ? [] : text.split(' '));

function markerOf({ pkg, type }: TypeName, field: string): Marker {
  const atomic = words(atomicLists[pkg]?.[type]).includes(field) ? { listType: 'atomic' as const } : {};
  return { ...atomic, ...fieldMarkers[pkg]?.[`${type}.${field}`] };
}

/** Adds what Go's type says about the field: its names in messages, and whether its zero value means that it is absent or the reverse. */
function goField({ pkg, type }: TypeName, { name, required }: ModelField, schema: FieldEntry): FieldEntry {
  // Most amounts are pointers in Go; these are values.
  const isAmount = schema.type === 'quantity' && name === 'value' && (type === 'Counter' || type === 'DeviceCapacity');
  const zero = isScalar(schema) || isAmount ? zeroOf(definitionName({ pkg, type }), name, required) : undefined;
  const goType = typeNames.get(`${pkg} ${type}.${name}`);
  const ofItems = /^(?:\[\]|map\[string\])(.*)$/.exec(goType ?? '')?.[1];
  const struct = Object.entries(embedded[pkg]?.[type] ?? {}).find(([, fields]) => words(fields).includes(name))?.[0];
  return {
    ...schema,
    ...(ofItems !== undefined
      ? { items: { ...schema.items!, goType: ofItems } }
      : goType === undefined
        ? {}
        : { goType }),
    ...(struct === undefined ? {} : { embedded: struct }),
    ...(zero === undefined ? {} : { zero }),
  };
}

/** The name in Go of the type of each field that has one. */
const typeNames: ReadonlyMap<string, string> = new Map(
  Object.entries(namedTypes).flatMap(([pkg, types]) =>
    Object.entries(types).flatMap(([goType, fields]) =>
      words(fields).map((field) => [`${pkg} ${field}`, goType] as const),
    ),
  ),
);

function checkTables({ pkg, type }: TypeName, fields: ReadonlySet<string>): void {
  const keys = [
    ...Object.keys(fieldMarkers[pkg] ?? {}),
    ...Object.keys(freeTypes[pkg] ?? {}),
    ...Object.values(namedTypes[pkg] ?? {}).flatMap(words),
  ];
  const marked = keys.filter((key) => key.startsWith(`${type}.`));
  const named = [
    ...marked.map((key) => key.slice(type.length + 1)),
    ...words(atomicLists[pkg]?.[type]),
    ...words(quantities[pkg]?.[type]),
    ...Object.values(embedded[pkg]?.[type] ?? {}).flatMap(words),
  ];
  for (const name of named) {
    if (!fields.has(name)) throw new Error(`a table in hack/update names ${pkg}.${type}.${name}, which is not a field`);
  }
}

function fieldSchema({ pkg, type }: TypeName, field: ModelField, refer: Refer): FieldEntry {
  const schema = typeSchema(field.type, field.format, refer);
  const free = freeTypes[pkg]?.[`${type}.${field.name}`];
  if (free) {
    const any = { type: 'any' as const, format: free.name, ...(free.schema ? { ref: refer(free.schema) } : {}) };
    return schema.items ? { ...schema, items: any } : any;
  }
  if (!words(quantities[pkg]?.[type]).includes(field.name)) return schema;
  const { type: form } = schema;
  return form === 'map' || form === 'array' ? { type: form, items: { type: 'quantity' } } : { type: 'quantity' };
}

const scalarTypes: ReadonlySet<string> = new Set(['string', 'integer', 'number', 'boolean']);
const isScalar = ({ type, format = '' }: FieldEntry): boolean =>
  scalarTypes.has(type) && !format.startsWith('date-time');

const scalars: Readonly<Record<string, FieldEntry['type']>> = { string: 'string', boolean: 'boolean', any: 'any' };

function typeSchema(type: string, format: string, refer: Refer): FieldEntry {
  const array = /^Array<(.*)>$/.exec(type);
  if (array) return { type: 'array', items: typeSchema(array[1]!, format, refer) };
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
  if (map) return { type: 'map', items: typeSchema(map[1]!, format, refer) };
  if (type === 'IntOrString') return { type: 'intOrString' };
  if (type === 'Date' || type === 'V1MicroTime') return { type: 'string', format: format || 'date-time' };
  if (type === 'number') return numberSchema(format);
  const scalar = scalars[type];
  if (scalar) return format === '' ? { type: scalar } : { type: scalar, format };
  return { type: 'object', ref: refer(type) };
}

function numberSchema(format: string): FieldEntry {
  if (format === 'double') return { type: 'number', format };
  return { type: 'integer', format: format === '' ? 'int64' : format };
}

/** Writes both files into `directory`; each replaces the old file in one step, so that a reader never sees half a file. */
export function writeSchemas(directory: string): void {
  const { schemas, docs } = generateSchemas();
  mkdirSync(directory, { recursive: true });
  for (const [file, content] of [
    [schemasFile, schemas],
    [schemaDocsFile, docs],
  ] as const) {
    const temporary = join(directory, `.${file}.${process.pid}`);
    writeFileSync(temporary, JSON.stringify(content));
    renameSync(temporary, join(directory, file));
  }
}

if (require.main === module) {
  const directory = process.argv[2] ?? join(__dirname, '..', '..', 'dist');
  writeSchemas(directory);
  process.stdout.write(`schemas written to ${directory}\n`);
}
