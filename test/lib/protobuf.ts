// Reads answers in protobuf with the server's own decoder.
import type { SchemaSet } from '../../controlplane/api/schema/schema-set';
import { decodeMessage } from '../../controlplane/apiserver/protobuf/decode';
import { openEnvelope } from '../../controlplane/apiserver/protobuf/envelope';
import { asBytes, fieldMap, readFields } from '../../controlplane/apiserver/protobuf/wire';

export type Fields = Record<string, unknown>;

/** Models with another name than their kind. Every object with metadata has it as field 1. */
const models: Readonly<Record<string, string>> = { PartialObjectMetadata: 'V1ConfigMap', Event: 'CoreV1Event' };

/** The object in an envelope, by the model of its kind: V1Pod for Pod. */
export function readEnvelope(schemas: SchemaSet, body: Buffer): Fields {
  const { apiVersion, kind, raw } = openEnvelope(body);
  return { kind, apiVersion, ...decodeMessage(raw, schemas.ofModel(models[kind] ?? `V1${kind}`)) };
}

export interface ReadList extends Fields {
  readonly kind: string;
  readonly metadata: Fields;
  readonly items: readonly Fields[];
}

/** A list of objects of a model. In lists the metadata is field 1, the items are field 2, or the other way round. */
export function readList(schemas: SchemaSet, body: Buffer, model: string, itemsNumber: 1 | 2 = 2): ReadList {
  const { apiVersion, kind, raw } = openEnvelope(body);
  let metadata: Fields = {};
  const items: Fields[] = [];
  readFields(raw, (number, value) => {
    if (number === itemsNumber) items.push(decodeMessage(asBytes(value), schemas.ofModel(model)));
    else metadata = decodeMessage(asBytes(value), schemas.ofModel('V1ListMeta'));
  });
  return { apiVersion, kind, metadata, items };
}

/** An event of a watch, with the bytes of its object. */
export function readEvent(frame: Buffer): { readonly type: string; readonly object: Buffer } {
  const event = fieldMap(frame);
  const object = fieldMap(asBytes(event.get(2)!)).get(1)!;
  return { type: asBytes(event.get(1)!).toString(), object: asBytes(object) };
}
