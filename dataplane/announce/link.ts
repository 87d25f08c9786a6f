// The link on which a node announces: the one that carries the node's own address.
import { networkInterfaces } from 'node:os';
import { type Cidr, parseCidr } from '../../controlplane/base/cidr';
import type { Netns } from '../netns/netns';

export interface AnnounceLink {
  readonly name: string;
  readonly mac: string;
  /** The ranges of the link, of both families. No machine on the link asks for an address outside them. */
  readonly cidrs: readonly Cidr[];
}

/**
 * Undefined while no link that is up has the address. Asks the kernel and not /sys, because /sys may show the links of another
 * namespace.
 */
export function findLink(netns: Netns, address: string): AnnounceLink | undefined {
  for (const [name, entries] of Object.entries(netns.enter(() => networkInterfaces()))) {
    const found = entries?.find((entry) => entry.address === address);
    if (!found) continue;
    const others = entries?.filter((entry) => entry !== found && !entry.address.startsWith('fe80:')) ?? [];
    const cidrs = [found, ...others].flatMap(({ cidr }) => (cidr === null ? [] : [parseCidr(cidr)]));
    // Node.js lists an address with a label under NAME:LABEL.
    return { name: name.split(':')[0]!, mac: found.mac, cidrs };
  }
  return undefined;
}
