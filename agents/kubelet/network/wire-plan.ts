// Is a pod's wire complete? Pure: compares the state of both namespaces with what attach() creates.
import { type Family, parseAddress } from '../../../controlplane/base/cidr';
import { isLinkLocal, type Link, type LinkAddress, type Route } from '../../../dataplane/link/model';
import type { NetworkChange } from '../../../dataplane/link/monitor';
import { bridgeName, macOf } from './names';

/** Pods have no neighbours: all packets go to the gateway, and so through the node's rules. */
export const podPrefix = (family: Family): number => (family === 4 ? 32 : 128);
/** rtm_protocol "boot", as `ip route` sets it. */
const bootProtocol = 3;

/** The routes inside a pod: the gateway is on the link, all else behind it. */
export function podRoutes(gateway: string, link: number): readonly Route[] {
  const { family } = parseAddress(gateway);
  const all = family === 4 ? '0.0.0.0/0' : '::/0';
  return [
    { destination: `${gateway}/${podPrefix(family)}`, type: 'unicast', link, protocol: bootProtocol },
    { destination: all, type: 'unicast', gateway, link, protocol: bootProtocol },
  ];
}

/**
 * Set before the link is created, so that it starts with them. Docker switches IPv6 off in every namespace. Duplicate address
 * detection would keep the link-local address unusable for a second. Only the kubelet sets routes: a pod must not believe other pods
 * that advertise themselves as routers, nor redirects of the node, which show a shorter path around the node's rules.
 */
export function podIpv6Sysctls(hasIpv6: boolean): Readonly<Record<string, string>> {
  const desired = {
    accept_dad: '0',
    ...(hasIpv6 ? { disable_ipv6: '0', accept_ra: '0', accept_redirects: '0' } : {}),
  };
  return Object.fromEntries(
    ['default', 'all'].flatMap((scope) =>
      Object.entries(desired).map(([name, value]) => [`net.ipv6.conf.${scope}.${name}`, value]),
    ),
  );
}

/** One address of a pod, and the bridge's address of that family. */
export interface WireAddress {
  readonly ip: string;
  readonly family: Family;
  readonly gateway: string;
}

export interface DesiredWire {
  /** The first gives the wire its name and MAC. */
  readonly addresses: readonly WireAddress[];
  readonly mtu: number;
  readonly bridgeIndex: number;
}

/** The observed state: the near end on the node, and the pod's own links, addresses and routes. */
export interface WireFound {
  readonly near: Link | undefined;
  readonly far: Link | undefined;
  readonly addresses: readonly LinkAddress[];
  readonly routes: readonly Route[];
}

/** The first fault of the wire, or undefined when it is complete. */
export function findFault(desired: DesiredWire, { near, far, addresses, routes }: WireFound): string | undefined {
  if (near === undefined) return 'no link on the node';
  if (far === undefined) return 'no link in the pod';
  if (near.peer !== far.index || far.peer !== near.index) return 'the two links are not one pair';
  if (near.master !== desired.bridgeIndex) return 'not a port of the bridge';
  if (near.hairpin !== true) return 'hairpin is off';
  if (!near.up || !far.up) return 'a link is down';
  if (far.mac !== macOf(desired.addresses[0]!.ip)) return 'another MAC address';
  if (near.mtu !== desired.mtu || far.mtu !== desired.mtu) return 'another MTU';
  for (const { ip, family, gateway } of desired.addresses) {
    const onFar = addresses.filter(
      (entry) => entry.link === far.index && entry.family === family && !isLinkLocal(entry),
    );
    const exact = onFar.length === 1 && onFar[0]?.address === ip && onFar[0].prefix === podPrefix(family);
    if (!exact) return 'another address';
    const missing = podRoutes(gateway, far.index).find(
      (expected) =>
        !routes.some((route) => route.destination === expected.destination && route.gateway === expected.gateway),
    );
    if (missing !== undefined) return `no route to ${missing.destination}`;
  }
  return undefined;
}

/** Off the bridge, down on the node, or another MTU: such a wire is repaired in place, and the pod keeps its link and address. */
export const nearFault = ({ near, far }: WireFound): boolean =>
  near !== undefined && far !== undefined && near.peer === far.index && far.peer === near.index;

/**
 * The damage that a report of the kernel shows: undefined for none, else the address of the wire to check, or no address for the bridge
 * with all its wires. `wires` are the names of finished links.
 */
export function findDamage(
  change: NetworkChange,
  bridgeIndex: number,
  wires: ReadonlyMap<string, string>,
): { readonly ip: string | undefined } | undefined {
  if (change.type === 'overrun') return { ip: undefined };
  if ('route' in change) {
    // A route of the bridge goes when the bridge loses its address.
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
