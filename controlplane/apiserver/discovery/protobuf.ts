// The aggregated form of discovery in protobuf. No generated schema has its types, so they are here; the field numbers are in the table.
import type { FieldSchema, NamedSchema } from '../../api/schema/schema';
import type { SchemaSet } from '../../api/schema/schema-set';
import { encodeMessage } from '../protobuf/encode';
import { sealEnvelope } from '../protobuf/envelope';
import type { AggregatedDiscovery } from './aggregated';

const text: FieldSchema = { type: 'string' };
const texts: FieldSchema = { type: 'array', items: text };
const typed = (object: NamedSchema): FieldSchema => ({ type: 'object', object });
const listOf = (object: NamedSchema): FieldSchema => ({ type: 'array', items: typed(object) });
const type = (name: string, fields: NamedSchema['fields']): NamedSchema => ({
  name: `io.k8s.api.apidiscovery.v2.${name}`,
  fields,
});

/** `schemas` has the types of meta/v1. */
export function aggregatedSchema(schemas: SchemaSet): NamedSchema {
  const responseKind = typed(type('GroupVersionKind', { group: text, version: text, kind: text }));
  const subresource = type('APISubresourceDiscovery', {
    subresource: text,
    responseKind,
    acceptedTypes: { type: 'array', items: responseKind },
    verbs: texts,
  });
  const resource = type('APIResourceDiscovery', {
    resource: text,
    responseKind,
    scope: text,
    singularResource: text,
    verbs: texts,
    shortNames: texts,
    categories: texts,
    subresources: listOf(subresource),
  });
  const version = type('APIVersionDiscovery', { version: text, resources: listOf(resource), freshness: text });
  const metadata = typed(schemas.ofModel('V1ObjectMeta'));
  const group = type('APIGroupDiscovery', { metadata, versions: listOf(version) });
  return type('APIGroupDiscoveryList', { metadata: typed(schemas.ofModel('V1ListMeta')), items: listOf(group) });
}

export function encodeAggregated(document: AggregatedDiscovery, schema: NamedSchema): Buffer {
  const { kind, apiVersion } = document;
  return sealEnvelope({ kind, apiVersion }, encodeMessage({ ...document }, schema));
}
