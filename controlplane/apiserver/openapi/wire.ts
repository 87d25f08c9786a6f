// Encodes the three types of protobuf fields in these documents: text, booleans and nested messages. Source: the "Encoding"
// page of the protobuf documentation.

const lengthDelimited = 2;
const varintType = 0;
const nothing = Buffer.alloc(0);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

const tag = (field: number, type: number): Buffer => varint((field << 3) | type);

export const concat = (parts: readonly Buffer[]): Buffer => Buffer.concat(parts);

/** A nested message, written also when empty: an empty message differs from an absent one. */
export function message(field: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([tag(field, lengthDelimited), varint(body.length), body]);
}

/** Nothing for an empty text, as proto3 does. */
export function text(field: number, value: string | undefined): Buffer {
  if (value === undefined || value === '') return nothing;
  const body = Buffer.from(value);
  return Buffer.concat([tag(field, lengthDelimited), varint(body.length), body]);
}

export const texts = (field: number, values: readonly string[]): Buffer =>
  Buffer.concat(values.map((value) => text(field, value)));

export const bool = (field: number, value: boolean): Buffer =>
  value ? Buffer.concat([tag(field, varintType), varint(1)]) : nothing;
