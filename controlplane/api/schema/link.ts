// Links the definitions of the generated file: each object gets the schemas of the objects inside it.
import { AppError } from '../../base/errors';
import type { FieldEntry, FieldSchema, NamedSchema, SchemaFile } from './schema';

interface Unlinked extends NamedSchema {
  readonly fields: Record<string, FieldSchema>;
}

/** All definitions by name; they may contain themselves. @throws AppError for a reference to an unknown name */
export function linkDefinitions({ definitions }: SchemaFile): ReadonlyMap<string, NamedSchema> {
  const linked = new Map<string, Unlinked>();
  for (const [name, entry] of Object.entries(definitions)) linked.set(name, { ...entry, name, fields: {} });
  for (const [name, { fields }] of Object.entries(definitions)) {
    const target = linked.get(name)!.fields;
    for (const [key, field] of Object.entries(fields)) target[key] = linkField(field, linked);
  }
  return linked;
}

function linkField(field: FieldEntry, linked: ReadonlyMap<string, NamedSchema>): FieldSchema {
  const { ref, items, ...rest } = field;
  if (ref === undefined && items === undefined) return rest;
  const object = ref === undefined ? undefined : linked.get(ref);
  if (ref !== undefined && !object) throw new AppError('Internal', `the schemas have no definition ${ref}`);
  return { ...rest, ...(object ? { object } : {}), ...(items ? { items: linkField(items, linked) } : {}) };
}
