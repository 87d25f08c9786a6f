// Neighbour discovery of IPv6 as Ethernet frames (RFC 4861, sections 4.3, 4.4 and 7.1). Pure.
import { addressBytes, formatAddress, parseAddress, readAddress } from '../../controlplane/base/cidr';
import { formatMac, macBytes } from '../link/mac';

export const ipv6EtherType = 0x86dd;

const ethernetBytes = 14;
const ipBytes = 40;
/** type, code, checksum, flags, target */
const messageBytes = 24;
const optionBytes = 8;
const icmpAt = ethernetBytes + ipBytes;
const icmpv6 = 58;
/** The hop limit of a packet that no router forwarded: only a machine on this link can have sent it. */
const hopLimit = 255;
const solicitation = 135;
const advertisement = 136;
const targetLinkAddress = 2;
const solicitedFlag = 0x40;
const overrideFlag = 0x20;

/**
 * Classic BPF over Ethernet frames. It accepts ICMPv6 solicitations and advertisements; the kernel drops all other IPv6 frames
 * before they reach this process. [code, jump if true, jump if false, value], linux/filter.h.
 */
export const neighbourFilter: readonly (readonly [number, number, number, number])[] = [
  [0x30, 0, 0, ethernetBytes + 6],
  [0x15, 0, 4, icmpv6],
  [0x30, 0, 0, icmpAt],
  [0x15, 1, 0, solicitation],
  [0x15, 0, 1, advertisement],
  [0x06, 0, 0, 0xffff],
  [0x06, 0, 0, 0],
];

export interface NeighbourMessage {
  readonly kind: 'solicitation' | 'advertisement';
  readonly senderMac: string;
  /** `::` while the sender checks whether the address it wants is free. */
  readonly senderIp: string;
  readonly targetIp: string;
}

/** Undefined for every other frame, and for messages that RFC 4861 requires receivers to discard. */
export function parseNeighbourMessage(frame: Buffer): NeighbourMessage | undefined {
  if (frame.length < icmpAt + messageBytes || frame.readUInt16BE(12) !== ipv6EtherType) return undefined;
  const length = frame.readUInt16BE(ethernetBytes + 4);
  if (frame[ethernetBytes + 6] !== icmpv6 || frame[ethernetBytes + 7] !== hopLimit) return undefined;
  if (length < messageBytes || frame.length < icmpAt + length) return undefined;
  const type = frame[icmpAt];
  if ((type !== solicitation && type !== advertisement) || frame[icmpAt + 1] !== 0) return undefined;
  const [source, destination] = [frame.subarray(22, 38), frame.subarray(38, 54)];
  if (checksum(source, destination, frame.subarray(icmpAt, icmpAt + length)) !== 0) return undefined;
  return {
    kind: type === solicitation ? 'solicitation' : 'advertisement',
    senderMac: formatMac(frame.subarray(6, 12)),
    senderIp: readAddress(source)!,
    targetIp: readAddress(frame.subarray(icmpAt + 8, icmpAt + 24))!,
  };
}

const allNodes = { ip: 'ff02::1', mac: '33:33:00:00:00:01' };

/**
 * `address is at mac`, sent to the machine that asked. The frame's source is `from`, so that switches do not learn a wrong port
 * for `mac`.
 */
export function neighbourAnswer(asked: NeighbourMessage, mac: string, from = mac): Buffer {
  // A client without an address yet can only be reached at the all-nodes address.
  const known = asked.senderIp !== '::';
  const to = known ? { ip: asked.senderIp, mac: asked.senderMac } : allNodes;
  return advertise(asked.targetIp, { mac, from, to, flags: known ? solicitedFlag | overrideFlag : overrideFlag });
}

/**
 * To the whole link (RFC 4861, section 7.2.6). Machines that know another link address for it update their table; all others
 * ignore it.
 */
export const unsolicitedAdvertisement = (address: string, mac: string): Buffer =>
  advertise(address, { mac, from: mac, to: allNodes, flags: overrideFlag });

function advertise(
  address: string,
  { mac, from, to, flags }: { mac: string; from: string; to: { ip: string; mac: string }; flags: number },
): Buffer {
  const frame = Buffer.alloc(icmpAt + messageBytes + optionBytes);
  macBytes(to.mac).copy(frame, 0);
  macBytes(from).copy(frame, 6);
  frame.writeUInt16BE(ipv6EtherType, 12);
  frame[ethernetBytes] = 0x60;
  frame.writeUInt16BE(messageBytes + optionBytes, ethernetBytes + 4);
  frame[ethernetBytes + 6] = icmpv6;
  frame[ethernetBytes + 7] = hopLimit;
  const [source, destination] = [addressBytes(address), addressBytes(to.ip)];
  source.copy(frame, 22);
  destination.copy(frame, 38);
  frame[icmpAt] = advertisement;
  frame[icmpAt + 4] = flags;
  source.copy(frame, icmpAt + 8);
  frame[icmpAt + messageBytes] = targetLinkAddress;
  // The option's length, in units of eight bytes.
  frame[icmpAt + messageBytes + 1] = 1;
  macBytes(mac).copy(frame, icmpAt + messageBytes + 2);
  frame.writeUInt16BE(checksum(source, destination, frame.subarray(icmpAt)), icmpAt + 2);
  return frame;
}

/**
 * RFC 8200, section 8.1. The result is 0 for a message that contains its correct checksum. A last odd byte counts as the high
 * byte.
 */
function checksum(source: Buffer, destination: Buffer, message: Buffer): number {
  let sum = message.length + icmpv6;
  for (const part of [source, destination, message]) {
    for (let i = 0; i + 1 < part.length; i += 2) sum += part.readUInt16BE(i);
    if (part.length % 2 === 1) sum += part[part.length - 1]! << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/**
 * The multicast group to which solicitations for an address are sent: ff02::1:ff and the address's last three bytes (RFC 4291,
 * section 2.7.1).
 */
export const solicitedNodeGroup = (address: string): string =>
  formatAddress({
    family: 6,
    value: parseAddress('ff02::1:ff00:0').value | (parseAddress(address).value & 0xff_ffffn),
  });
