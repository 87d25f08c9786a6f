// Is a pod's wire complete? Pure: compares what both namespaces show with what attach() makes.
import type { Link, LinkAddress, Route } from '../../../dataplane/link/model';
import type { NetworkChange } from '../../../dataplane/link/monitor';
import { bridgeName, macOf } from './names';

/** Pods see no neighbours: everything but their own address goes to the gateway, and so through the node's rules. */
export const podPrefix = 32;
/** rtm_protocol of a route that a set-up program made: what `ip route` writes. */
const bootProtocol = 3;

/** The routes inside a pod: the gateway is on the link, all else behind it. */
export const podRoutes = (gateway: string, link: number): readonly Route[] => [
  { destination: `${gateway}/32`, type: 'unicast', link, protocol: bootProtocol },
  { destination: '0.0.0.0/0', type: 'unicast', gateway, link, protocol: bootProtocol },
];

export interface WireWish {
  readonly ip: string;
  readonly gateway: string;
  readonly mtu: number;
  readonly bridgeIndex: number;
}

/** What is found: the near end on the node, and the pod's own links, addresses and routes. */
export interface WireFound {
  readonly near: Link | undefined;
  readonly far: Link | undefined;
  readonly addresses: readonly LinkAddress[];
  readonly routes: readonly Route[];
}

/** The first thing that is wrong with the wire, or undefined when it is complete. */
export function findFault(wish: WireWish, { near, far, addresses, routes }: WireFound): string | undefined {
  if (near === undefined) return 'no link on the node';
  if (far === undefined) return 'no link in the pod';
  if (near.peer !== far.index || far.peer !== near.index) return 'the two links are not one pair';
  if (near.master !== wish.bridgeIndex) return 'not a port of the bridge';
  if (near.hairpin !== true) return 'hairpin is off';
  if (!near.up || !far.up) return 'a link is down';
  if (far.mac !== macOf(wish.ip)) return 'another MAC address';
  if (near.mtu !== wish.mtu || far.mtu !== wish.mtu) return 'another MTU';
  const onFar = addresses.filter(({ link, family }) => link === far.index && family === 4);
  const exact = onFar.length === 1 && onFar[0]?.address === wish.ip && onFar[0].prefix === podPrefix;
  if (!exact) return 'another address';
  const missing = podRoutes(wish.gateway, far.index).find(
    (wanted) => !routes.some((route) => route.destination === wanted.destination && route.gateway === wanted.gateway),
  );
  return missing === undefined ? undefined : `no route to ${missing.destination}`;
}

/** A wire that left the bridge, was put down on the node or has another MTU is mended in place: the pod keeps its link and address. */
export const nearFault = ({ near, far }: WireFound): boolean =>
  near !== undefined && far !== undefined && near.peer === far.index && far.peer === near.index;

/**
 * What a report of the kernel says about wires and bridge: undefined when it is none of our business, else the address of the
 * wire to look at, or no address for the bridge with all that hangs on it. `wires` are the names of finished links.
 */
export function findDamage(
  change: NetworkChange,
  bridgeIndex: number,
  wires: ReadonlyMap<string, string>,
): { readonly ip: string | undefined } | undefined {
  if (change.type === 'overrun') return { ip: undefined };
  if ('route' in change) {
    // The route of the bridge's own address: the address was taken off.
    return change.type === 'route-removed' && change.route.link === bridgeIndex ? { ip: undefined } : undefined;
  }
  if ('address' in change) {
    return change.type === 'address-removed' && change.address.link === bridgeIndex ? { ip: undefined } : undefined;
  }
  if (change.type === 'neighbour-removed') return undefined;
  const { name, up, master } = change.link;
  const removed = change.type === 'link-removed';
  if (name === bridgeName) return removed || !up ? { ip: undefined } : undefined;
  const ip = wires.get(name);
  return ip !== undefined && (removed || !up || master !== bridgeIndex) ? { ip } : undefined;
}
