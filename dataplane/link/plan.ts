// Differences between wanted and found, as steps. Pure and sorted: equal input, equal steps.
import type { Link, LinkAddress, Route } from './model';
import type { LinkChange } from './wire';

export type Step =
  | { readonly action: 'create-bridge'; readonly name: string; readonly change: Omit<LinkChange, 'name' | 'hairpin'> }
  | { readonly action: 'set-link'; readonly name: string; readonly change: Omit<LinkChange, 'name'> }
  | { readonly action: 'remove-link'; readonly name: string }
  | { readonly action: 'ensure-address'; readonly linkName: string; readonly address: string; readonly prefix: number }
  | { readonly action: 'remove-address'; readonly address: LinkAddress }
  | { readonly action: 'replace-route'; readonly route: Route }
  | { readonly action: 'remove-route'; readonly route: Route };

export interface DesiredBridge {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  /** Exactly these IPv4 addresses; others of this family are removed. */
  readonly addresses: readonly { readonly address: string; readonly prefix: number }[];
}

/** Steps to a bridge that is up with these properties. A link of another kind under the name is replaced. */
export function planBridge(
  desired: DesiredBridge,
  found: Link | undefined,
  addresses: readonly LinkAddress[],
): readonly Step[] {
  const { name, mac, mtu } = desired;
  const isBridge = found?.kind === 'bridge';
  const steps: Step[] = [];
  if (found && !isBridge) steps.push({ action: 'remove-link', name });
  if (!isBridge) steps.push({ action: 'create-bridge', name, change: { mac, mtu, up: true } });
  else {
    const change = {
      ...(found.mac === mac ? {} : { mac }),
      ...(found.mtu === mtu ? {} : { mtu }),
      ...(found.up ? {} : { up: true }),
    };
    if (Object.keys(change).length > 0) steps.push({ action: 'set-link', name, change });
  }
  const present = isBridge ? addresses.filter((entry) => entry.link === found.index && entry.family === 4) : [];
  const equal = (a: { address: string; prefix: number }, b: { address: string; prefix: number }) =>
    a.address === b.address && a.prefix === b.prefix;
  for (const entry of present) {
    if (!desired.addresses.some((wanted) => equal(wanted, entry))) {
      steps.push({ action: 'remove-address', address: entry });
    }
  }
  for (const wanted of desired.addresses) {
    if (!present.some((entry) => equal(wanted, entry))) {
      steps.push({ action: 'ensure-address', linkName: name, address: wanted.address, prefix: wanted.prefix });
    }
  }
  return steps;
}

/**
 * Steps to exactly the desired routes of `protocol`. Routes of any other protocol are someone else's: never removed, and
 * replaced only where they stand for the very same destination and metric.
 */
export function planRoutes(desired: readonly Route[], found: readonly Route[], protocol: number): readonly Step[] {
  const byKey = new Map(found.map((route) => [routeKey(route), route]));
  const wanted = new Map(desired.map((route) => [routeKey(route), route]));
  const steps: Step[] = [];
  for (const [key, route] of sorted(byKey)) {
    if (route.protocol === protocol && !wanted.has(key)) steps.push({ action: 'remove-route', route });
  }
  for (const [key, route] of sorted(wanted)) {
    const present = byKey.get(key);
    if (present === undefined || !routeMatches(route, present)) steps.push({ action: 'replace-route', route });
  }
  return steps;
}

/** The kernel keeps one route per destination and metric (and TOS, which we do not use). */
const routeKey = ({ destination, metric = 0 }: Route): string => `${destination} ${metric}`;

/** What the wish leaves open (the link, the source address) is the kernel's choice. */
const routeMatches = (wanted: Route, found: Route): boolean =>
  wanted.type === found.type &&
  wanted.protocol === found.protocol &&
  wanted.gateway === found.gateway &&
  (wanted.link === undefined || wanted.link === found.link) &&
  (wanted.source === undefined || wanted.source === found.source);

const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
