// Messages of protobuf, described by data, so that nothing is generated. The library is loaded with the first message.
import type { INamespace, Root } from './library';

interface Field {
  /** A scalar of protobuf, or the name of a message. */
  readonly type: string;
  readonly id: number;
  readonly rule?: 'repeated';
  /** For a map. */
  readonly keyType?: string;
}
/** Messages by name, in the JSON form of protobufjs. */
export type Messages = Readonly<Record<string, { readonly fields: Readonly<Record<string, Field>> }>>;

/** Roots are kept: the library compiles its codecs once for each message. */
const roots = new WeakMap<Messages, Root>();

export async function typesOf({ messages }: { readonly messages: Messages }): Promise<Root> {
  const known = roots.get(messages);
  if (known) return known;
  const { Root: RootType } = await import('./library');
  const root = RootType.fromJSON({ nested: messages as INamespace['nested'] });
  roots.set(messages, root);
  return root;
}

export function encodeMessage(types: Root, name: string, value: object): Buffer {
  const type = types.lookupType(name);
  return Buffer.from(type.encode(type.fromObject(value)).finish());
}

/**
 * Fields that are absent have protobuf's defaults. Whole numbers of 64 bits are numbers, or text where they do not fit.
 * @throws Error for bytes that are no such message
 */
export function decodeMessage(
  types: Root,
  name: string,
  bytes: Uint8Array,
  wholeNumbers: 'number' | 'text' = 'number',
): Record<string, unknown> {
  const type = types.lookupType(name);
  return type.toObject(type.decode(bytes), { longs: wholeNumbers === 'text' ? String : Number, defaults: true });
}
