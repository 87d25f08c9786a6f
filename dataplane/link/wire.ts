// rtnetlink messages about addresses, routes, neighbours and forwarding entries as bytes: builds requests and parses replies.
// Pure.
import { AttrStream } from 'netlink';
import { addressBytes, type Family, parseAddress, readAddress } from '../../controlplane/base/cidr';
import { AF_INET, AF_INET6 } from '../libc/constants';
import {
  AF_BRIDGE,
  IFA,
  IFA_F_NODAD,
  NDA,
  NTF,
  NUD,
  RT_SCOPE,
  RT_TABLE_MAIN,
  RTA,
  RTM_F_CLONED,
  RTN,
  RTNH_F_ONLINK,
} from './constants';
import { formatMac, macBytes } from './mac';
import type { FdbEntry, LinkAddress, Neighbour, Route } from './model';
import { afOf, parseAttrs, readU32, u32 } from './wire-attrs';
import { linkHeader } from './wire-link';

// ---- addresses: struct ifaddrmsg is family(1) prefixlen(1) flags(1) scope(1) index(4)

const addressHeaderLength = 8;

export function addressMessage(entry: LinkAddress): Uint8Array[] {
  const header = Buffer.alloc(addressHeaderLength);
  header.writeUInt8(afOf(entry.family), 0);
  header.writeUInt8(entry.prefix, 1);
  // Our addresses come from ranges that only we use: no other node can have them, so no check is needed before use. IPv4 never
  // checks.
  header.writeUInt8(entry.family === 6 ? IFA_F_NODAD : 0, 2);
  header.writeUInt32LE(entry.link, 4);
  const out = new AttrStream();
  out.emit(header);
  const bytes = addressBytes(entry.address);
  out.push(IFA.LOCAL, bytes);
  out.push(IFA.ADDRESS, bytes);
  return out.bufs;
}

export const addressQuery = (): Uint8Array[] => [Buffer.alloc(addressHeaderLength)];

export function parseLinkAddress(message: Buffer): LinkAddress {
  const attrs = parseAttrs(message.subarray(addressHeaderLength));
  // On a point-to-point link IFA_ADDRESS is the other side; IFA_LOCAL is always ours where it exists.
  const address = readAddress(attrs.get(IFA.LOCAL) ?? attrs.get(IFA.ADDRESS)) ?? '';
  const family = message.readUInt8(0) === AF_INET ? 4 : 6;
  return { link: message.readUInt32LE(4), family, address, prefix: message.readUInt8(1) };
}

// ---- routes: struct rtmsg is family dst_len src_len tos table protocol scope type (1 each) flags(4)

const routeHeaderLength = 12;

export function routeMessage(route: Route): Uint8Array[] {
  const [address = '', prefix = ''] = route.destination.split('/');
  const { family } = parseAddress(address);
  const header = Buffer.alloc(routeHeaderLength);
  header.writeUInt8(afOf(family), 0);
  header.writeUInt8(Number(prefix), 1);
  header.writeUInt8(RT_TABLE_MAIN, 4);
  header.writeUInt8(route.protocol, 5);
  const onLink = route.type === 'unicast' && route.gateway === undefined;
  header.writeUInt8(onLink ? RT_SCOPE.LINK : RT_SCOPE.UNIVERSE, 6);
  header.writeUInt8(route.type === 'blackhole' ? RTN.BLACKHOLE : RTN.UNICAST, 7);
  header.writeUInt32LE(route.onLink ? RTNH_F_ONLINK : 0, 8);
  const out = new AttrStream();
  out.emit(header);
  if (Number(prefix) > 0) out.push(RTA.DST, addressBytes(address));
  if (route.gateway !== undefined) out.push(RTA.GATEWAY, addressBytes(route.gateway));
  if (route.link !== undefined) out.push(RTA.OIF, u32(route.link));
  if (route.source !== undefined) out.push(RTA.PREFSRC, addressBytes(route.source));
  if (route.metric !== undefined) out.push(RTA.PRIORITY, u32(route.metric));
  return out.bufs;
}

export function routeQuery(family: Family): Uint8Array[] {
  const header = Buffer.alloc(routeHeaderLength);
  header.writeUInt8(afOf(family), 0);
  return [header];
}

/** A request for the one route that a packet to this address would take. */
export function routeQueryTo(address: string): Uint8Array[] {
  const bytes = addressBytes(address);
  const header = Buffer.alloc(routeHeaderLength);
  header.writeUInt8(bytes.length === 4 ? AF_INET : AF_INET6, 0);
  header.writeUInt8(bytes.length * 8, 1);
  const out = new AttrStream();
  out.emit(header);
  out.push(RTA.DST, bytes);
  return out.bufs;
}

export function parseRouteChoice(message: Buffer): Pick<Route, 'source' | 'link'> {
  const attrs = parseAttrs(message.subarray(routeHeaderLength));
  const source = readAddress(attrs.get(RTA.PREFSRC));
  return { ...(source === undefined ? {} : { source }), link: readU32(attrs.get(RTA.OIF)) };
}

/** Undefined for entries that are not configuration of the main table: local, broadcast and cloned entries, other tables. */
export function parseRoute(message: Buffer): Route | undefined {
  const attrs = parseAttrs(message.subarray(routeHeaderLength));
  const table = attrs.has(RTA.TABLE) ? readU32(attrs.get(RTA.TABLE)) : message.readUInt8(4);
  const type = message.readUInt8(7);
  const flags = message.readUInt32LE(8);
  const cloned = (flags & RTM_F_CLONED) !== 0;
  if (table !== RT_TABLE_MAIN || cloned || (type !== RTN.UNICAST && type !== RTN.BLACKHOLE)) return undefined;
  const any = message.readUInt8(0) === AF_INET ? '0.0.0.0' : '::';
  const gateway = readAddress(attrs.get(RTA.GATEWAY));
  const source = readAddress(attrs.get(RTA.PREFSRC));
  return {
    destination: `${readAddress(attrs.get(RTA.DST)) ?? any}/${message.readUInt8(1)}`,
    type: type === RTN.BLACKHOLE ? 'blackhole' : 'unicast',
    ...(gateway === undefined ? {} : { gateway }),
    ...(attrs.has(RTA.OIF) ? { link: readU32(attrs.get(RTA.OIF)) } : {}),
    ...((flags & RTNH_F_ONLINK) === 0 ? {} : { onLink: true }),
    ...(source === undefined ? {} : { source }),
    ...(attrs.has(RTA.PRIORITY) ? { metric: readU32(attrs.get(RTA.PRIORITY)) } : {}),
    protocol: message.readUInt8(5),
  };
}

// ---- neighbours and forwarding entries: struct ndmsg is family(1) pad(3) index(4) state(2) flags(1) type(1)

const neighbourHeaderLength = 12;

function neighbourHeader(fields: { family: number; link?: number; state?: number; flags?: number }): Buffer {
  const header = Buffer.alloc(neighbourHeaderLength);
  header.writeUInt8(fields.family, 0);
  header.writeUInt32LE(fields.link ?? 0, 4);
  header.writeUInt16LE(fields.state ?? 0, 8);
  header.writeUInt8(fields.flags ?? 0, 10);
  return header;
}

export function neighbourMessage(entry: Omit<Neighbour, 'mac'> & { readonly mac?: string }): Uint8Array[] {
  const out = new AttrStream();
  out.emit(neighbourHeader({ family: afOf(parseAddress(entry.address).family), link: entry.link, state: entry.state }));
  out.push(NDA.DST, addressBytes(entry.address));
  if (entry.mac !== undefined) out.push(NDA.LLADDR, macBytes(entry.mac));
  return out.bufs;
}

export const neighbourQuery = (family: Family): Uint8Array[] => [neighbourHeader({ family: afOf(family) })];

export function parseNeighbour(message: Buffer): Neighbour {
  const attrs = parseAttrs(message.subarray(neighbourHeaderLength));
  return {
    link: message.readUInt32LE(4),
    address: readAddress(attrs.get(NDA.DST)) ?? '',
    mac: formatMac(attrs.get(NDA.LLADDR)),
    state: message.readUInt16LE(8),
  };
}

/** The entry of a VXLAN link itself (`self`): frames to this MAC go to that tunnel end point. */
export function fdbMessage({ link, mac, destination }: Omit<FdbEntry, 'permanent'>): Uint8Array[] {
  const out = new AttrStream();
  out.emit(neighbourHeader({ family: AF_BRIDGE, link, state: NUD.PERMANENT | NUD.NOARP, flags: NTF.SELF }));
  out.push(NDA.LLADDR, macBytes(mac));
  if (destination !== undefined) out.push(NDA.DST, addressBytes(destination));
  return out.bufs;
}

/**
 * A request for the entries of all links, or of one. For a bridge dump the kernel reads a struct ifinfomsg, which is longer
 * than struct ndmsg.
 */
export const fdbQuery = (link = 0): Uint8Array[] => [linkHeader({ family: AF_BRIDGE, index: link })];

export function parseFdbEntry(message: Buffer): FdbEntry {
  const attrs = parseAttrs(message.subarray(neighbourHeaderLength));
  const destination = readAddress(attrs.get(NDA.DST));
  return {
    link: message.readUInt32LE(4),
    mac: formatMac(attrs.get(NDA.LLADDR)),
    ...(destination === undefined ? {} : { destination }),
    permanent: (message.readUInt16LE(8) & (NUD.PERMANENT | NUD.NOARP)) !== 0,
  };
}
