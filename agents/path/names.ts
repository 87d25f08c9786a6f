// A name as a pod resolves it: its search list, step by step, and what the cluster's zone says to each. Pure.
import type { EndpointSlice, Pod, Service } from '../../controlplane/api';
import type { Hop, HopAnswer, HopFault } from '../../controlplane/base/hops';
import { lookup } from '../../dataplane/dns/lookup';
import { Zone } from '../../dataplane/dns/zone';
import { translatePod, translateService, translateSlice } from '../dns/translate';
import { faultHop } from './report';

export type Resolver = NonNullable<HopAnswer['resolver']>;

export interface Resolved {
  readonly hop: Hop;
  /** Empty: the name has none, or only servers outside the cluster know it. */
  readonly addresses: readonly string[];
  /** The name with the suffix that has them. */
  readonly asked?: string;
  /** The name outside the cluster that `asked` is an alias of. */
  readonly alias?: string;
  /** The Service whose name it is. */
  readonly service?: string;
}

const maxAliases = 8;

/**
 * The zone as the name servers of the nodes build it.
 * @param pods those whose names are asked for: 10-244-1-8.shop.pod.cluster.local
 */
export function zoneOf(
  domain: string,
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  pods: readonly Pod[] = [],
): Zone {
  const zone = new Zone(domain);
  for (const service of services) {
    zone.setService(`${service.metadata?.namespace}/${service.metadata?.name}`, translateService(service));
    zone.setNamespace(service.metadata?.namespace ?? '', true);
  }
  for (const slice of slices) {
    zone.setEndpoints(`${slice.metadata?.namespace}/${slice.metadata?.name}`, translateSlice(slice));
  }
  for (const pod of pods) {
    zone.setPod(`${pod.metadata?.namespace}/${pod.metadata?.name}`, translatePod(pod));
    zone.setNamespace(pod.metadata?.namespace ?? '', true);
  }
  zone.setSynced();
  return zone;
}

/** What the hosts file of the pod says, before any server is asked. Undefined: nothing. Source: hosts(5), nsswitch.conf(5). */
export const hostsAddress = (name: string, { hosts = [] }: Resolver, family: 4 | 6): string | undefined => {
  const wanted = name.toLowerCase().replace(/\.$/, '');
  return hosts.find(
    ({ address, names }) =>
      address.includes(':') === (family === 6) && names.some((one) => one.toLowerCase() === wanted),
  )?.address;
};

/** The names that a resolver asks for, in order. Source: resolv.conf(5), options ndots. */
export function candidates(name: string, { search, ndots }: Resolver): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const dots = name.split('.').length - 1;
  const searched = search.map((suffix) => `${name}.${suffix.replace(/\.$/, '')}`);
  return dots >= ndots ? [name, ...searched] : [...searched, name];
}

export function resolveName(
  name: string,
  {
    resolver,
    zone,
    services,
    family,
    namespace,
  }: {
    readonly resolver: Resolver;
    readonly zone: Zone;
    readonly services: readonly Service[];
    readonly family: 4 | 6;
    /** Of the pod. */
    readonly namespace: string;
  },
): Resolved {
  const facts: string[] = [
    `search list: ${resolver.search.join(' ') || 'none'}; ndots ${resolver.ndots}; name server ${resolver.servers.join(', ') || 'none'}`,
  ];
  const hopName = `name ${name}`;
  /** The first name that other servers are asked for: an alias of the zone that leads out of it, or one that was never in it. */
  let outside: { readonly asked: string; readonly alias?: string } | undefined;
  /** The first name that is an alias of one that the zone does not have. */
  let dangling: { readonly asked: string; readonly alias: string } | undefined;
  for (const candidate of candidates(name, resolver)) {
    const found = lookIn(zone, candidate, family);
    facts.push(`${candidate}: ${found.says}`);
    if (found.kind === 'outside') outside ??= { asked: candidate, ...(found.alias ? { alias: found.alias } : {}) };
    if (found.kind === 'none' && found.alias) dangling ??= { asked: candidate, alias: found.alias };
    if (found.kind === 'none' || found.kind === 'outside') continue;
    if (found.kind === 'loop') return { hop: faultHop('name', hopName, loopFault(name), facts), addresses: [] };
    const service = services.find(
      ({ metadata }) => `${metadata?.name}.${metadata?.namespace}.svc.${zone.origin}` === candidate,
    );
    const key = service && `${service.metadata?.namespace}/${service.metadata?.name}`;
    return {
      hop: { kind: 'name', name: hopName, state: 'passes', facts },
      addresses: found.addresses ?? [],
      asked: candidate,
      ...(key ? { service: key } : {}),
    };
  }
  const fault = dangling ? danglingFault(dangling, zone) : notFound(name, { resolver, zone, services, namespace });
  // Only other servers know names outside the zone. Such a name has a dot, and does not begin like a Service.
  const alias = services.find(
    ({ metadata, spec }) =>
      spec?.type === 'ExternalName' && metadata?.namespace === namespace && metadata?.name === name.split('.')[0],
  );
  if (outside && alias && !dangling)
    return { hop: { kind: 'name', name: hopName, state: 'unknown', facts }, addresses: [], ...outside };
  if (outside && !dangling && fault.code === 'NameNotFound' && name.replace(/\.$/, '').includes('.')) {
    return { hop: { kind: 'name', name: hopName, state: 'unknown', facts }, addresses: [], ...outside };
  }
  return { hop: faultHop('name', hopName, fault, facts), addresses: [] };
}

interface Found {
  readonly kind: 'addresses' | 'none' | 'outside' | 'loop';
  readonly addresses?: readonly string[];
  readonly says: string;
  /** Of `outside` and `none`: the name that an alias leads to. */
  readonly alias?: string;
}

function lookIn(zone: Zone, name: string, family: 4 | 6): Found {
  let current = name.toLowerCase();
  const aliases: string[] = [];
  for (let i = 0; i <= maxAliases; i++) {
    if (current !== zone.origin && !current.endsWith(`.${zone.origin}`)) {
      const what = aliases.length > 0 ? `an alias of ${current}, which is` : 'a name';
      return {
        kind: 'outside',
        ...(aliases.length > 0 ? { alias: current } : {}),
        says: `${what} outside the cluster: the servers behind the node's name server are asked`,
      };
    }
    const { rcode, answers, chase } = lookup(zone, { serverAddresses: [] }, current, family === 4 ? 'A' : 'AAAA');
    const addresses = answers.flatMap((record) => ('address' in record ? [record.address] : []));
    if (addresses.length > 0) return { kind: 'addresses', addresses, says: addresses.join(', ') };
    // The zone is complete: it says so only of aliases without an end.
    if (rcode === 'SERVFAIL') {
      const way = answers.flatMap((record) => (record.type === 'CNAME' ? [record.target] : []));
      return { kind: 'loop', says: `aliases in a circle: ${[name, ...new Set(way)].join(', ')}` };
    }
    if (rcode === 'NXDOMAIN') {
      const alias = aliasIn(answers) ?? aliases.at(-1);
      if (alias === undefined) return { kind: 'none', says: 'no such name (NXDOMAIN)' };
      return { kind: 'none', alias, says: `an alias of ${alias}: no such name (NXDOMAIN)` };
    }
    const next = chase ?? aliasIn(answers);
    if (next === undefined) return { kind: 'none', says: `no address of IPv${family}` };
    if (aliases.includes(next))
      return { kind: 'loop', says: `aliases in a circle: ${[name, ...aliases, next].join(' → ')}` };
    aliases.push(next);
    current = next.toLowerCase();
  }
  return { kind: 'loop', says: `more than ${maxAliases} aliases` };
}

const aliasIn = (answers: ReturnType<typeof lookup>['answers']): string | undefined =>
  answers.flatMap((record) => (record.type === 'CNAME' ? [record.target] : [])).at(-1);

function danglingFault({ asked, alias }: { readonly asked: string; readonly alias: string }, zone: Zone): HopFault {
  const keyIn = (name: string) => {
    const [service = '', namespace = ''] = name.replace(/\.$/, '').split('.');
    return { namespace, service, isService: name.replace(/\.$/, '').endsWith(`.svc.${zone.origin}`) };
  };
  const [own, other] = [keyIn(asked), keyIn(alias)];
  const missing = other.isService ? `no Service ${other.namespace}/${other.service}` : 'no such name';
  return {
    code: 'NameNotFound',
    message: `Service ${own.namespace}/${own.service} (ExternalName) is another name for ${alias}, and the cluster has ${missing}`,
    remedy: `kubectl edit service -n ${own.namespace} ${own.service}`,
  };
}

const loopFault = (name: string): HopFault => ({
  code: 'ExternalNameLoop',
  message: `${name} is an alias that leads back to itself`,
  remedy: 'let spec.externalName of one of these Services name something else',
});

/** Why no candidate exists: most often the Service is in another namespace, or the search list does not fit the name. */
function notFound(
  name: string,
  {
    resolver,
    zone,
    services,
    namespace,
  }: {
    readonly resolver: Resolver;
    readonly zone: Zone;
    readonly services: readonly Service[];
    readonly namespace: string;
  },
): HopFault {
  const isAbsolute = name.endsWith('.');
  const [first = '', second] = name.replace(/\.$/, '').split('.');
  const isOwn = ({ metadata }: Service) => metadata?.namespace === namespace;
  const same = services
    .filter(({ metadata }) => metadata?.name === first)
    .sort((a, b) => Number(isOwn(b)) - Number(isOwn(a)));
  const places = same.map(({ metadata }) => `${metadata?.name}.${metadata?.namespace}`);
  const inCluster = resolver.search.some((suffix) => suffix.endsWith(zone.origin));
  if (!inCluster && same.length > 0) {
    return {
      code: 'NoSearchList',
      message: `no step of the search list leads into ${zone.origin}, so ${name} is not found; the pod's dnsPolicy or dnsConfig says so`,
      remedy: `use ${places[0]}.svc.${zone.origin}, or dnsPolicy: ClusterFirst`,
    };
  }
  const own = same.find(({ metadata }) => metadata?.namespace === namespace);
  const whole = same.find(({ metadata }) => metadata?.namespace === (second ?? namespace));
  if (isAbsolute && whole) {
    const key = `${whole.metadata?.namespace}/${first}`;
    return {
      code: 'NoSearchList',
      message: `${name} ends in a dot, so it is taken as it is, and the search list does not lead to Service ${key}`,
      remedy: `use ${name.slice(0, -1)}, or ${first}.${whole.metadata?.namespace}.svc.${zone.origin}.`,
    };
  }
  if (own?.spec?.clusterIP === 'None' && (second === undefined || second === namespace)) {
    return {
      code: 'NotReady',
      message: `headless Service ${namespace}/${first} has no ready endpoint, so its name has no address`,
      remedy: `kubectl get pods,endpointslices -n ${namespace}; its pods are ready when their readiness probes are`,
    };
  }
  if (own && (second === undefined || second === namespace)) {
    const isLong = name.split('.').length > 2;
    return {
      code: 'NoSearchList',
      message: isLong
        ? `Service ${namespace}/${first} exists, but ${name} is not its name`
        : `Service ${namespace}/${first} exists, but the pod's search list (resolv.conf) does not lead to it`,
      remedy: `use ${first}.${namespace}.svc.${zone.origin}`,
    };
  }
  const headless = services.find(
    ({ metadata, spec }) =>
      spec?.clusterIP === 'None' &&
      metadata?.name === second &&
      metadata?.namespace === (name.split('.')[2] ?? namespace),
  );
  if (headless) {
    return {
      code: 'NoSuchHostname',
      message: `headless Service ${headless.metadata?.namespace}/${second} has no ready pod with the hostname ${first}`,
      remedy: 'a name of a pod needs spec.hostname and spec.subdomain in the pod (a StatefulSet sets them)',
    };
  }
  const meant = same.find(({ metadata }) => second === undefined || metadata?.namespace !== second);
  if (meant) {
    const where = places.length === 1 ? `in namespace ${meant.metadata?.namespace}` : `in ${places.join(', ')}`;
    const found = tooManyDots(name, resolver, places);
    if (found) return found;
    return {
      code: 'OtherNamespace',
      message: `no Service ${name} in the namespace of the pod; a Service ${first} is ${where}`,
      remedy: `use ${places[0]}`,
    };
  }
  const dots = tooManyDots(name, resolver, places);
  if (dots) return dots;
  return {
    code: 'NameNotFound',
    message: `no name of the cluster is ${name}, nor with any suffix of the search list`,
    remedy: 'kubectl get services -A',
  };
}

/** The name would be found with the search list, but has so many dots that it is taken as it is. */
function tooManyDots(name: string, { ndots, search }: Resolver, places: readonly string[]): HopFault | undefined {
  const [first, second] = name.split('.');
  const place = `${first}.${second}`;
  if (!places.includes(place) || search.length > 0) return undefined;
  return {
    code: 'NoSearchList',
    message: `${name} is a Service, but the pod has no search list (ndots ${ndots})`,
    remedy: `use ${place}.svc.cluster.local, or dnsPolicy: ClusterFirst`,
  };
}
