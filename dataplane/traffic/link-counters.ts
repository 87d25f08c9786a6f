// rtnetlink messages about links with their counters (struct rtnl_link_stats64). Pure.
import { IFLA } from '../link/constants';
import { parseAttrs, readText, readU32 } from '../link/wire-attrs';
import { linkHeader } from '../link/wire-link';

const IFLA_STATS64 = 23;
const linkHeaderBytes = 16;

export interface LinkCounters {
  readonly index: number;
  readonly name: string;
  /** Of a veth: the index of its other end. */
  readonly peer: number;
  readonly received: Counters;
  readonly sent: Counters;
}
export interface Counters {
  readonly packets: number;
  readonly bytes: number;
  readonly dropped: number;
}

/** A dump of all links, with counters. */
export const linkCountersQuery = (): Uint8Array[] => [linkHeader({})];

export function parseLinkCounters(message: Buffer): LinkCounters {
  const attrs = parseAttrs(message.subarray(linkHeaderBytes));
  const stats = attrs.get(IFLA_STATS64);
  // In the order of the struct: packets, bytes, errors, dropped, each for both directions.
  const field = (i: number): number =>
    stats === undefined || stats.length < i * 8 + 8 ? 0 : Number(stats.readBigUInt64LE(i * 8));
  return {
    index: message.readInt32LE(4),
    name: readText(attrs.get(IFLA.IFNAME)),
    peer: readU32(attrs.get(IFLA.LINK)),
    received: { packets: field(0), bytes: field(2), dropped: field(6) },
    sent: { packets: field(1), bytes: field(3), dropped: field(7) },
  };
}
