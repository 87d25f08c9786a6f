// Reports changes of links, addresses and routes in a namespace, as the kernel reports them.
import { Protocol } from 'netlink';
import { listenToGroups } from '../netns/netlink-groups';
import type { Netns } from '../netns/netns';
import { RTM, RTNLGRP } from './constants';
import type { Link, LinkAddress, Route } from './model';
import { parseFdbEntry, parseLinkAddress, parseRoute } from './wire';
import { parseLink } from './wire-link';

export type NetworkChange =
  | { readonly type: 'link' | 'link-removed'; readonly link: Link }
  | { readonly type: 'route' | 'route-removed'; readonly route: Route }
  /** Only on request: a neighbour or forwarding entry of this link was removed. */
  | { readonly type: 'neighbour-removed'; readonly link: number }
  | { readonly type: 'address' | 'address-removed'; readonly address: LinkAddress }
  /** Reports were lost: read everything again. */
  | { readonly type: 'overrun' };

/** Enough for the removal of a hundred pods at once. */
const receiveBufferBytes = 1024 * 1024;

const groups = [RTNLGRP.LINK, RTNLGRP.IPV4_IFADDR, RTNLGRP.IPV6_IFADDR, RTNLGRP.IPV4_ROUTE, RTNLGRP.IPV6_ROUTE];

export class NetworkMonitor {
  private readonly listener: { close(): void };

  /** Opens the socket inside `netns`; later changes are reported. The socket does not keep the process alive. */
  constructor(
    netns: Netns,
    onChange: (change: NetworkChange) => void,
    { neighbours = false }: { readonly neighbours?: boolean } = {},
  ) {
    this.listener = listenToGroups(netns, {
      protocol: Protocol.ROUTE,
      groups: neighbours ? [...groups, RTNLGRP.NEIGH] : groups,
      receiveBufferBytes,
      onMessage: (type, data) => {
        const change = readChange(type, data);
        if (change) onChange(change);
      },
      onOverrun: () => onChange({ type: 'overrun' }),
    });
  }

  close(): void {
    this.listener.close();
  }
}

function readChange(type: number, data: Buffer): NetworkChange | undefined {
  switch (type) {
    case RTM.NEWLINK:
      return { type: 'link', link: parseLink(data) };
    case RTM.DELLINK:
      return { type: 'link-removed', link: parseLink(data) };
    case RTM.NEWADDR:
      return { type: 'address', address: parseLinkAddress(data) };
    case RTM.DELADDR:
      return { type: 'address-removed', address: parseLinkAddress(data) };
    case RTM.DELNEIGH:
      return { type: 'neighbour-removed', link: parseFdbEntry(data).link };
    case RTM.NEWROUTE:
    case RTM.DELROUTE: {
      const route = parseRoute(data);
      return route && { type: type === RTM.NEWROUTE ? 'route' : 'route-removed', route };
    }
    default:
      return undefined;
  }
}
