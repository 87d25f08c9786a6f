// What Endpoints and EndpointSlice default/kubernetes are to be. Pure.
import { isDeepStrictEqual } from 'node:util';
import type { EndpointSlice, Endpoints } from '../../api/index';
import { serviceNameLabel } from '../../api/index';

export interface Desired {
  readonly family: 4 | 6;
  readonly addresses: readonly string[];
  readonly port: number;
}

export interface AddressFacts {
  /** The address of this server; undefined: it has none, or it stops. */
  readonly own: string | undefined;
  readonly alive: readonly string[];
  readonly unknown: readonly string[];
  /** In the objects now. */
  readonly current: readonly string[];
}

const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4);

/**
 * Own and living addresses, and those whose server is not judged yet, if they are in the objects. One family: an object has one, and it is
 * that of the other servers, so that a server of the other family does not take theirs out. Undefined: no server is known to
 * live, so the objects stay as they are.
 */
export function planAddresses(facts: AddressFacts, port: number): Desired | undefined {
  const others = [...facts.alive, ...facts.unknown.filter((address) => facts.current.includes(address))];
  const all = [...new Set([...others, ...(facts.own === undefined ? [] : [facts.own])])];
  const kept = others.filter((address) => facts.current.includes(address));
  const leading = kept[0] ?? facts.own ?? others[0];
  if (leading === undefined || (facts.own === undefined && others.length === 0)) return undefined;
  const family = familyOf(leading);
  return { family, port, addresses: all.filter((address) => familyOf(address) === family).sort() };
}

const ports = (port: number) => [{ name: 'https', port, protocol: 'TCP' }];
const names = { name: 'kubernetes', namespace: 'default' };
const skipMirror = { 'endpointslice.kubernetes.io/skip-mirror': 'true' };

export const addressesIn = (endpoints: Endpoints | undefined, slice: EndpointSlice | undefined): readonly string[] => [
  ...(endpoints?.subsets ?? []).flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip)),
  ...(slice?.endpoints ?? []).flatMap(({ addresses }) => addresses),
];

/** The object to write; undefined: nothing to change. */
export function planEndpoints({ addresses, port }: Desired, found: Endpoints | undefined): Endpoints | undefined {
  const subsets = [{ addresses: addresses.map((ip) => ({ ip })), ports: ports(port) }];
  if (!found) {
    return { apiVersion: 'v1', kind: 'Endpoints', metadata: { ...names, labels: skipMirror }, subsets };
  }
  const labels = { ...found.metadata?.labels, ...skipMirror };
  if (isDeepStrictEqual(found.subsets, subsets) && isDeepStrictEqual(found.metadata?.labels, labels)) return undefined;
  return { ...found, metadata: { ...found.metadata, labels }, subsets };
}

export type SlicePlan =
  | { readonly action: 'none' }
  | { readonly action: 'create' | 'update'; readonly slice: EndpointSlice }
  /** A slice cannot change its family. */
  | { readonly action: 'replace'; readonly found: EndpointSlice; readonly slice: EndpointSlice };

export function planSlice({ family, addresses, port }: Desired, found: EndpointSlice | undefined): SlicePlan {
  const changes = {
    addressType: family === 6 ? 'IPv6' : 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: ports(port),
  };
  const labels = { ...found?.metadata?.labels, [serviceNameLabel]: 'kubernetes' };
  const slice: EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...names, labels },
    ...changes,
  };
  if (!found) return { action: 'create', slice };
  if (found.addressType !== changes.addressType) return { action: 'replace', found, slice };
  const isSame =
    isDeepStrictEqual(found.endpoints, changes.endpoints) &&
    isDeepStrictEqual(found.ports, changes.ports) &&
    isDeepStrictEqual(found.metadata?.labels, labels);
  return isSame
    ? { action: 'none' }
    : { action: 'update', slice: { ...found, metadata: { ...found.metadata, labels }, ...changes } };
}
