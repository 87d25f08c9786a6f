// Converts the openAPIV3Schema of a CustomResourceDefinition to a schema of the same form as those of built-in kinds. Its rules
// for values (minimum, pattern, defaults of fields) are not included: these are `validate` and `defaults` of the kind.
import type { Definition, FieldSchema, NamedSchema, ObjectSchema } from './schema';

/** The parts of every object that the definition may omit. */
export interface RootParts {
  readonly name: string;
  readonly metadata: ObjectSchema;
  readonly lenient?: boolean;
}

/** The schema of a complete object. */
export function readDefinition(definition: Definition, parts: RootParts): NamedSchema {
  const root = new Reader(parts).object(definition);
  return { ...root, name: parts.name, definition, fields: { ...root.fields, ...metaFields(parts) } };
}

/** The schema of a value inside an object. */
export const readField = (definition: Definition, parts: Omit<RootParts, 'name'>): FieldSchema =>
  new Reader(parts).field(definition);

const metaFields = ({ metadata }: Omit<RootParts, 'name'>): Record<string, FieldSchema> => ({
  apiVersion: { type: 'string' },
  kind: { type: 'string' },
  metadata: { type: 'object', object: metadata },
});

class Reader {
  constructor(private readonly parts: Omit<RootParts, 'name'>) {}

  object(definition: Definition): ObjectSchema {
    const { properties = {}, required, description, additionalProperties: values } = definition;
    const described = Object.entries(properties).flatMap(([key, { description: text }]) => (text ? [[key, text]] : []));
    const isOpen = definition['x-kubernetes-preserve-unknown-fields'] || values === true;
    const fields = Object.fromEntries(Object.entries(properties).map(([key, one]) => [key, this.field(one)]));
    return {
      fields: definition['x-kubernetes-embedded-resource'] ? { ...fields, ...metaFields(this.parts) } : fields,
      ...(required?.length ? { required } : {}),
      ...(definition['x-kubernetes-map-type'] === 'atomic' ? { atomic: true } : {}),
      ...(isOpen ? { open: true } : {}),
      unstructured: true,
      ...(this.parts.lenient ? { lenient: true } : {}),
      texts: Object.fromEntries([['', description ?? ''], ...described]),
    };
  }

  field(definition: Definition): FieldSchema {
    const { default: value } = definition;
    const isScalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    return isScalar ? { ...this.type(definition), default: value } : this.type(definition);
  }

  private type(definition: Definition): FieldSchema {
    const { type, format, items = {}, properties, additionalProperties: values } = definition;
    if (definition['x-kubernetes-int-or-string']) return { type: 'intOrString' };
    switch (type) {
      case 'array':
        return { type, items: this.field(items), ...listMarkers(definition) };
      case 'object': {
        const isMap = !properties && values !== undefined && values !== false;
        if (!isMap) return { type, object: this.object(definition) };
        const atomic = definition['x-kubernetes-map-type'] === 'atomic' ? { mapType: 'atomic' as const } : {};
        return { type: 'map', items: values === true ? { type: 'any' } : this.field(values), ...atomic };
      }
      case 'integer':
        return { type, format: format ?? 'int64' };
      case 'number':
      case 'boolean':
      case 'string':
        return { type, ...(format === undefined ? {} : { format }) };
      default:
        // Without a type it keeps unknown fields; those that it names are pruned inside.
        return properties ? { type: 'object', object: this.object(definition) } : { type: 'any' };
    }
  }
}

function listMarkers(definition: Definition): Pick<FieldSchema, 'listType' | 'listMapKeys'> {
  const listType = definition['x-kubernetes-list-type'];
  const listMapKeys = definition['x-kubernetes-list-map-keys'];
  const known = listType === 'atomic' || listType === 'set' || listType === 'map';
  return { ...(known ? { listType } : {}), ...(listMapKeys ? { listMapKeys } : {}) };
}
