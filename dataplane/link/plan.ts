// Differences between desired and observed state, as steps. Pure and sorted: equal input gives equal steps.
import { parseAddress } from '../../controlplane/base/cidr';
import { NUD } from './constants';
import {
  type FdbEntry,
  isLinkLocal,
  type Link,
  type LinkAddress,
  type Neighbour,
  type Route,
  type Vxlan,
} from './model';
import type { LinkChange } from './wire-link';

export type Step =
  | { readonly action: 'create-bridge'; readonly name: string; readonly change: Omit<LinkChange, 'name' | 'hairpin'> }
  | {
      readonly action: 'create-vxlan';
      readonly name: string;
      readonly vxlan: Vxlan;
      readonly change: Omit<LinkChange, 'name' | 'hairpin' | 'master'>;
    }
  | { readonly action: 'set-link'; readonly name: string; readonly change: Omit<LinkChange, 'name'> }
  | { readonly action: 'remove-link'; readonly name: string }
  | { readonly action: 'ensure-address'; readonly linkName: string; readonly address: string; readonly prefix: number }
  | { readonly action: 'remove-address'; readonly address: LinkAddress }
  | { readonly action: 'replace-route'; readonly route: Route }
  | { readonly action: 'remove-route'; readonly route: Route }
  | { readonly action: 'ensure-neighbour' | 'remove-neighbour'; readonly entry: Omit<Neighbour, 'state'> }
  | { readonly action: 'ensure-forwarding' | 'remove-forwarding'; readonly entry: Omit<FdbEntry, 'permanent'> };

export interface DesiredAddress {
  readonly address: string;
  readonly prefix: number;
}

export interface DesiredBridge {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  /** Exactly these addresses, for the families in this list; the kernel manages the link-local addresses of IPv6. */
  readonly addresses: readonly DesiredAddress[];
}
export interface DesiredVxlan extends DesiredBridge {
  readonly vxlan: Vxlan;
}

/** Steps to a bridge that is up and has these properties. A link of another kind with the same name is replaced. */
export function planBridge(
  desired: DesiredBridge,
  found: Link | undefined,
  addresses: readonly LinkAddress[],
): readonly Step[] {
  const usable = found?.kind === 'bridge';
  // Otherwise a pod could send one frame with a neighbour's MAC and receive the neighbour's frames.
  const option = { learnsLinkLocal: false };
  const steps = planLink(desired, found, usable, addresses, (name, change) => ({
    action: 'create-bridge',
    name,
    change: { ...change, ...option },
  }));
  const { name } = desired;
  return usable && found.learnsLinkLocal === true ? [{ action: 'set-link', name, change: option }, ...steps] : steps;
}

/**
 * Steps to a VXLAN link that is up and has these properties. A link whose tunnel properties differ is replaced: they cannot be
 * changed.
 */
export function planVxlan(
  desired: DesiredVxlan,
  found: Link | undefined,
  addresses: readonly LinkAddress[],
): readonly Step[] {
  const { vxlan } = desired;
  const { id, port, local } = found?.vxlan ?? {};
  const usable = id === vxlan.id && port === vxlan.port && local === vxlan.local;
  return planLink(desired, found, usable, addresses, (name, change) => ({
    action: 'create-vxlan',
    name,
    vxlan,
    change,
  }));
}

function planLink(
  desired: DesiredBridge,
  found: Link | undefined,
  usable: boolean,
  addresses: readonly LinkAddress[],
  create: (name: string, change: { mac: string; mtu: number; up: true }) => Step,
): readonly Step[] {
  const { name, mac, mtu } = desired;
  const steps: Step[] = [];
  if (found && !usable) steps.push({ action: 'remove-link', name });
  if (!found || !usable) {
    steps.push(create(name, { mac, mtu, up: true }));
    return [...steps, ...planAddresses(desired, undefined, [])];
  }
  const change = {
    ...(found.mac === mac ? {} : { mac }),
    ...(found.mtu === mtu ? {} : { mtu }),
    ...(found.up ? {} : { up: true }),
  };
  if (Object.keys(change).length > 0) steps.push({ action: 'set-link', name, change });
  return [...steps, ...planAddresses(desired, found, addresses)];
}

function planAddresses(
  desired: DesiredBridge,
  link: Link | undefined,
  addresses: readonly LinkAddress[],
): readonly Step[] {
  const families = new Set(desired.addresses.map(({ address }) => parseAddress(address).family));
  const present = addresses.filter(
    (entry) => entry.link === link?.index && families.has(entry.family) && !isLinkLocal(entry),
  );
  const equal = (a: DesiredAddress, b: DesiredAddress) => a.address === b.address && a.prefix === b.prefix;
  const surplus = present.filter((entry) => !desired.addresses.some((address) => equal(address, entry)));
  const missing = desired.addresses.filter((address) => !present.some((entry) => equal(address, entry)));
  return [
    ...surplus.map((address): Step => ({ action: 'remove-address', address })),
    ...missing.map(
      ({ address, prefix }): Step => ({ action: 'ensure-address', linkName: desired.name, address, prefix }),
    ),
  ];
}

/**
 * Steps to exactly these permanent neighbours, on a link that only we configure. Neighbours that the kernel resolved itself are
 * left alone.
 */
export function planNeighbours(
  desired: readonly Omit<Neighbour, 'state'>[],
  found: readonly Neighbour[],
  link: number,
): { readonly add: readonly Step[]; readonly remove: readonly Step[] } {
  const present = found.filter((entry) => entry.link === link && (entry.state & NUD.PERMANENT) !== 0);
  const missing = desired.filter(
    (neighbour) => !present.some((entry) => entry.address === neighbour.address && entry.mac === neighbour.mac),
  );
  const surplus = present.filter((entry) => !desired.some(({ address }) => address === entry.address));
  return {
    add: missing.map((entry): Step => ({ action: 'ensure-neighbour', entry })),
    remove: surplus.map(({ address, mac }): Step => ({ action: 'remove-neighbour', entry: { link, address, mac } })),
  };
}

/** Steps to exactly these tunnel end points, on a VXLAN link that only we configure. */
export function planForwarding(
  desired: readonly Omit<FdbEntry, 'permanent'>[],
  found: readonly FdbEntry[],
  link: number,
): { readonly add: readonly Step[]; readonly remove: readonly Step[] } {
  const present = found.filter((entry) => entry.link === link && entry.destination !== undefined);
  const same = (a: Omit<FdbEntry, 'permanent'>, b: Omit<FdbEntry, 'permanent'>) =>
    a.mac === b.mac && a.destination === b.destination;
  const missing = desired.filter((endPoint) => !present.some((entry) => same(entry, endPoint) && entry.permanent));
  // One end point per MAC: setting it replaces the previous one.
  const surplus = present.filter((entry) => !desired.some(({ mac }) => mac === entry.mac));
  return {
    add: missing.map((entry): Step => ({ action: 'ensure-forwarding', entry })),
    remove: surplus.map(({ permanent: _, ...entry }): Step => ({ action: 'remove-forwarding', entry })),
  };
}

/**
 * Steps to exactly the desired routes of `protocol`. Routes of any other protocol are foreign: they are never removed, and
 * replaced only when destination and metric are the same.
 */
export function planRoutes(desired: readonly Route[], found: readonly Route[], protocol: number): readonly Step[] {
  const byKey = new Map(found.map((route) => [routeKey(route), route]));
  const desiredByKey = new Map(desired.map((route) => [routeKey(route), route]));
  const steps: Step[] = [];
  for (const [key, route] of sorted(byKey)) {
    if (route.protocol === protocol && !desiredByKey.has(key)) steps.push({ action: 'remove-route', route });
  }
  for (const [key, route] of sorted(desiredByKey)) {
    const present = byKey.get(key);
    if (present === undefined || !routeMatches(route, present)) steps.push({ action: 'replace-route', route });
  }
  return steps;
}

/** The kernel keeps one route per destination and metric (and TOS, which we do not use). */
const routeKey = ({ destination, metric = 0 }: Route): string => `${destination} ${metric}`;

/** Fields that the desired route leaves open (link, source address) are the kernel's choice. */
const routeMatches = (desired: Route, found: Route): boolean =>
  desired.type === found.type &&
  desired.protocol === found.protocol &&
  desired.gateway === found.gateway &&
  (desired.link === undefined || desired.link === found.link) &&
  (desired.onLink ?? false) === (found.onLink ?? false) &&
  (desired.source === undefined || desired.source === found.source);

const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
