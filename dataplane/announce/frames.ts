// Ethernet frames as bytes: ARP (RFC 826), and the beacon by which announcers find each other. Pure.
import { addressBytes, readAddress } from '../../controlplane/base/cidr';
import { formatMac, macBytes } from '../link/mac';

export const etherTypes = {
  arp: 0x0806,
  /** IEEE 802's Local Experimental EtherType 1. It is private to a link: no router forwards it. */
  beacon: 0x88b5,
} as const;

const broadcast = Buffer.alloc(6, 0xff);
const headerLength = 14;
const arpLength = 28;

export interface Arp {
  readonly operation: 'request' | 'reply';
  readonly senderMac: string;
  readonly senderIp: string;
  readonly targetIp: string;
}

function header(to: Buffer, from: string, type: number): Buffer {
  const out = Buffer.alloc(headerLength);
  to.copy(out, 0);
  macBytes(from).copy(out, 6);
  out.writeUInt16BE(type, 12);
  return out;
}

/** htype(2) ptype(2) hlen(1) plen(1) oper(2) sha(6) spa(4) tha(6) tpa(4), for IPv4 on Ethernet. */
function arpBody(operation: 1 | 2, sender: { mac: string; ip: string }, target: { mac: Buffer; ip: string }): Buffer {
  const fixed = Buffer.from([0, 1, 8, 0, 6, 4, 0, operation]);
  return Buffer.concat([fixed, macBytes(sender.mac), addressBytes(sender.ip), target.mac, addressBytes(target.ip)]);
}

/** The link address of the sender, from the frame's header. */
export const senderOf = (frame: Buffer): string => formatMac(frame.subarray(6, 12));

/** Undefined when the frame is not ARP for IPv4 on Ethernet. */
export function parseArp(frame: Buffer): Arp | undefined {
  if (frame.length < headerLength + arpLength || frame.readUInt16BE(12) !== etherTypes.arp) return undefined;
  const body = frame.subarray(headerLength);
  const operation = body.readUInt16BE(6);
  if (body.readUInt32BE(0) !== 0x0001_0800 || body.readUInt16BE(4) !== 0x0604 || (operation !== 1 && operation !== 2)) {
    return undefined;
  }
  return {
    operation: operation === 1 ? 'request' : 'reply',
    senderMac: formatMac(body.subarray(8, 14)),
    senderIp: readAddress(body.subarray(14, 18))!,
    targetIp: readAddress(body.subarray(24, 28))!,
  };
}

/**
 * `address is at mac`, sent to the machine that asked. The frame's source is `from`, so that switches do not learn a wrong port
 * for `mac`.
 */
export function arpReply(request: Arp, mac: string, from = mac): Buffer {
  const asker = macBytes(request.senderMac);
  const body = arpBody(2, { mac, ip: request.targetIp }, { mac: asker, ip: request.senderIp });
  return Buffer.concat([header(asker, from, etherTypes.arp), body]);
}

/** An announcement to the whole link (RFC 5227): some machines update their tables from the request form, some from the reply. */
export function gratuitousArp(address: string, mac: string): readonly Buffer[] {
  const sender = { mac, ip: address };
  return ([1, 2] as const).map((operation) => {
    const target = { mac: operation === 1 ? Buffer.alloc(6) : broadcast, ip: address };
    return Buffer.concat([header(broadcast, mac, etherTypes.arp), arpBody(operation, sender, target)]);
  });
}

export interface Beacon {
  /** Name and address of the sending node, as in its Node object. */
  readonly node: string;
  readonly address: string;
  /**
   * The newest revision among the Node objects that the sender knows. A sender that knows less than others has lost the API
   * server.
   */
  readonly revision: number;
  /**
   * `starting`: it listens, and will be able in a moment; `unable`: it is alive but must not get addresses; `leaving`: it shuts
   * down in order, and most often starts again.
   */
  readonly state: 'able' | 'starting' | 'unable' | 'leaving';
}

const magic = 'k8ts-announcer/1 ';

/** Broadcast on the link: `k8ts-announcer/1 {"node":"worker-1",...}`. */
export function renderBeacon(beacon: Beacon, mac: string): Buffer {
  return Buffer.concat([header(broadcast, mac, etherTypes.beacon), Buffer.from(magic + JSON.stringify(beacon))]);
}

/** Undefined when the frame is not a beacon: any machine on the link may send anything. */
export function parseBeacon(frame: Buffer): Beacon | undefined {
  if (frame.length < headerLength || frame.readUInt16BE(12) !== etherTypes.beacon) return undefined;
  const text = frame.subarray(headerLength).toString('utf8');
  if (!text.startsWith(magic)) return undefined;
  try {
    const { node, address, revision, state } = JSON.parse(text.slice(magic.length).replace(/\0+$/, ''));
    const known = ['able', 'starting', 'unable', 'leaving'].includes(state);
    if (typeof node !== 'string' || typeof address !== 'string' || !Number.isSafeInteger(revision) || !known) {
      return undefined;
    }
    return { node, address, revision, state };
  } catch {
    return undefined;
  }
}
