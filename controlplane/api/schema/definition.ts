// Converts the openAPIV3Schema of a CustomResourceDefinition to a schema of the same form as those of built-in kinds. Its rules
// for values (minimum, pattern, defaults of fields) are not included: these are `validate` and `defaults` of the kind.
import type { Definition, FieldSchema, NamedSchema, ObjectSchema } from './schema';

/** The parts of every object that the definition may omit. */
export interface RootParts {
  readonly name: string;
  readonly metadata: ObjectSchema;
}

/** The schema of a complete object. */
export function readDefinition(definition: Definition, { name, metadata }: RootParts): NamedSchema {
  const root = readObject(definition);
  const typeMeta: Record<string, FieldSchema> = { apiVersion: { type: 'string' }, kind: { type: 'string' } };
  return { ...root, name, fields: { ...root.fields, ...typeMeta, metadata: { type: 'object', object: metadata } } };
}

function readObject(definition: Definition): ObjectSchema {
  const { properties = {}, required, description } = definition;
  const described = Object.entries(properties).flatMap(([key, { description: text }]) => (text ? [[key, text]] : []));
  const isOpen = definition['x-kubernetes-preserve-unknown-fields'] || definition['x-kubernetes-embedded-resource'];
  return {
    fields: Object.fromEntries(Object.entries(properties).map(([key, one]) => [key, readField(one)])),
    ...(required?.length ? { required } : {}),
    ...(definition['x-kubernetes-map-type'] === 'atomic' ? { atomic: true } : {}),
    ...(isOpen ? { open: true } : {}),
    unstructured: true,
    texts: Object.fromEntries([['', description ?? ''], ...described]),
  };
}

function readField(definition: Definition): FieldSchema {
  const { default: value } = definition;
  const isScalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return isScalar ? { ...readType(definition), default: value } : readType(definition);
}

function readType(definition: Definition): FieldSchema {
  const { type, format, items = {}, properties, additionalProperties: values } = definition;
  if (definition['x-kubernetes-int-or-string']) return { type: 'intOrString' };
  switch (type) {
    case 'array':
      return { type, items: readField(items), ...listMarkers(definition) };
    case 'object': {
      const isMap = !properties && values !== undefined && values !== false;
      if (!isMap) return { type, object: readObject(definition) };
      const atomic = definition['x-kubernetes-map-type'] === 'atomic' ? { mapType: 'atomic' as const } : {};
      return { type: 'map', items: values === true ? { type: 'any' } : readField(values), ...atomic };
    }
    case 'integer':
      return { type, format: format ?? 'int64' };
    case 'number':
    case 'boolean':
    case 'string':
      return { type, ...(format === undefined ? {} : { format }) };
    default:
      return { type: 'any' };
  }
}

function listMarkers(definition: Definition): Pick<FieldSchema, 'listType' | 'listMapKeys'> {
  const listType = definition['x-kubernetes-list-type'];
  const listMapKeys = definition['x-kubernetes-list-map-keys'];
  const known = listType === 'atomic' || listType === 'set' || listType === 'map';
  return { ...(known ? { listType } : {}), ...(listMapKeys ? { listMapKeys } : {}) };
}
