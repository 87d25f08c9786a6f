// The envelope of every protobuf body: four bytes, then runtime.Unknown with the type of the object and its message.
import { BadRequest } from '../../base/errors';
import { asBytes, fieldMap, type WireValue } from './wire';

export const protobufType = 'application/vnd.kubernetes.protobuf';

/** Four bytes in front of every body: `k8s` and a zero. Source: apimachinery, runtime/serializer/protobuf. */
const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Buffer;
}

/** @throws BadRequest when the body is not such an envelope */
export function openEnvelope(body: Buffer): Envelope {
  if (body.length < 4 || body.compare(magic, 0, 4, 0, 4) !== 0) {
    throw new BadRequest('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  }
  const unknown = fieldMap(body.subarray(4));
  const typeMeta = fieldMap(bytesOf(unknown.get(1)));
  return {
    apiVersion: bytesOf(typeMeta.get(1)).toString(),
    kind: bytesOf(typeMeta.get(2)).toString(),
    raw: bytesOf(unknown.get(2)),
  };
}

/** The type of an object, as its envelope names it. */
export interface TypeMeta {
  readonly apiVersion: string;
  readonly kind: string;
}

/** What stands before a message of a given length, and after it. */
export function envelopeOf(type: TypeMeta, length: number): { readonly head: Buffer; readonly tail: Buffer } {
  const typeMeta = Buffer.concat([textField(1, type.apiVersion), textField(2, type.kind)]);
  return {
    head: Buffer.concat([magic, lengthField(1, typeMeta.length), typeMeta, lengthField(2, length)]),
    tail: emptyEncoding,
  };
}

/** A message in its envelope. */
export function sealEnvelope(type: TypeMeta, message: Buffer): Buffer {
  const { head, tail } = envelopeOf(type, message.length);
  return Buffer.concat([head, message, tail]);
}

/** contentEncoding and contentType of runtime.Unknown, which are always empty. */
const emptyEncoding = Buffer.from([0x1a, 0, 0x22, 0]);

/** The tag and the length of a field; its bytes follow. */
export function lengthField(number: number, length: number): Buffer {
  const bytes = [number * 8 + 2];
  let rest = length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

export function textField(number: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([lengthField(number, bytes.length), bytes]);
}

const bytesOf = (value: WireValue | undefined): Buffer => (value === undefined ? Buffer.alloc(0) : asBytes(value));
