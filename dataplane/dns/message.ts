// Converts between the zone's records and the wire format, by dns2: parses a query, encodes an answer that fits.
import { Packet } from 'dns2';
import { ByteWriter } from './byte-writer';
import type { QueryType } from './lookup';
import { readRecords } from './raw';
import type { DnsRecord } from './records';

/** The largest UDP message that we accept and send: never fragmented on any link. */
export const udpPayloadSize = 1232;
const plainUdpSize = 512;
const maxTcpSize = 65_535;
/** A pointer to the name, type, class, TTL, length, and no data. */
const minRecordSize = 12;
const optRecordSize = 11;

export type Transport = 'udp' | 'tcp';
export type Resource = Packet.Resource;
export const rcodes = Packet.RCODE;
export const types = Packet.TYPE;
/**
 * Reversed, so that the first name of a code wins: code 16 has several names, and in dns2's table BADVERS, the right one here,
 * is first.
 */
const rcodeNames = new Map(
  Object.entries(rcodes)
    .reverse()
    .map(([name, code]) => [code as number, name]),
);
/** The name of a code for metrics and messages, such as NXDOMAIN. */
export const rcodeName = (code: number): string => rcodeNames.get(code) ?? String(code);
export const ixfrType = 251;
const hinfoType = 13;

export interface Query {
  readonly packet: Packet;
  readonly edns:
    | { readonly version: number; readonly udpSize: number; readonly dnssecOk: boolean; readonly hasOptions: boolean }
    | undefined;
}

/** @throws Packet.DecodeError when the header is incomplete */
export function parseQuery(bytes: Buffer): Query {
  const packet = Packet.parse(bytes);
  const opt = packet.additionals.find((record) => record.type === types.EDNS) as
    | (Resource & { version?: number; doFlag?: boolean; rdata?: readonly unknown[] })
    | undefined;
  if (!opt) return { packet, edns: undefined };
  const { version = 0, doFlag = false, rdata = [] } = opt;
  return { packet, edns: { version, udpSize: opt.class ?? 0, dnssecOk: doFlag, hasOptions: rdata.length > 0 } };
}

/** The largest reply that the client accepts, in bytes. */
export function sizeLimit(query: Query, transport: Transport): number {
  if (transport === 'tcp') return maxTcpSize;
  if (!query.edns) return plainUdpSize;
  return Math.min(Math.max(query.edns.udpSize, plainUdpSize), udpPayloadSize);
}

export interface Reply {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly recursionAvailable: boolean;
  readonly answers: readonly Resource[];
  readonly authority?: readonly Resource[];
  readonly additional?: readonly Resource[];
}

/**
 * The reply as bytes, with the query's ID and question. Records that do not fit are left out from the end: additional records
 * silently, answers with the TC bit, so that a client without TCP still gets some answers.
 */
export function encodeReply(query: Query, reply: Reply, limit: number): Buffer {
  const { authority = [], additional = [] } = reply;
  const most = Math.floor(limit / minRecordSize);
  const answers = reply.answers.slice(0, most);
  const full = encode(query, reply, answers, authority, additional, false);
  if (full.length <= limit && answers.length === reply.answers.length) return full;
  if (additional.length > 0) {
    const slim = encode(query, reply, answers, authority, [], false);
    if (slim.length <= limit && answers.length === reply.answers.length) return slim;
  }
  // Compressed names point backwards only, so a record keeps its length when later records are left out.
  const room = limit - (query.edns ? optRecordSize : 0);
  const ends = (readRecords(full) ?? []).filter(({ section }) => section === 'answer').map(({ end }) => end);
  const fit = ends.filter((end) => end <= room).length;
  return encode(query, reply, answers.slice(0, fit), [], [], true);
}

function encode(
  { packet: query, edns }: Query,
  reply: Reply,
  answers: readonly Resource[],
  authority: readonly Resource[],
  additional: readonly Resource[],
  tc: boolean,
): Buffer {
  const packet = new Packet();
  const { id, opcode, rd, cd } = query.header as Packet.Header & { cd?: number };
  const header = { id, qr: 1, opcode, rd, cd, tc: tc ? 1 : 0 };
  const { rcode, authoritative, recursionAvailable } = reply;
  const own = { aa: authoritative ? 1 : 0, ra: recursionAvailable ? 1 : 0, rcode };
  packet.header = new Packet.Header({ ...header, ...own } as Partial<Packet.Header>);
  packet.questions = query.questions.slice(0, 1);
  packet.answers = [...answers];
  packet.authorities = [...authority];
  packet.additionals = [...additional];
  if (edns) packet.additionals.push(optRecord(edns.dnssecOk));
  const writer = new ByteWriter();
  (packet.toBuffer as (writer: unknown) => Buffer).call(packet, writer);
  return Buffer.from(writer.toBuffer());
}

function optRecord(doFlag: boolean): Resource {
  return Packet.Resource.EDNS([], { udpPayloadSize, doFlag } as never) as unknown as Resource;
}

/** The record in dns2's form. `asked`, the question's spelling, replaces a name that differs from it only in case. */
export function toResource(record: DnsRecord, asked: string): Resource {
  const name = record.name.length === asked.length && record.name === asked.toLowerCase() ? asked : record.name;
  const base = { name, ttl: record.ttl, class: Packet.CLASS.IN };
  return new Packet.Resource({ ...base, ...dataOf(record) } as unknown as Partial<Resource>);
}

function dataOf(record: DnsRecord): Record<string, unknown> {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return { type: types[record.type], address: record.address };
    case 'CNAME':
    case 'PTR':
      return { type: types[record.type], domain: record.target };
    case 'NS':
      return { type: types.NS, ns: record.target };
    case 'SRV': {
      const { priority, weight, port, target } = record;
      return { type: types.SRV, priority, weight, port, target };
    }
    case 'TXT':
      return { type: types.TXT, data: [record.text] };
    case 'HINFO':
      return { type: hinfoType, data: Buffer.concat([characterString(record.cpu), characterString(record.os)]) };
    case 'SOA': {
      const { primary, admin, serial, refresh, retry, expire, minimum } = record;
      return { type: types.SOA, primary, admin, serial, refresh, retry, expiration: expire, minimum };
    }
  }
}

function characterString(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
}

const names: Readonly<Record<number, QueryType>> = {
  [types.A]: 'A',
  [types.AAAA]: 'AAAA',
  [types.CNAME]: 'CNAME',
  [types.PTR]: 'PTR',
  [types.NS]: 'NS',
  [types.SRV]: 'SRV',
  [types.TXT]: 'TXT',
  [types.SOA]: 'SOA',
  [types.ANY]: 'ANY',
  [hinfoType]: 'HINFO',
};
export const queryType = (code: number): QueryType => names[code] ?? 'OTHER';
/** For metrics: the type's name, and 'other' for every unusual type, so that clients cannot create labels. */
export const typeLabel = (code: number): string => (names[code] === undefined ? 'other' : names[code]);

/** The answer records of an upstream's message; records that dns2 cannot parse are left out. */
export function resourcesIn(message: Buffer): readonly Resource[] {
  return Packet.parse(message).answers;
}
