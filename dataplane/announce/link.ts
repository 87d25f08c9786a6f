// The link on which a node announces: the one that carries the node's own address.
import { networkInterfaces } from 'node:os';
import { type Cidr, parseCidr } from '../../controlplane/base/cidr';
import { NetworkMonitor } from '../link/monitor';
import type { Netns } from '../netns/netns';

export interface AnnounceLink {
  readonly name: string;
  readonly mac: string;
  /** The ranges of the link, of both families. No machine on the link asks for an address outside them. */
  readonly cidrs: readonly Cidr[];
}

/**
 * Follows the link of an address. All links are read only after the kernel has reported a change of a link, address or route: a node with a
 * hundred pods has as many links, and to read them with every beacon took most of an idle kube-proxy's CPU time.
 */
export class OwnLink {
  private readonly monitor: NetworkMonitor;
  private known: { readonly address: string; readonly link: AnnounceLink | undefined } | undefined;

  constructor(private readonly netns: Netns) {
    this.monitor = new NetworkMonitor(netns, () => {
      this.known = undefined;
    });
  }

  /** Undefined while no link that is up has the address. @throws Error of the kernel */
  find(address: string): AnnounceLink | undefined {
    if (this.known?.address !== address) this.known = { address, link: findLink(this.netns, address) };
    return this.known.link;
  }

  close(): void {
    this.monitor.close();
  }
}

/** Asks the kernel and not /sys, because /sys may show the links of another namespace. */
function findLink(netns: Netns, address: string): AnnounceLink | undefined {
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
