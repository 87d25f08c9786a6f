// The protobuf wire format, reading side: tags, varints, fixed numbers, length-delimited bytes. Pure.
// Source: protobuf.dev, "Encoding".
import { notKept } from '../../api/json-text';
import { BadRequest } from '../../base/errors';

export type WireValue = bigint | Buffer;

export interface WireField {
  readonly number: number;
  /** A varint or fixed number as an unsigned integer, or the bytes of a length-delimited field. */
  readonly value: WireValue;
}

/** @throws BadRequest when the bytes end early or use a wire type nobody writes */
export function* readFields(bytes: Buffer): Generator<WireField> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw truncated();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new BadRequest('protobuf: a varint is too long');
  };
  const take = (length: number): Buffer => {
    if (length > bytes.length - at) throw truncated();
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    switch (tag & 7) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        yield { number, value: take(8).readBigUInt64LE() };
        break;
      case 2:
        yield { number, value: take(Number(varint())) };
        break;
      case 5:
        yield { number, value: BigInt(take(4).readUInt32LE()) };
        break;
      default:
        throw new BadRequest(`protobuf: wire type ${tag & 7} is not supported`);
    }
  }
}

const truncated = () => new BadRequest('protobuf: unexpected end of the body');

/** @throws BadRequest */
export function asBytes(value: WireValue): Buffer {
  if (typeof value === 'bigint') throw new BadRequest('protobuf: a number where bytes belong');
  return value;
}

/** A signed number. @throws BadRequest for one that JavaScript would round */
export function asInteger(value: WireValue): number {
  if (typeof value !== 'bigint') throw new BadRequest('protobuf: bytes where a number belongs');
  const signed = BigInt.asIntN(64, value);
  const number = Number(signed);
  if (!Number.isSafeInteger(number)) throw notKept(String(signed), 'int64');
  return number;
}

/** @throws BadRequest */
export function asDouble(value: WireValue): number {
  if (typeof value !== 'bigint') throw new BadRequest('protobuf: bytes where a number belongs');
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  const number = bytes.readDoubleLE();
  if (!Number.isFinite(number)) throw notKept(String(number), 'float64');
  return number;
}

/** The fields of a small message by number, the last one winning. */
export function fieldMap(bytes: Buffer): ReadonlyMap<number, WireValue> {
  return new Map([...readFields(bytes)].map(({ number, value }) => [number, value]));
}
