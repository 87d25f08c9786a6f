// Stored objects in protobuf: one alone, in a list, in an event of a watch. An object is encoded at its first reader in this form,
// and the cache keeps the message for all later ones as long as the object is current.
import type { Kind } from '../../api/kind';
import type { NamedSchema } from '../../api/schema/schema';
import type { SchemaSet } from '../../api/schema/schema-set';
import type { KubeObject, ListMeta, WatchEvent } from '../../api/types';
import { eventLoop } from '../../base/event-loop';
import type { CachedObject, CacheEvent } from '../cache/cache';
import { encodeMessage } from './encode';
import { envelopeOf, lengthField, sealEnvelope, type TypeMeta, textField } from './envelope';

/** The two forms of meta.k8s.io number the fields of their lists differently. */
type MetaVersion = 'v1' | 'v1beta1';
type EventType = WatchEvent<unknown>['type'];

const frameLengthBytes = 4;
/** The message of an object with its metadata only has one field. */
const metadataField = 1;

export class ProtobufObjects {
  private readonly objectMeta: NamedSchema;
  private readonly listMeta: NamedSchema;
  /** The bytes of batches of events, joined once for all watchers of the same batch. */
  private readonly batches = new WeakMap<readonly CacheEvent[], Buffer>();

  constructor(private readonly schemas: SchemaSet) {
    this.objectMeta = schemas.ofModel('V1ObjectMeta');
    this.listMeta = schemas.ofModel('V1ListMeta');
  }

  /** @throws AppError for a kind whose field numbers are not known */
  object(kind: Kind, entry: CachedObject): Buffer {
    return sealEnvelope(kind, this.message(kind, entry));
  }

  partial(object: KubeObject, version: MetaVersion): Buffer {
    return sealEnvelope(partialType(version, 'PartialObjectMetadata'), this.partialMessage(object));
  }

  /** Encodes what is not encoded yet; large lists give way to other requests. */
  async prepare(kind: Kind, entries: readonly CachedObject[]): Promise<void> {
    for (const entry of entries) {
      if (entry.protobuf) continue;
      this.message(kind, entry);
      const pause = eventLoop.pause();
      if (pause) await pause;
    }
  }

  list(kind: Kind, entries: readonly CachedObject[], metadata: ListMeta): Buffer {
    const type = { apiVersion: kind.apiVersion, kind: `${kind.kind}List` };
    const messages = entries.map((entry) => this.message(kind, entry));
    return joinList(type, this.listMetadata(1, metadata), messages, 2);
  }

  partialList(objects: readonly KubeObject[], metadata: ListMeta, version: MetaVersion): Buffer {
    const type = partialType(version, 'PartialObjectMetadataList');
    const messages = objects.map((object) => this.partialMessage(object));
    // meta.k8s.io/v1beta1 numbers items before metadata.
    return version === 'v1beta1'
      ? joinList(type, this.listMetadata(2, metadata), messages, 1)
      : joinList(type, this.listMetadata(1, metadata), messages, 2);
  }

  /** The frames of a batch of events. */
  events(kind: Kind, events: readonly CacheEvent[]): Buffer {
    let bytes = this.batches.get(events);
    if (!bytes) {
      bytes = Buffer.concat(events.map(({ type, current }) => this.event(kind, type, current)));
      this.batches.set(events, bytes);
    }
    return bytes;
  }

  event(kind: Kind, type: EventType, entry: CachedObject): Buffer {
    return eventFrame(type, kind, this.message(kind, entry));
  }

  partialEvent(type: EventType, object: KubeObject, version: MetaVersion): Buffer {
    return eventFrame(type, partialType(version, 'PartialObjectMetadata'), this.partialMessage(object));
  }

  /** An event with an object of any type: a bookmark, a Status. */
  otherEvent(type: EventType, object: KubeObject, schema: NamedSchema): Buffer {
    const { apiVersion = '', kind = '' } = object;
    return eventFrame(type, { apiVersion, kind }, encodeMessage(fieldsOf(object), schema));
  }

  private message(kind: Kind, entry: CachedObject): Buffer {
    entry.protobuf ??= encodeMessage(fieldsOf(entry.readOnce?.() ?? entry.object), this.schemas.of(kind));
    return entry.protobuf;
  }

  private partialMessage({ metadata = {} }: KubeObject): Buffer {
    const message = encodeMessage(fieldsOf(metadata), this.objectMeta);
    return Buffer.concat([lengthField(metadataField, message.length), message]);
  }

  private listMetadata(number: number, metadata: ListMeta): Buffer {
    const message = encodeMessage(fieldsOf(metadata), this.listMeta);
    return Buffer.concat([lengthField(number, message.length), message]);
  }
}

const fieldsOf = (object: object): Readonly<Record<string, unknown>> => object as Readonly<Record<string, unknown>>;

const partialType = (version: MetaVersion, kind: string): TypeMeta => ({ apiVersion: `meta.k8s.io/${version}`, kind });

/** Fields are written in the order of their numbers. */
function joinList(type: TypeMeta, metadata: Buffer, messages: readonly Buffer[], itemsNumber: 1 | 2): Buffer {
  const heads = messages.map((message) => lengthField(itemsNumber, message.length));
  let length = metadata.length;
  for (let i = 0; i < messages.length; i++) length += heads[i]!.length + messages[i]!.length;
  const { head, tail } = envelopeOf(type, length);
  const bytes = Buffer.allocUnsafe(head.length + length + tail.length);
  let at = head.copy(bytes);
  if (itemsNumber === 2) at += metadata.copy(bytes, at);
  for (let i = 0; i < messages.length; i++) {
    at += heads[i]!.copy(bytes, at);
    at += messages[i]!.copy(bytes, at);
  }
  if (itemsNumber === 1) at += metadata.copy(bytes, at);
  tail.copy(bytes, at);
  return bytes;
}

/** Four bytes of length, then a WatchEvent: its type, and a RawExtension with the object in its envelope. */
function eventFrame(type: EventType, of: TypeMeta, message: Buffer): Buffer {
  const { head, tail } = envelopeOf(of, message.length);
  const objectLength = head.length + message.length + tail.length;
  const raw = lengthField(1, objectLength);
  const start = Buffer.concat([textField(1, type), lengthField(2, raw.length + objectLength), raw, head]);
  const frameLength = Buffer.allocUnsafe(frameLengthBytes);
  frameLength.writeUInt32BE(start.length + message.length + tail.length);
  return Buffer.concat([frameLength, start, message, tail]);
}
