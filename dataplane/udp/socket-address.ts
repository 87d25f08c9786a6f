// struct sockaddr_in and sockaddr_in6 as bytes (ip(7), ipv6(7)). For little-endian machines only: Node.js is built for no others
// here.
import { isIP } from 'node:net';
import { addressBytes, readAddress } from '../../controlplane/base/cidr';
import { AF_INET, AF_INET6 } from '../libc/constants';

/** Size of the larger struct. */
export const maxAddressBytes = 28;

export interface Peer {
  readonly address: string;
  readonly port: number;
}

/** Writes to the start of `out`; returns the length, or 0 when the text has a zone (fe80::1%eth0) or is not an address. */
export function writePeer(out: Buffer, { address, port }: Peer): number {
  const family = isIP(address);
  if (family === 0 || address.includes('%')) return 0;
  out.writeUInt16LE(family === 4 ? AF_INET : AF_INET6, 0);
  out.writeUInt16BE(port, 2);
  if (family === 4) {
    writeDotted(out, address);
    out.fill(0, 8, 16);
    return 16;
  }
  out.fill(0, 4, maxAddressBytes);
  addressBytes(address).copy(out, 8);
  return maxAddressBytes;
}

/** Runs for each datagram, so it creates no strings. */
function writeDotted(out: Buffer, address: string): void {
  let part = 0;
  let at = 4;
  for (let i = 0; i < address.length; i++) {
    const code = address.charCodeAt(i);
    if (code === 46 /* . */) {
      out[at++] = part;
      part = 0;
    } else part = part * 10 + code - 48;
  }
  out[at] = part;
}

/** Parses an address that the kernel wrote; undefined for another family. */
export function readPeer(bytes: Buffer): Peer | undefined {
  const kind = bytes.readUInt16LE(0);
  const port = bytes.readUInt16BE(2);
  if (kind === AF_INET) return { address: readAddress(bytes.subarray(4, 8))!, port };
  if (kind === AF_INET6) return { address: readAddress(bytes.subarray(8, 24))!, port };
  return undefined;
}

export const familyNumber = (host: string): number => (isIP(host) === 6 ? AF_INET6 : AF_INET);
