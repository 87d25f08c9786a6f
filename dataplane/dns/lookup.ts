// Computes the records of the Kubernetes DNS specification (kubernetes/dns, version 1.1.0) for one question from the zone. A name
// that exists without records of the type is NODATA, also a name that only has names below it; every other name is NXDOMAIN.
import { isIPv6 } from 'node:net';
import type { Answer, DnsRecord, PortInput, RecordType, ServiceInput } from './records';
import { parseReverseName } from './reverse-name';
import type { NamedEndpoint, Zone } from './zone';

/** Short, so that a client's cache is not wrong for long, but long enough for several connection attempts. */
export const ttl = 5;
/** A name that is missing now may exist a moment later: clients must not cache its absence. */
const negativeTtl = 0;
const specificationVersion = '1.1.0';
/** The longest chain of aliases within the zone. */
const maxAliases = 8;
/**
 * The most Services in the PTR records of one address. Users decide how many Services share an address, and each costs a walk
 * through its endpoints.
 */
const maxReverseServices = 32;
/** The sum of all weights in one SRV answer, as in CoreDNS. */
const totalWeight = 100;

export type QueryType = RecordType | 'ANY' | 'OTHER';

export interface ZoneFacts {
  /** Addresses of the name server itself: those of Service kube-system/kube-dns. */
  readonly serverAddresses: readonly string[];
}

/** True when the name (lower case, no trailing dot) is the zone's own or below it. */
export function isInZone(zone: Zone, name: string): boolean {
  return name === zone.origin || name.endsWith(`.${zone.origin}`);
}

/** Answers for a name in the zone. Names are lower case without a trailing dot. */
export function lookup(zone: Zone, facts: ZoneFacts, name: string, type: QueryType): Answer {
  if (!zone.synced) return { rcode: 'SERVFAIL', answers: [], authority: [], additional: [] };
  const answers: DnsRecord[] = [];
  let current = name;
  for (let hops = 0; hops <= maxAliases; hops++) {
    const node = findNode(zone, facts, current);
    if (!node) return negative(zone, 'NXDOMAIN', answers);
    if (node.alias === undefined) return finish(zone, node, current, type, answers);
    answers.push({ name: current, ttl, type: 'CNAME', target: node.alias });
    const target = node.alias.toLowerCase();
    if (type === 'CNAME' || type === 'ANY') return { rcode: 'NOERROR', answers, authority: [], additional: [] };
    if (!isInZone(zone, target)) return { rcode: 'NOERROR', answers, authority: [], additional: [], chase: target };
    current = target;
  }
  return { rcode: 'SERVFAIL', answers: [], authority: [], additional: [] };
}

/**
 * The PTR records of an address that belongs to the cluster; undefined for any other reverse name, which an upstream server may
 * know.
 */
export function lookupReverse(zone: Zone, name: string, type: QueryType): Answer | undefined {
  const address = parseReverseName(name);
  if (address === undefined) return undefined;
  if (!zone.synced) return { rcode: 'SERVFAIL', answers: [], authority: [], additional: [] };
  const services = zone.servicesWith(address).slice(0, maxReverseServices);
  const targets = services.flatMap((service) => reverseTargets(zone, service, address));
  if (targets.length === 0) return undefined;
  if (type !== 'PTR' && type !== 'ANY')
    return { rcode: 'NOERROR', answers: [], authority: [soa(zone)], additional: [] };
  const answers = targets.map((target): DnsRecord => ({ name, ttl, type: 'PTR', target }));
  return { rcode: 'NOERROR', answers, authority: [], additional: [] };
}

function reverseTargets(zone: Zone, service: ServiceInput, address: string): string[] {
  const name = serviceName(zone, service);
  if (service.kind === 'cluster') return service.addresses.includes(address) ? [name] : [];
  if (service.kind === 'external') return [];
  const labels = zone.endpointsOf(service).filter((endpoint) => endpoint.address === address);
  return labels.map(({ label }) => `${label}.${name}`);
}

/** The records of one name. */
interface Node {
  readonly alias?: string;
  readonly addresses?: readonly string[];
  readonly services?: readonly DnsRecord[];
  /** Addresses of the targets of `services`. */
  readonly additional?: readonly DnsRecord[];
  readonly others?: readonly DnsRecord[];
}
/** The name exists, but has no records itself. */
const emptyNode: Node = {};

function findNode(zone: Zone, facts: ZoneFacts, name: string): Node | undefined {
  // A label may contain any byte. The zone joins namespace and name by a slash, and no object's name contains one.
  if (name.includes('/')) return undefined;
  const relative =
    name === zone.origin
      ? []
      : name
          .slice(0, -zone.origin.length - 1)
          .split('.')
          .reverse();
  const [branch, namespace, ...rest] = relative;
  if (branch === undefined) return { others: [soa(zone), { name, ttl, type: 'NS', target: `ns.dns.${zone.origin}` }] };
  if (branch === 'dns-version' && namespace === undefined) {
    return { others: [{ name, ttl, type: 'TXT', text: specificationVersion }] };
  }
  if (branch === 'dns') {
    if (namespace === undefined) return emptyNode;
    return namespace === 'ns' && rest.length === 0 ? { addresses: facts.serverAddresses } : undefined;
  }
  if (branch !== 'svc' && branch !== 'pod') return undefined;
  if (namespace === undefined) return emptyNode;
  if (rest.length === 0) return zone.hasNamespace(namespace) ? emptyNode : undefined;
  return branch === 'svc' ? serviceNode(zone, name, namespace, rest) : podNode(zone, namespace, rest);
}

function podNode(zone: Zone, namespace: string, [label, ...more]: readonly string[]): Node | undefined {
  const address = label === undefined || more.length > 0 ? undefined : zone.podAddress(namespace, label);
  return address === undefined ? undefined : { addresses: [address] };
}

/** `rest` is [service], [service, endpoint], [service, _protocol] or [service, _protocol, _port]. */
function serviceNode(zone: Zone, name: string, namespace: string, rest: readonly string[]): Node | undefined {
  const [label = '', below, port, ...more] = rest;
  const service = zone.service(namespace, label);
  if (!service || more.length > 0) return undefined;
  if (service.kind === 'external')
    return below === undefined && service.externalName ? { alias: service.externalName } : undefined;
  const endpoints = service.kind === 'headless' ? zone.endpointsOf(service) : [];
  // The specification requires NXDOMAIN for a headless Service without ready endpoints.
  if (service.kind === 'headless' && endpoints.length === 0) return undefined;
  if (below === undefined) {
    const addresses = service.kind === 'headless' ? endpoints.map(({ address }) => address) : service.addresses;
    return { addresses, ...portRecords(zone, name, service, () => true) };
  }
  if (below.startsWith('_')) {
    const protocol = below.slice(1);
    const matches = (one: PortInput) =>
      one.protocol === protocol && one.name !== '' && (port === undefined || `_${one.name}` === port);
    const { services, additional } = portRecords(zone, name, service, matches);
    if (services.length === 0) return undefined;
    return port === undefined ? emptyNode : { services, additional };
  }
  if (port !== undefined) return undefined;
  const addresses = endpoints.filter((endpoint) => endpoint.label === below).map(({ address }) => address);
  return addresses.length === 0 ? undefined : { addresses };
}

/** SRV records of the matching ports: one per port, and for a headless Service one per port and endpoint. */
function portRecords(zone: Zone, name: string, service: ServiceInput, matches: (port: PortInput) => boolean) {
  const base = serviceName(zone, service);
  const found: { port: number; target: string }[] = [];
  const targets = new Map<string, Set<string>>();
  const add = (port: number, target: string, addresses: readonly string[]) => {
    found.push({ port, target });
    const known = targets.get(target) ?? new Set<string>();
    for (const address of addresses) known.add(address);
    targets.set(target, known);
  };
  if (service.kind === 'headless') {
    for (const port of zone.endpointPorts(service)) {
      if (!matches(port)) continue;
      for (const [target, endpoints] of groupByLabel(port.endpoints)) add(port.port, `${target}.${base}`, endpoints);
    }
  } else {
    for (const port of service.ports) if (matches(port)) add(port.port, base, service.addresses);
  }
  const weight = Math.max(1, Math.floor(totalWeight / Math.max(1, found.length)));
  const services = found.map(
    ({ port, target }): DnsRecord => ({ name, ttl, type: 'SRV', priority: 0, weight, port, target }),
  );
  const additional = [...targets].flatMap(([target, addresses]) =>
    [...addresses].map((one) => addressRecord(target, one)),
  );
  return { services, additional };
}

function groupByLabel(endpoints: readonly NamedEndpoint[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { label, address } of endpoints) {
    const group = groups.get(label);
    if (group) group.push(address);
    else groups.set(label, [address]);
  }
  return groups;
}

function finish(zone: Zone, node: Node, name: string, type: QueryType, before: readonly DnsRecord[]): Answer {
  const own = recordsOf(node, name, type);
  if (own.length === 0) return negative(zone, 'NOERROR', before);
  const additional = type === 'SRV' ? (node.additional ?? []) : [];
  return { rcode: 'NOERROR', answers: [...before, ...own], authority: [], additional };
}

function recordsOf(node: Node, name: string, type: QueryType): readonly DnsRecord[] {
  const addresses = (node.addresses ?? []).map((address) => addressRecord(name, address));
  if (type === 'SRV') return node.services ?? [];
  // RFC 8482: for ANY, an existing name returns one small record instead of all.
  if (type === 'ANY') return [{ name, ttl, type: 'HINFO', cpu: 'RFC8482', os: '' }];
  return [...addresses, ...(node.others ?? [])].filter((record) => record.type === type);
}

function addressRecord(name: string, address: string): DnsRecord {
  return { name, ttl, type: isIPv6(address) ? 'AAAA' : 'A', address };
}

function negative(zone: Zone, rcode: 'NOERROR' | 'NXDOMAIN', answers: readonly DnsRecord[]): Answer {
  return { rcode, answers, authority: [soa(zone)], additional: [] };
}

function serviceName(zone: Zone, service: ServiceInput): string {
  return `${service.name}.${service.namespace}.svc.${zone.origin}`;
}

function soa(zone: Zone): DnsRecord {
  const primary = `ns.dns.${zone.origin}`;
  const timers = { refresh: 7_200, retry: 1_800, expire: 86_400, minimum: negativeTtl };
  const serial = (zone.generation + 1) >>> 0;
  return {
    name: zone.origin,
    ttl: negativeTtl,
    type: 'SOA',
    primary,
    admin: `hostmaster.${zone.origin}`,
    serial,
    ...timers,
  };
}
