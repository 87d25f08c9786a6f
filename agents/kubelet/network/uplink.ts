// The link that carries the node's address, and what of its MTU is left for pods. Pure.
import type { Link, LinkAddress } from '../../../dataplane/link/model';
import type { OverlayMode } from '../../../dataplane/overlay/plan';
import { vxlanOverhead } from '../../../dataplane/overlay/vxlan';

const defaultMtu = 1500;

export interface LinksFound {
  readonly links: readonly Link[];
  readonly addresses: readonly LinkAddress[];
}

/** Undefined when no link has the address, or only loopback: that says nothing about the wire. */
export function uplinkOf({ links, addresses }: LinksFound, nodeIp: string | undefined): Link | undefined {
  const holder = addresses.find(({ address }) => address === nodeIp);
  return links.find(({ index, name }) => index === holder?.link && name !== 'lo');
}

export const uplinkMtu = (found: LinksFound, nodeIp: string | undefined): number =>
  uplinkOf(found, nodeIp)?.mtu ?? defaultMtu;

/**
 * MTU of bridge and pods: that of the uplink, less the headers of the tunnel wherever the mode may ever use it. A pod whose
 * packets have to shrink on the way depends on ICMP, which others may drop; its own MTU tells everyone beforehand (TCP by its MSS).
 */
export const podMtu = (found: LinksFound, nodeIp: string | undefined, mode: OverlayMode): number =>
  uplinkMtu(found, nodeIp) - (mode === 'host-gw' || nodeIp === undefined ? 0 : vxlanOverhead(nodeIp));
