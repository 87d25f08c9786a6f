// The link that carries the node's address, and the MTU that it leaves for pods. Pure.
import type { Link, LinkAddress } from '../../../dataplane/link/model';
import type { OverlayMode } from '../../../dataplane/overlay/plan';
import { vxlanOverhead } from '../../../dataplane/overlay/vxlan';

const defaultMtu = 1500;

export interface LinksFound {
  readonly links: readonly Link[];
  readonly addresses: readonly LinkAddress[];
}

/** Undefined when no link has the address, or only loopback, whose MTU says nothing about the network. */
export function uplinkOf({ links, addresses }: LinksFound, nodeIp: string | undefined): Link | undefined {
  const holder = addresses.find(({ address }) => address === nodeIp);
  return links.find(({ index, name }) => index === holder?.link && name !== 'lo');
}

export const uplinkMtu = (found: LinksFound, nodeIp: string | undefined): number =>
  uplinkOf(found, nodeIp)?.mtu ?? defaultMtu;

/**
 * MTU of bridge and pods: that of the uplink, less the tunnel's headers if the mode may ever use a tunnel. With a larger MTU, pods
 * would depend on ICMP, which a router or firewall may drop. The pod's own MTU limits packets from the start (TCP by its MSS).
 */
export const podMtu = (found: LinksFound, nodeIp: string | undefined, mode: OverlayMode): number =>
  uplinkMtu(found, nodeIp) - (mode === 'host-gw' || nodeIp === undefined ? 0 : vxlanOverhead(nodeIp));
