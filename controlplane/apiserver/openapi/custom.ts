// The openAPIV3Schema of a custom kind in OpenAPI documents. Version 3 shows all of it. Version 2, as upstream, leaves out what OpenAPI 2
// lacks, and what kubectl would reject: it takes each field that a schema does not name for an error.
import { isSchema } from '../../api/crd/walk';
import type { Definition } from '../../api/schema/schema';
import type { Dialect, OpenApiSchema } from './definitions';

/** `metadata` is the schema of the metadata field. */
export function renderCustom(definition: Definition, metadata: OpenApiSchema, dialect: Dialect): OpenApiSchema {
  // Upstream's version 2 then names no field at all: kubectl would refuse every field that is not named.
  if (dialect === 'v2' && definition['x-kubernetes-preserve-unknown-fields'] === true) return { type: 'object' };
  return withMeta(new CustomRenderer(metadata, dialect).render(definition), metadata);
}

/** Upstream's texts for the fields of every object. */
const typeFields = {
  apiVersion: {
    description:
      'APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources',
    type: 'string',
  },
  kind: {
    description:
      'Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds',
    type: 'string',
  },
};

/** The list of a custom kind; `texts` are those of its definition. */
export function listOfCustom(
  texts: Readonly<Record<string, string>>,
  item: OpenApiSchema,
  metadata: OpenApiSchema,
): OpenApiSchema {
  return {
    description: texts[''],
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: typeFields.apiVersion,
      items: { description: texts['items'], type: 'array', items: item },
      kind: typeFields.kind,
      metadata: { description: listMetadataText, ...metadata },
    },
  };
}

const listMetadataText =
  'Standard list metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds';

function withMeta(schema: OpenApiSchema, metadata: OpenApiSchema): OpenApiSchema {
  return { ...schema, properties: { ...(schema['properties'] as object | undefined), ...typeFields, metadata } };
}

const combinations = ['allOf', 'anyOf', 'oneOf'] as const;

class CustomRenderer {
  constructor(
    private readonly metadata: OpenApiSchema,
    private readonly dialect: Dialect,
  ) {}

  render(definition: Definition): OpenApiSchema {
    const { items, properties, additionalProperties: values, not, ...rest } = definition;
    const rendered: OpenApiSchema = { ...rest };
    if (properties) {
      const entries = Object.entries(properties).map(([key, property]) => [key, this.render(property)] as const);
      rendered['properties'] = Object.fromEntries(entries);
    }
    if (isSchema(items)) rendered['items'] = this.render(items);
    if (values !== undefined) rendered['additionalProperties'] = isSchema(values) ? this.render(values) : values;
    const isEmbedded = definition['x-kubernetes-embedded-resource'];
    if (this.dialect === 'v2') {
      const isOpen = rendered['x-kubernetes-preserve-unknown-fields'] === true;
      return isEmbedded && !isOpen ? withMeta(older(rendered), this.metadata) : older(rendered);
    }
    if (not) rendered['not'] = this.render(not);
    if (definition['x-kubernetes-int-or-string']) rendered['anyOf'] = [{ type: 'integer' }, { type: 'string' }];
    for (const name of combinations) {
      if (definition[name]) rendered[name] = definition[name].map((one) => this.render(one));
    }
    return isEmbedded ? withMeta(rendered, this.metadata) : rendered;
  }
}

/** Fields without a type may have any value for kubectl, and objects without properties any field. */
function older({ nullable, default: _, ...schema }: OpenApiSchema): OpenApiSchema {
  for (const name of combinations) delete schema[name];
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (isOpen || nullable) for (const name of ['items', 'properties', 'additionalProperties']) delete schema[name];
  // kubectl cannot read an open object, or a list whose items have no schema.
  if (nullable || isOpen) delete schema['type'];
  return schema;
}
