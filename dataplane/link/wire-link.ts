// rtnetlink messages about links: struct ifinfomsg is family(1) pad(1) type(2) index(4) flags(4) change(4). Pure.
import { AttrStream, type StreamData } from 'netlink';
import { addressBytes, readAddress } from '../../controlplane/base/cidr';
import {
  AF_UNSPEC,
  BR_BOOLOPT_NO_LL_LEARN,
  IFF_UP,
  IFLA,
  IFLA_BR_MULTI_BOOLOPT,
  IFLA_BRPORT_MODE,
  IFLA_INFO,
  IFLA_VXLAN,
  RTEXT_FILTER_SKIP_STATS,
  VETH_INFO_PEER,
} from './constants';
import { formatMac, macBytes } from './mac';
import type { Link, Vxlan } from './model';
import { parseAttrs, readText, readU32, text, u8, u16BigEndian, u32 } from './wire-attrs';

const linkHeaderLength = 16;

export function linkHeader(fields: { family?: number; index?: number; up?: boolean | undefined }): Buffer {
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
  /** Only for a bridge. */
  readonly learnsLinkLocal?: boolean;
}
/** The peer is always created down: the kernel refuses to set it up (ENOTCONN) before the pair is joined. */
export interface VethPeer extends Pick<LinkChange, 'mtu' | 'mac'> {
  readonly name: string;
  /** An open file of the namespace in which the peer is created. */
  readonly netnsFd: number;
}
export type LinkCreation = LinkChange & { readonly name: string } & (
    | { readonly kind: 'bridge' }
    | { readonly kind: 'veth'; readonly peer: VethPeer }
    | { readonly kind: 'vxlan'; readonly vxlan: Vxlan }
  );

function pushLinkAttrs(out: AttrStream, change: LinkChange): void {
  if (change.name !== undefined) out.push(IFLA.IFNAME, text(change.name));
  if (change.mtu !== undefined) out.push(IFLA.MTU, u32(change.mtu));
  if (change.mac !== undefined) out.push(IFLA.ADDRESS, macBytes(change.mac));
  if (change.master !== undefined) out.push(IFLA.MASTER, u32(change.master));
}

function pushVxlan(data: AttrStream, { id, port, local }: Vxlan): void {
  const address = addressBytes(local);
  data.push(IFLA_VXLAN.ID, u32(id));
  data.push(address.length === 4 ? IFLA_VXLAN.LOCAL : IFLA_VXLAN.LOCAL6, address);
  data.push(IFLA_VXLAN.PORT, u16BigEndian(port));
  // Forwarding entries say where each MAC is; the link never learns from frames.
  data.push(IFLA_VXLAN.LEARNING, u8(0));
  // RFC 7348, 5: the outer UDP checksum should be zero over IPv4. Over IPv6 the kernel fills it in.
  data.push(IFLA_VXLAN.UDP_CSUM, u8(0));
}

function readVxlan(data: Buffer): Vxlan {
  const attrs = parseAttrs(data);
  return {
    id: readU32(attrs.get(IFLA_VXLAN.ID)),
    port: attrs.get(IFLA_VXLAN.PORT)?.readUInt16BE() ?? 0,
    local: readAddress(attrs.get(IFLA_VXLAN.LOCAL) ?? attrs.get(IFLA_VXLAN.LOCAL6)) ?? '',
  };
}

function pushBridge(data: AttrStream, { learnsLinkLocal }: LinkChange): void {
  if (learnsLinkLocal === undefined) return;
  const value = learnsLinkLocal ? 0 : BR_BOOLOPT_NO_LL_LEARN;
  data.push(IFLA_BR_MULTI_BOOLOPT, Buffer.concat([u32(value), u32(BR_BOOLOPT_NO_LL_LEARN)]));
}

function readLearnsLinkLocal(data: Buffer | undefined): boolean | undefined {
  const options = parseAttrs(data ?? Buffer.alloc(0)).get(IFLA_BR_MULTI_BOOLOPT);
  return options && (readU32(options) & BR_BOOLOPT_NO_LL_LEARN) === 0;
}

export function linkCreation(creation: LinkCreation): Uint8Array[] {
  const out = new AttrStream();
  out.emit(linkHeader({ up: creation.up }));
  pushLinkAttrs(out, creation);
  const details = (data: AttrStream): void => {
    if (creation.kind === 'vxlan') pushVxlan(data, creation.vxlan);
    if (creation.kind === 'bridge') pushBridge(data, creation);
    if (creation.kind !== 'veth') return;
    data.push(VETH_INFO_PEER, (inner: AttrStream) => {
      inner.emit(linkHeader({}));
      pushLinkAttrs(inner, creation.peer);
      inner.push(IFLA.NET_NS_FD, u32(creation.peer.netnsFd));
    });
  };
  out.push(IFLA.LINKINFO, (info: AttrStream) => {
    info.push(IFLA_INFO.KIND, text(creation.kind));
    info.push(IFLA_INFO.DATA, details);
  });
  return out.bufs;
}

/** `index` 0: the name in the request selects the link. */
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
  if (change.learnsLinkLocal !== undefined) {
    out.push(IFLA.LINKINFO, (info: AttrStream) => {
      info.push(IFLA_INFO.KIND, text('bridge'));
      info.push(IFLA_INFO.DATA, (data: AttrStream) => pushBridge(data, change));
    });
  }
  return out.bufs;
}

/** A request for all links (a dump), or for one by name or index. */
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
  const learnsLinkLocal = kind === 'bridge' ? readLearnsLinkLocal(info.get(IFLA_INFO.DATA)) : undefined;
  return {
    index: message.readInt32LE(4),
    name: readText(attrs.get(IFLA.IFNAME)),
    kind,
    mtu: readU32(attrs.get(IFLA.MTU)),
    mac: formatMac(attrs.get(IFLA.ADDRESS)),
    up: (message.readUInt32LE(8) & IFF_UP) !== 0,
    master: readU32(attrs.get(IFLA.MASTER)),
    peer: kind === 'veth' ? readU32(attrs.get(IFLA.LINK)) : 0,
    ...(kind === 'vxlan' ? { vxlan: readVxlan(info.get(IFLA_INFO.DATA) ?? Buffer.alloc(0)) } : {}),
    ...(learnsLinkLocal === undefined ? {} : { learnsLinkLocal }),
    ...(isPort ? { hairpin: parseAttrs(port).get(IFLA_BRPORT_MODE)?.[0] === 1 } : {}),
  };
}
