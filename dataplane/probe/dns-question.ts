// One question of DNS, and what came back: RFC 1035, section 4; over TCP with its length in front (4.2.2). Only what a probe reports is read. Pure.
import { BadRequest } from '../../controlplane/base/errors';

export interface DnsQuestion {
  /** Without the dot at the end, or with it. */
  readonly name: string;
  readonly type: 'A' | 'AAAA';
}
export interface DnsAnswer {
  /** NOERROR, NXDOMAIN, SERVFAIL, REFUSED, or RCODE and a number. */
  readonly code: string;
  /** The answer was too long for a datagram: a resolver asks again by TCP. */
  readonly truncated?: true;
  /** Of the question's type, aliases followed as far as the answer does. At most 16. */
  readonly addresses: readonly string[];
}

const types = { A: 1, AAAA: 28 } as const;
const codes = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'] as const;
const headerBytes = 12;
const lengthBytes = 2;
const recursionDesired = 0x0100;
const internet = 1;
const maxAddresses = 16;

/** @throws BadRequest for a text that is no name */
export function renderQuestion(id: number, { name, type }: DnsQuestion): Buffer {
  const labels = name.replace(/\.$/, '').split('.');
  const isName = labels.every((label) => /^[\x21-\x7e]{1,63}$/.test(label)) && name.length <= 254;
  if (!isName) throw new BadRequest(`${JSON.stringify(name.slice(0, 300))} is no name of DNS`);
  const head = Buffer.alloc(headerBytes);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(recursionDesired, 2);
  head.writeUInt16BE(1, 4);
  const parts = labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]);
  const tail = Buffer.from([0, 0, types[type], 0, internet]);
  return Buffer.concat([head, ...parts, tail]);
}

/** A message as TCP carries it. */
export function withLength(message: Buffer): Buffer {
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

export const withoutLength = (bytes: Buffer): Buffer => bytes.subarray(lengthBytes);

/** Undefined for bytes that are no answer to the question with this number. What is cut off is left out. */
export function readAnswer(bytes: Buffer, id: number, type: DnsQuestion['type']): DnsAnswer | undefined {
  if (bytes.length < headerBytes || bytes.readUInt16BE(0) !== id || (bytes[2]! & 0x80) === 0) return undefined;
  const rcode = bytes[3]! & 0x0f;
  const code = codes[rcode] ?? `RCODE${rcode}`;
  const addresses: string[] = [];
  let at = headerBytes;
  for (let i = bytes.readUInt16BE(4); i > 0; i--) at = afterName(bytes, at) + 4;
  for (let i = bytes.readUInt16BE(6); i > 0 && addresses.length < maxAddresses; i--) {
    at = afterName(bytes, at);
    if (at + 10 > bytes.length) break;
    const length = bytes.readUInt16BE(at + 8);
    const data = bytes.subarray(at + 10, at + 10 + length);
    if (bytes.readUInt16BE(at) === types[type] && data.length === (type === 'A' ? 4 : 16)) addresses.push(textOf(data));
    at += 10 + length;
  }
  return { code, addresses, ...((bytes[2]! & 0x02) === 0 ? {} : { truncated: true as const }) };
}

/** The place behind a name; behind the end of the bytes when the name is cut off. */
function afterName(bytes: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) return bytes.length;
    // A pointer to a name before: it ends this one.
    if ((length & 0xc0) === 0xc0) return at + 2;
    if (length === 0) return at + 1;
    at += 1 + length;
  }
}

const textOf = (data: Buffer): string => (data.length === 4 ? [...data].join('.') : formatIpv6(data));

function formatIpv6(data: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => data.readUInt16BE(2 * i).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
