// The link on which a node announces: the one that carries the node's own address.
import { networkInterfaces } from 'node:os';
import { type Cidr, parseCidr } from '../../controlplane/base/cidr';
import type { Netns } from '../netns/netns';

export interface AnnounceLink {
  readonly name: string;
  readonly mac: string;
  /** The range of the link: an address outside it is nobody's neighbour. */
  readonly cidr: Cidr;
}

/** Undefined while no link that is up has the address. Asks the kernel, not /sys, which shows the links of another namespace. */
export function findLink(netns: Netns, address: string): AnnounceLink | undefined {
  for (const [name, entries] of Object.entries(netns.enter(() => networkInterfaces()))) {
    const found = entries?.find((entry) => entry.address === address && entry.cidr !== null);
    // A labelled address shows under NAME:LABEL.
    if (found) return { name: name.split(':')[0]!, mac: found.mac, cidr: parseCidr(found.cidr!) };
  }
  return undefined;
}
