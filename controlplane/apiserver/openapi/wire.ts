// Encodes the three types of protobuf fields in these documents: text, booleans and nested messages. Source: the "Encoding"
// page of the protobuf documentation. Fields are measured first and written once, since a document has some hundred thousand.

const lengthDelimited = 2;
const varintType = 0;

/** A field. `size` counts its tag and its length too. */
export interface Part {
  readonly tag: number;
  readonly size: number;
  /** The bytes after tag and length. */
  readonly length: number;
  readonly text?: string;
  readonly parts?: readonly Part[];
}
const nothing: Part = { tag: 0, size: 0, length: 0 };

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest >>>= 7) size++;
  return size;
}

function part(field: number, length: number, content: Pick<Part, 'text' | 'parts'>): Part {
  const tag = (field << 3) | lengthDelimited;
  return { tag, length, size: varintSize(tag) + varintSize(length) + length, ...content };
}

/** A nested message, written also when empty: an empty message differs from an absent one. */
export function message(field: number, parts: readonly Part[]): Part {
  let length = 0;
  for (const { size } of parts) length += size;
  return part(field, length, { parts });
}

/** Nothing for an empty text, as proto3 does. */
export const text = (field: number, value: string | undefined): Part =>
  value === undefined || value === '' ? nothing : part(field, Buffer.byteLength(value), { text: value });

export const texts = (field: number, values: readonly string[]): Part[] => values.map((value) => text(field, value));

export const bool = (field: number, value: boolean): Part => {
  const tag = (field << 3) | varintType;
  return value ? { tag, size: varintSize(tag) + 1, length: 1 } : nothing;
};

export function encode(parts: readonly Part[]): Buffer {
  const bytes = Buffer.allocUnsafe(parts.reduce((sum, { size }) => sum + size, 0));
  writeAll(parts, bytes, 0);
  return bytes;
}

/** Tag and length of a nested message whose content is encoded already. */
export function startOf(field: number, content: readonly Buffer[]): Buffer {
  const length = content.reduce((sum, bytes) => sum + bytes.length, 0);
  const { tag, size } = part(field, length, {});
  const start = Buffer.allocUnsafe(size - length);
  writeVarint(start, writeVarint(start, 0, tag), length);
  return start;
}

function writeAll(parts: readonly Part[], bytes: Buffer, start: number): number {
  let at = start;
  for (const { tag, size, length, text: value, parts: inner } of parts) {
    if (size === 0) continue;
    at = writeVarint(bytes, at, tag);
    // A boolean that is written is true: its value is 1, and it has no length.
    at = writeVarint(bytes, at, length);
    if (value !== undefined) at += bytes.write(value, at);
    else if (inner) at = writeAll(inner, bytes, at);
  }
  return at;
}

function writeVarint(bytes: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  return at;
}
