// rtnetlink messages as bytes: builds requests and reads replies. Pure.
// Host byte order is little-endian on every machine Node.js supports here (x64, arm64).
import { AttrStream, parseAttributes, type StreamData } from 'netlink';
import { type Family, formatAddress, parseAddress } from '../../controlplane/base/cidr';
import { BadRequest } from '../../controlplane/base/errors';
import {
  AF_BRIDGE,
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  IFA,
  IFF_UP,
  IFLA,
  IFLA_BRPORT_MODE,
  IFLA_INFO,
  NDA,
  NUD,
  RT_SCOPE,
  RT_TABLE_MAIN,
  RTA,
  RTEXT_FILTER_SKIP_STATS,
  RTM_F_CLONED,
  RTN,
  VETH_INFO_PEER,
} from './constants';
import type { FdbEntry, Link, LinkAddress, Neighbour, Route } from './model';

export type Attrs = ReadonlyMap<number, Buffer>;

const u8 = (value: number): Buffer => Buffer.from([value]);
function u32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return out;
}
const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const readText = (data: Buffer | undefined): string => data?.toString('utf8').replace(/\0+$/, '') ?? '';
const readU32 = (data: Buffer | undefined): number =>
  data !== undefined && data.length >= 4 ? data.readUInt32LE() : 0;

export const afOf = (family: Family): number => (family === 4 ? AF_INET : AF_INET6);

/** @throws BadRequest */
export function macBytes(mac: string): Buffer {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac)) throw new BadRequest(`not a MAC address: ${JSON.stringify(mac)}`);
  return Buffer.from(mac.replaceAll(':', ''), 'hex');
}

const formatMac = (data: Buffer | undefined): string =>
  data === undefined ? '' : [...data].map((byte) => byte.toString(16).padStart(2, '0')).join(':');

/** @throws BadRequest */
export function addressBytes(address: string): Buffer {
  const { family, value } = parseAddress(address);
  return Buffer.from(value.toString(16).padStart(family === 4 ? 8 : 32, '0'), 'hex');
}

function readAddress(data: Buffer | undefined): string | undefined {
  if (data === undefined || (data.length !== 4 && data.length !== 16)) return undefined;
  return formatAddress({ family: data.length === 4 ? 4 : 6, value: BigInt(`0x${data.toString('hex')}`) });
}

export function parseAttrs(data: Buffer): Attrs {
  const attrs = new Map<number, Buffer>();
  parseAttributes(data, ({ type, data: value }) => attrs.set(type, value));
  return attrs;
}

// ---- links: struct ifinfomsg is family(1) pad(1) type(2) index(4) flags(4) change(4)

const linkHeaderLength = 16;

function linkHeader(fields: { family?: number; index?: number; up?: boolean | undefined }): Buffer {
  const header = Buffer.alloc(linkHeaderLength);
  header.writeUInt8(fields.family ?? AF_UNSPEC, 0);
  header.writeInt32LE(fields.index ?? 0, 4);
  if (fields.up !== undefined) {
    header.writeUInt32LE(fields.up ? IFF_UP : 0, 8);
    header.writeUInt32LE(IFF_UP, 12);
  }
  return header;
}

export interface LinkChange {
  readonly name?: string;
  readonly mtu?: number;
  readonly mac?: string;
  readonly up?: boolean;
  /** Index of the bridge, 0 to leave it. */
  readonly master?: number;
  readonly hairpin?: boolean;
}
/** The peer is always born down: the kernel refuses to open it (ENOTCONN) before the pair is joined. */
export interface VethPeer extends Pick<LinkChange, 'mtu' | 'mac'> {
  readonly name: string;
  /** An open file of the namespace the peer is born in. */
  readonly netnsFd: number;
}
export type LinkCreation = LinkChange & { readonly name: string } & (
    | { readonly kind: 'bridge' }
    | { readonly kind: 'veth'; readonly peer: VethPeer }
  );

function pushLinkAttrs(out: AttrStream, change: LinkChange): void {
  if (change.name !== undefined) out.push(IFLA.IFNAME, text(change.name));
  if (change.mtu !== undefined) out.push(IFLA.MTU, u32(change.mtu));
  if (change.mac !== undefined) out.push(IFLA.ADDRESS, macBytes(change.mac));
  if (change.master !== undefined) out.push(IFLA.MASTER, u32(change.master));
}

export function linkCreation(creation: LinkCreation): Uint8Array[] {
  const out = new AttrStream();
  out.emit(linkHeader({ up: creation.up }));
  pushLinkAttrs(out, creation);
  const peer = (data: AttrStream): void => {
    if (creation.kind !== 'veth') return;
    data.push(VETH_INFO_PEER, (inner: AttrStream) => {
      inner.emit(linkHeader({}));
      pushLinkAttrs(inner, creation.peer);
      inner.push(IFLA.NET_NS_FD, u32(creation.peer.netnsFd));
    });
  };
  out.push(IFLA.LINKINFO, (info: AttrStream) => {
    info.push(IFLA_INFO.KIND, text(creation.kind));
    info.push(IFLA_INFO.DATA, peer);
  });
  return out.bufs;
}

/** The link is named by `name` in the request when `index` is 0. */
export function linkChange(index: number, change: LinkChange): Uint8Array[] {
  const out = new AttrStream();
  out.emit(linkHeader({ index, up: change.up }));
  pushLinkAttrs(out, change);
  if (change.hairpin !== undefined) {
    const mode: StreamData = (data: AttrStream) => data.push(IFLA_BRPORT_MODE, u8(change.hairpin ? 1 : 0));
    out.push(IFLA.LINKINFO, (info: AttrStream) => {
      info.push(IFLA_INFO.SLAVE_KIND, text('bridge'));
      info.push(IFLA_INFO.SLAVE_DATA, mode);
    });
  }
  return out.bufs;
}

/** Asks for all links (a dump), or for one by name or index. */
export function linkQuery(which: { readonly name?: string; readonly index?: number } = {}): Uint8Array[] {
  const out = new AttrStream();
  out.emit(linkHeader(which.index === undefined ? {} : { index: which.index }));
  if (which.name !== undefined) out.push(IFLA.IFNAME, text(which.name));
  out.push(IFLA.EXT_MASK, u32(RTEXT_FILTER_SKIP_STATS));
  return out.bufs;
}

export function parseLink(message: Buffer): Link {
  const attrs = parseAttrs(message.subarray(linkHeaderLength));
  const info = parseAttrs(attrs.get(IFLA.LINKINFO) ?? Buffer.alloc(0));
  const port = info.get(IFLA_INFO.SLAVE_DATA);
  const isPort = readText(info.get(IFLA_INFO.SLAVE_KIND)) === 'bridge' && port !== undefined;
  const kind = readText(info.get(IFLA_INFO.KIND));
  return {
    index: message.readInt32LE(4),
    name: readText(attrs.get(IFLA.IFNAME)),
    kind,
    mtu: readU32(attrs.get(IFLA.MTU)),
    mac: formatMac(attrs.get(IFLA.ADDRESS)),
    up: (message.readUInt32LE(8) & IFF_UP) !== 0,
    master: readU32(attrs.get(IFLA.MASTER)),
    peer: kind === 'veth' ? readU32(attrs.get(IFLA.LINK)) : 0,
    ...(isPort ? { hairpin: parseAttrs(port).get(IFLA_BRPORT_MODE)?.[0] === 1 } : {}),
  };
}

// ---- addresses: struct ifaddrmsg is family(1) prefixlen(1) flags(1) scope(1) index(4)

const addressHeaderLength = 8;

export function addressMessage(entry: LinkAddress): Uint8Array[] {
  const header = Buffer.alloc(addressHeaderLength);
  header.writeUInt8(afOf(entry.family), 0);
  header.writeUInt8(entry.prefix, 1);
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

/** Undefined for what is no configuration of the main table: local, broadcast and cloned entries, other tables. */
export function parseRoute(message: Buffer): Route | undefined {
  const attrs = parseAttrs(message.subarray(routeHeaderLength));
  const table = attrs.has(RTA.TABLE) ? readU32(attrs.get(RTA.TABLE)) : message.readUInt8(4);
  const type = message.readUInt8(7);
  const cloned = (message.readUInt32LE(8) & RTM_F_CLONED) !== 0;
  if (table !== RT_TABLE_MAIN || cloned || (type !== RTN.UNICAST && type !== RTN.BLACKHOLE)) return undefined;
  const any = message.readUInt8(0) === AF_INET ? '0.0.0.0' : '::';
  const gateway = readAddress(attrs.get(RTA.GATEWAY));
  const source = readAddress(attrs.get(RTA.PREFSRC));
  return {
    destination: `${readAddress(attrs.get(RTA.DST)) ?? any}/${message.readUInt8(1)}`,
    type: type === RTN.BLACKHOLE ? 'blackhole' : 'unicast',
    ...(gateway === undefined ? {} : { gateway }),
    ...(attrs.has(RTA.OIF) ? { link: readU32(attrs.get(RTA.OIF)) } : {}),
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

/** The kernel reads a bridge dump by struct ifinfomsg, which is longer than struct ndmsg. */
export const fdbQuery = (): Uint8Array[] => [linkHeader({ family: AF_BRIDGE })];

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
