// Builds Ethernet frames, which a pod with CAP_NET_RAW can send, and receives frames on another link.
import { addressBytes, parseAddress } from '../../controlplane/base/cidr';
import type { Scope } from '../../controlplane/base/scope';
import { macBytes } from '../../dataplane/link/mac';
import { openPacketSocket, type PacketSocket } from '../../dataplane/netns/packet-socket';
import type { TestNetns } from './netns';
import { internetChecksum } from './raw-packets';

export const broadcastMac = 'ff:ff:ff:ff:ff:ff';
export const allNodes = { ip: 'ff02::1', mac: '33:33:00:00:00:01' } as const;
const etherTypes = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd } as const;
const protocols = { hopByHop: 0, ipInIp: 4, udp: 17, icmpv6: 58, destinationOptions: 60 } as const;

interface Between {
  readonly from: string;
  readonly to: string;
}

export function ethernet({ from, to }: Between, type: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(14);
  macBytes(to).copy(head, 0);
  macBytes(from).copy(head, 6);
  head.writeUInt16BE(type, 12);
  return Buffer.concat([head, payload]);
}

/** The same frame with an 802.1Q tag; with several tags, the first is an 802.1ad tag. */
export function tagged(frame: Buffer, ...tags: number[]): Buffer {
  const tagBytes = tags.map((id, i) => {
    const tag = Buffer.alloc(4);
    tag.writeUInt16BE(i < tags.length - 1 ? 0x88a8 : etherTypes.vlan, 0);
    tag.writeUInt16BE(id, 2);
    return tag;
  });
  return Buffer.concat([frame.subarray(0, 12), ...tagBytes, frame.subarray(12)]);
}

const discardPort = 9;

function udp(data: Buffer, port = discardPort): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(discardPort, 0);
  head.writeUInt16BE(port, 2);
  head.writeUInt16BE(8 + data.length, 4);
  return Buffer.concat([head, data]);
}

function ipv4Packet({ from, to }: Between, protocol: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt8(0x45, 0);
  head.writeUInt16BE(20 + payload.length, 2);
  head.writeUInt8(64, 8);
  head.writeUInt8(protocol, 9);
  addressBytes(from).copy(head, 12);
  addressBytes(to).copy(head, 16);
  head.writeUInt16BE(internetChecksum(head), 10);
  return Buffer.concat([head, payload]);
}

/** A datagram in IPv4 or IPv6, by the family of its addresses. */
export function udpFrame(mac: Between, ip: Between, data: Buffer, port = discardPort): Buffer {
  if (parseAddress(ip.from).family === 4) {
    return ethernet(mac, etherTypes.ipv4, ipv4Packet(ip, protocols.udp, udp(data, port)));
  }
  const message = udp(data, port);
  return ethernet(mac, etherTypes.ipv6, ipv6Packet(ip, protocols.udp, withChecksum(ip, protocols.udp, message, 6)));
}

/** A datagram with `inner` addresses in a packet with `outer` ones (RFC 2003). */
export function ipInIpFrame(mac: Between, outer: Between, inner: Between, data: Buffer): Buffer {
  const packet = ipv4Packet(outer, protocols.ipInIp, ipv4Packet(inner, protocols.udp, udp(data)));
  return ethernet(mac, etherTypes.ipv4, packet);
}

export interface ArpFields {
  readonly operation: 1 | 2;
  readonly sender: { readonly mac: string; readonly ip: string };
  readonly target: { readonly mac?: string; readonly ip: string };
}
export function arpFrame(mac: Between, { operation, sender, target }: ArpFields): Buffer {
  const fixed = Buffer.from([0, 1, 8, 0, 6, 4, 0, operation]);
  const targetMac = macBytes(target.mac ?? '00:00:00:00:00:00');
  const body = [fixed, macBytes(sender.mac), addressBytes(sender.ip), targetMac, addressBytes(target.ip)];
  return ethernet(mac, etherTypes.arp, Buffer.concat(body));
}

function ipv6Packet({ from, to }: Between, next: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(40);
  head.writeUInt8(0x60, 0);
  head.writeUInt16BE(payload.length, 4);
  head.writeUInt8(next, 6);
  head.writeUInt8(255, 7);
  addressBytes(from).copy(head, 8);
  addressBytes(to).copy(head, 24);
  return Buffer.concat([head, payload]);
}

function withChecksum({ from, to }: Between, protocol: number, message: Buffer, at: number): Buffer {
  const pseudo = Buffer.alloc(40);
  addressBytes(from).copy(pseudo, 0);
  addressBytes(to).copy(pseudo, 16);
  pseudo.writeUInt32BE(message.length, 32);
  pseudo.writeUInt8(protocol, 39);
  const out = Buffer.from(message);
  out.writeUInt16BE(internetChecksum(Buffer.concat([pseudo, out])), at);
  return out;
}

const icmpTypes = {
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighbourSolicitation: 135,
  neighbourAdvertisement: 136,
  redirect: 137,
  listenerReport: 143,
} as const;

export interface Icmp6 {
  readonly type: keyof typeof icmpTypes;
  /** The bytes after the checksum, with options. */
  readonly body: Buffer;
  /** Empty options headers in front of the message. */
  readonly behind?: readonly ('hopByHop' | 'destinationOptions')[];
}

export function icmp6Frame(mac: Between, ip: Between, { type, body, behind = [] }: Icmp6): Buffer {
  const message = withChecksum(ip, protocols.icmpv6, Buffer.concat([Buffer.from([icmpTypes[type], 0, 0, 0]), body]), 2);
  const chain = [...behind.map((name) => protocols[name]), protocols.icmpv6];
  // Next header, length 0 (eight bytes), PadN with four bytes.
  const headers = chain.slice(1).map((next) => Buffer.from([next, 0, 1, 4, 0, 0, 0, 0]));
  return ethernet(mac, etherTypes.ipv6, ipv6Packet(ip, chain[0]!, Buffer.concat([...headers, message])));
}

/** Body of a solicitation or advertisement: flags, target, and the link-layer address of the target or sender. */
export const neighbourBody = (target: string, mac: string, option: 1 | 2, flags = 0x20): Buffer =>
  Buffer.concat([Buffer.from([flags, 0, 0, 0]), addressBytes(target), Buffer.from([option, 1]), macBytes(mac)]);

/** Body of a router advertisement: hop limit, flags, 1800 s, no times. */
export const routerBody = (): Buffer => Buffer.from([64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]);

/** The frames that one link of a namespace has received. It waits for a known last frame, not for a time. */
export class FrameTap {
  private readonly seen: Buffer[] = [];
  private wake = Promise.withResolvers<void>();
  private readonly socket: PacketSocket;

  constructor(netns: TestNetns, link: string, scope: Scope) {
    const everyProtocol = 3;
    this.socket = openPacketSocket(netns, {
      link,
      protocol: everyProtocol,
      onFrame: (frame) => {
        this.seen.push(Buffer.from(frame));
        this.wake.resolve();
      },
      onError: (err) => this.wake.reject(err),
    });
    const keepAlive = setInterval(() => {}, 1000);
    scope.defer(() => {
      clearInterval(keepAlive);
      this.socket.close();
    });
  }

  send(frame: Buffer): void {
    this.socket.send(frame);
  }

  has(bytes: Buffer): boolean {
    return this.seen.some((frame) => frame.includes(bytes));
  }

  async until(bytes: Buffer): Promise<void> {
    while (!this.has(bytes)) {
      this.wake = Promise.withResolvers();
      await this.wake.promise;
    }
  }
}
