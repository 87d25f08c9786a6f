// Attribute values of rtnetlink messages as bytes and back. Pure.
// Host byte order is little-endian on every machine Node.js supports here (x64, arm64).
import { parseAttributes } from 'netlink';
import { type Family, formatAddress, parseAddress } from '../../controlplane/base/cidr';
import { BadRequest } from '../../controlplane/base/errors';
import { AF_INET, AF_INET6 } from './constants';

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

/** @throws BadRequest */
export function macBytes(mac: string): Buffer {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac)) throw new BadRequest(`not a MAC address: ${JSON.stringify(mac)}`);
  return Buffer.from(mac.replaceAll(':', ''), 'hex');
}

export const formatMac = (data: Buffer | undefined): string =>
  data === undefined ? '' : [...data].map((byte) => byte.toString(16).padStart(2, '0')).join(':');

/** @throws BadRequest */
export function addressBytes(address: string): Buffer {
  const { family, value } = parseAddress(address);
  return Buffer.from(value.toString(16).padStart(family === 4 ? 8 : 32, '0'), 'hex');
}

export function readAddress(data: Buffer | undefined): string | undefined {
  if (data === undefined || (data.length !== 4 && data.length !== 16)) return undefined;
  return formatAddress({ family: data.length === 4 ? 4 : 6, value: BigInt(`0x${data.toString('hex')}`) });
}

export function parseAttrs(data: Buffer): Attrs {
  const attrs = new Map<number, Buffer>();
  parseAttributes(data, ({ type, data: value }) => attrs.set(type, value));
  return attrs;
}
