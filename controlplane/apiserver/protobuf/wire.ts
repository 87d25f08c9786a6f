// The protobuf wire format, reading side: tags, varints, fixed numbers, length-delimited bytes. Pure.
// Source: protobuf.dev, "Encoding".
import { notKept } from '../../api/json-text';
import { BadRequest } from '../../base/errors';

/** A number when it is exact and unsigned, which is nearly always and many times faster; else a bigint. */
export type WireValue = number | bigint | Buffer;

/** @throws BadRequest when the bytes end early or have an unsupported wire type */
export function readFields(bytes: Buffer, onField: (number: number, value: WireValue) => void): void {
  let at = 0;
  const varint = (): number | bigint => {
    let value = 0;
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw truncated();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    let large = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw truncated();
      large |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return large;
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
        onField(number, varint());
        break;
      case 1:
        onField(number, take(8).readBigUInt64LE());
        break;
      case 2:
        onField(number, take(Number(varint())));
        break;
      case 5:
        onField(number, take(4).readUInt32LE());
        break;
      default:
        throw new BadRequest(`protobuf: wire type ${tag & 7} is not supported`);
    }
  }
}

const truncated = () => new BadRequest('protobuf: unexpected end of the body');

/** @throws BadRequest */
export function asBytes(value: WireValue): Buffer {
  if (!Buffer.isBuffer(value)) throw new BadRequest('protobuf: a number where bytes belong');
  return value;
}

/** A signed number. @throws BadRequest for a number that JavaScript would round */
export function asInteger(value: WireValue): number {
  if (typeof value === 'number') return value;
  if (Buffer.isBuffer(value)) throw new BadRequest('protobuf: bytes where a number belongs');
  const signed = BigInt.asIntN(64, value);
  const number = Number(signed);
  if (!Number.isSafeInteger(number)) throw notKept(String(signed), 'int64');
  return number;
}

/** @throws BadRequest */
export function asDouble(value: WireValue): number {
  if (Buffer.isBuffer(value)) throw new BadRequest('protobuf: bytes where a number belongs');
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  const number = bytes.readDoubleLE();
  if (!Number.isFinite(number)) throw notKept(String(number), 'float64');
  return number;
}

/** The fields of a small message by number, the last one winning. */
export function fieldMap(bytes: Buffer): ReadonlyMap<number, WireValue> {
  const fields = new Map<number, WireValue>();
  readFields(bytes, (number, value) => fields.set(number, value));
  return fields;
}
