// Attribute values of rtnetlink messages as bytes and back. Pure.
// Host byte order is little-endian on every machine Node.js supports here (x64, arm64).
import { parseAttributes } from 'netlink';
import type { Family } from '../../controlplane/base/cidr';
import { AF_INET, AF_INET6 } from '../libc/constants';

export type Attrs = ReadonlyMap<number, Buffer>;

export const u8 = (value: number): Buffer => Buffer.from([value]);
export function u32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return out;
}
export function u16BigEndian(value: number): Buffer {
  const out = Buffer.alloc(2);
  out.writeUInt16BE(value);
  return out;
}
export const text = (value: string): Buffer => Buffer.from(`${value}\0`);
export const readText = (data: Buffer | undefined): string => data?.toString('utf8').replace(/\0+$/, '') ?? '';
export const readU32 = (data: Buffer | undefined): number =>
  data !== undefined && data.length >= 4 ? data.readUInt32LE() : 0;

export const afOf = (family: Family): number => (family === 4 ? AF_INET : AF_INET6);

export function parseAttrs(data: Buffer): Attrs {
  const attrs = new Map<number, Buffer>();
  parseAttributes(data, ({ type, data: value }) => attrs.set(type, value));
  return attrs;
}
