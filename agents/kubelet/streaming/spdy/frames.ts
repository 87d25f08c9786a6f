// Frames of SPDY/3.1 as values: bytes to frames and back. Pure; header blocks stay compressed here.
import { BadRequest } from '../../../../controlplane/base/errors';

export type Frame =
  | { readonly type: 'data'; readonly stream: number; readonly fin: boolean; readonly data: Buffer }
  | {
      readonly type: 'syn-stream';
      readonly stream: number;
      readonly fin: boolean;
      readonly unidirectional: boolean;
      readonly priority: number;
      readonly headers: Buffer;
    }
  | { readonly type: 'syn-reply'; readonly stream: number; readonly fin: boolean; readonly headers: Buffer }
  | { readonly type: 'rst-stream'; readonly stream: number; readonly status: number }
  | { readonly type: 'settings'; readonly settings: ReadonlyMap<number, number> }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goaway'; readonly lastStream: number; readonly status: number }
  | { readonly type: 'headers'; readonly stream: number; readonly fin: boolean; readonly headers: Buffer }
  | { readonly type: 'window-update'; readonly stream: number; readonly delta: number }
  /** A control frame of a type that this version does not have. Receivers ignore it. */
  | { readonly type: 'unknown'; readonly code: number };

export const frameHeaderLength = 8;
const version = 3;
const controlBit = 0x80000000;
const flagFin = 0x01;
const flagUnidirectional = 0x02;
const streamMask = 0x7fffffff;

const codes = {
  'syn-stream': 1,
  'syn-reply': 2,
  'rst-stream': 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  headers: 8,
  'window-update': 9,
} as const;

/** RST_STREAM status codes that we send. */
export const resetStatus = {
  protocolError: 1,
  invalidStream: 2,
  refusedStream: 3,
  cancel: 5,
  flowControlError: 7,
} as const;
export const settingInitialWindow = 7;
/** Control frames above this are refused; data frames may have the protocol's 16 MiB. */
export const maxControlBytes = 64 * 1024;

/** Kind and size of the frame that begins with these eight bytes. @throws BadRequest when they are not SPDY/3.1 */
export function parseFrameHeader(header: Buffer): { readonly control: boolean; readonly length: number } {
  const control = (header[0]! & 0x80) !== 0;
  const length = header.readUIntBE(5, 3);
  if (control) {
    const found = header.readUInt16BE(0) & 0x7fff;
    if (found !== version) throw new BadRequest(`not SPDY/3.1: version ${found}`);
    if (length > maxControlBytes)
      throw new BadRequest(`SPDY control frame of ${length} bytes; at most ${maxControlBytes} are read`);
  }
  return { control, length };
}

/** @throws BadRequest when the payload does not fit the frame's type. */
export function parseFrame(header: Buffer, payload: Buffer): Frame {
  const flags = header[4]!;
  const fin = (flags & flagFin) !== 0;
  if ((header[0]! & 0x80) === 0) {
    const stream = header.readUInt32BE(0) & streamMask;
    if (stream === 0) throw new BadRequest('SPDY data frame without a stream');
    return { type: 'data', stream, fin, data: payload };
  }
  const code = header.readUInt16BE(2);
  const need = (length: number, exact: boolean) => {
    if (payload.length < length || (exact && payload.length !== length)) {
      throw new BadRequest(`SPDY control frame ${code} has ${payload.length} bytes`);
    }
  };
  const idAt = (offset: number) => payload.readUInt32BE(offset) & streamMask;
  switch (code) {
    case codes['syn-stream']:
      need(10, false);
      return {
        type: 'syn-stream',
        stream: idAt(0),
        fin,
        unidirectional: (flags & flagUnidirectional) !== 0,
        priority: payload[8]! >> 5,
        headers: payload.subarray(10),
      };
    case codes['syn-reply']:
      need(4, false);
      return { type: 'syn-reply', stream: idAt(0), fin, headers: payload.subarray(4) };
    case codes['rst-stream']:
      need(8, true);
      return { type: 'rst-stream', stream: idAt(0), status: payload.readUInt32BE(4) };
    case codes.settings:
      need(4, false);
      need(4 + 8 * payload.readUInt32BE(0), true);
      return { type: 'settings', settings: parseSettings(payload) };
    case codes.ping:
      need(4, true);
      return { type: 'ping', id: payload.readUInt32BE(0) };
    case codes.goaway:
      need(8, true);
      return { type: 'goaway', lastStream: idAt(0), status: payload.readUInt32BE(4) };
    case codes.headers:
      need(4, false);
      return { type: 'headers', stream: idAt(0), fin, headers: payload.subarray(4) };
    case codes['window-update']:
      need(8, true);
      return { type: 'window-update', stream: idAt(0), delta: idAt(4) };
    default:
      return { type: 'unknown', code };
  }
}

function parseSettings(payload: Buffer): ReadonlyMap<number, number> {
  const settings = new Map<number, number>();
  for (let offset = 4; offset < payload.length; offset += 8) {
    settings.set(payload.readUIntBE(offset + 1, 3), payload.readUInt32BE(offset + 4));
  }
  return settings;
}

/** The frame's bytes. Data is a buffer of its own, so that it is not copied. */
export function formatFrame(frame: Exclude<Frame, { type: 'unknown' }>): Buffer[] {
  switch (frame.type) {
    case 'data': {
      const header = Buffer.alloc(frameHeaderLength);
      header.writeUInt32BE(frame.stream, 0);
      header.writeUInt8(frame.fin ? flagFin : 0, 4);
      header.writeUIntBE(frame.data.length, 5, 3);
      return [header, frame.data];
    }
    case 'syn-stream': {
      const flags = (frame.fin ? flagFin : 0) | (frame.unidirectional ? flagUnidirectional : 0);
      const fixed = Buffer.alloc(10);
      fixed.writeUInt32BE(frame.stream, 0);
      fixed.writeUInt8(frame.priority << 5, 8);
      return control(codes['syn-stream'], flags, [fixed, frame.headers]);
    }
    case 'syn-reply':
    case 'headers':
      return control(codes[frame.type], frame.fin ? flagFin : 0, [words(frame.stream), frame.headers]);
    case 'rst-stream':
      return control(codes['rst-stream'], 0, [words(frame.stream, frame.status)]);
    case 'settings': {
      const entries = [...frame.settings].flat();
      return control(codes.settings, 0, [words(frame.settings.size, ...entries)]);
    }
    case 'ping':
      return control(codes.ping, 0, [words(frame.id)]);
    case 'goaway':
      return control(codes.goaway, 0, [words(frame.lastStream, frame.status)]);
    case 'window-update':
      return control(codes['window-update'], 0, [words(frame.stream, frame.delta)]);
  }
}

function words(...values: number[]): Buffer {
  const out = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => {
    out.writeUInt32BE(value, 4 * i);
  });
  return out;
}

function control(code: number, flags: number, payload: Buffer[]): Buffer[] {
  const header = Buffer.alloc(frameHeaderLength);
  header.writeUInt32BE(controlBit + version * 0x10000 + code, 0);
  header.writeUInt8(flags, 4);
  header.writeUIntBE(
    payload.reduce((sum, part) => sum + part.length, 0),
    5,
    3,
  );
  return [Buffer.concat([header, ...payload])];
}

/** Cuts a byte stream into frames, whatever its chunks are. */
export class FrameReader {
  private chunks: Buffer[] = [];
  private size = 0;

  /** Bytes held of an incomplete frame. */
  get pending(): number {
    return this.size;
  }

  /** The frames completed by `chunk`. @throws BadRequest; then the connection cannot be used any more. */
  *push(chunk: Buffer): Generator<Frame> {
    this.chunks.push(chunk);
    this.size += chunk.length;
    while (this.size >= frameHeaderLength) {
      const { length } = parseFrameHeader(this.peek(frameHeaderLength));
      if (this.size < frameHeaderLength + length) return;
      const bytes = this.peek(frameHeaderLength + length);
      this.drop(frameHeaderLength + length);
      yield parseFrame(bytes.subarray(0, frameHeaderLength), bytes.subarray(frameHeaderLength));
    }
  }

  /** The first `n` bytes in one piece; joins only as many chunks as needed. */
  private peek(n: number): Buffer {
    let [first] = this.chunks;
    if (first !== undefined && first.length >= n) return first.subarray(0, n);
    let count = 0;
    for (let have = 0; have < n; count++) have += this.chunks[count]!.length;
    first = Buffer.concat(this.chunks.slice(0, count));
    this.chunks.splice(0, count, first);
    return first.subarray(0, n);
  }

  private drop(n: number): void {
    const [first] = this.chunks;
    this.size -= n;
    if (first!.length === n) this.chunks.shift();
    else this.chunks[0] = first!.subarray(n);
  }
}
