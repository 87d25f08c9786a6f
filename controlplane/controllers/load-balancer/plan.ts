// Which Service of type LoadBalancer has which address. The Services themselves show which addresses are in use, so a restart loses
// nothing. A valid address stays; only a Service without one gets the lowest free address.
import { isIP } from 'node:net';
import type { Node } from '../../api/node';
import type { Service } from '../../api/service';
import { objectKey } from '../../api/types';
import { type Family, formatAddress, parseAddress } from '../../base/cidr';
import { type Pool, poolAddresses, poolContains, poolSize } from './pool';
import { sharingKey, sharingProblem } from './sharing';

/** spec.loadBalancerClass of this implementation; it also serves Services without a class. */
export const ourClass = 'k8ts.io/l2';
/** Requested addresses, comma-joined: one for each family. spec.loadBalancerIP, which upstream calls deprecated, holds one. */
export const addressesAnnotation = 'k8ts.io/load-balancer-ips';
/** How many holders a message about an exhausted pool names. */
const maxNamed = 20;

export type Step =
  | { readonly action: 'assign'; readonly service: Service; readonly addresses: readonly string[] }
  | { readonly action: 'release'; readonly service: Service }
  | { readonly action: 'report'; readonly service: Service; readonly message: string };

export const isLoadBalancer = ({ spec }: Service): boolean => spec?.type === 'LoadBalancer';

export const isOurs = (service: Service): boolean =>
  isLoadBalancer(service) && (service.spec?.loadBalancerClass ?? ourClass) === ourClass;

export const addressesOf = ({ status }: Service): string[] =>
  (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));

/** Steps in the order of age. Without a pool only reports: another implementation may then write the status. */
export function planAddresses(services: readonly Service[], nodes: readonly Node[], pool: Pool): Step[] {
  const ours = services.filter(isOurs).sort((a, b) => (ageKey(a) < ageKey(b) ? -1 : 1));
  if (pool.ranges.length === 0) {
    return ours
      .filter((service) => addressesOf(service).length === 0)
      .map((service) => ({ action: 'report', service, message: noPool }));
  }
  const book = new Book(services, nodes, pool);
  const steps: Step[] = [];
  const waiting = ours.filter((service) => !book.keep(service));
  for (const service of waiting) {
    const found = book.find(service);
    if (Array.isArray(found)) {
      steps.push({ action: 'assign', service, addresses: found });
      continue;
    }
    if (addressesOf(service).length > 0) steps.push({ action: 'release', service });
    steps.push({ action: 'report', service, message: found });
  }
  return steps;
}

const noPool =
  'no load balancer pool: give Services addresses with k8ts server --load-balancer-pool=FIRST-LAST, or install another load balancer';

const ageKey = (service: Service): string => `${service.metadata?.creationTimestamp ?? ''} ${objectKey(service)}`;

/** Which Service or node has which address during the planning. */
class Book {
  private readonly holders = new Map<string, Service[]>();
  /** Address → its fixed holder: a node, or a Service of another implementation. */
  private readonly foreign = new Map<string, string>();

  constructor(
    services: readonly Service[],
    nodes: readonly Node[],
    private readonly pool: Pool,
  ) {
    for (const { metadata, status } of nodes) {
      for (const { address } of status?.addresses ?? []) {
        if (isIP(address) !== 0) this.foreign.set(canonical(address), `node ${metadata?.name}`);
      }
    }
    for (const service of services) {
      const others = isOurs(service) ? [] : addressesOf(service);
      for (const address of [...others, ...(service.spec?.externalIPs ?? [])]) {
        if (isIP(address) !== 0) this.foreign.set(canonical(address), objectKey(service));
      }
    }
  }

  /** True when all addresses of the Service are valid; then they are entered as its own. */
  keep(service: Service): boolean {
    const has = addressesOf(service);
    const requested = requestedAddresses(service);
    if (has.length === 0 || typeof requested === 'string') return false;
    const families = this.familiesOf(service);
    const complete =
      has.length === families.length && families.every((family) => has.some((ip) => isIP(ip) === family));
    const asRequested =
      requested.length === 0 || (requested.length === has.length && requested.every((ip) => has.includes(ip)));
    if (!complete || !asRequested || has.some((address) => this.problem(service, address) !== undefined)) return false;
    this.enter(service, has);
    return true;
  }

  /** Addresses for a Service without one, entered as its own; or why there are none. */
  find(service: Service): string[] | string {
    const requested = requestedAddresses(service);
    if (typeof requested === 'string') return requested;
    const families = this.familiesOf(service);
    const found: string[] = [];
    for (const address of requested) {
      if (!families.includes(isIP(address) as Family)) {
        return `requested address ${address} is of a family that is not in spec.ipFamilies (${service.spec?.ipFamilies})`;
      }
      const problem = this.problem(service, address);
      if (problem !== undefined) return `requested address ${address} is ${problem}`;
      found.push(address);
    }
    if (requested.length === 0) {
      if (families.length === 0) return `no ${service.spec?.ipFamilies} address in the pool ${this.pool.text}`;
      for (const family of families) {
        const address = this.lowest(service, family);
        if (address === undefined) return this.exhausted(family);
        found.push(address);
      }
    }
    this.enter(service, found);
    return found;
  }

  /** The families of the Service for which the pool has addresses. */
  private familiesOf({ spec }: Service): Family[] {
    const wanted = (spec?.ipFamilies ?? ['IPv4']).map((family): Family => (family === 'IPv6' ? 6 : 4));
    return wanted.filter((family) => poolSize(this.pool, family) > 0n);
  }

  private lowest(service: Service, family: Family): string | undefined {
    const free = (shared: boolean) => {
      for (const address of poolAddresses(this.pool, family)) {
        if (this.holders.has(address) === shared && this.problem(service, address) === undefined) return address;
      }
      return undefined;
    };
    // A Service that allows sharing shares an address with others first, before it gets an address of its own.
    return (sharingKey(service) === '' ? undefined : free(true)) ?? free(false);
  }

  private enter(service: Service, addresses: readonly string[]): void {
    for (const address of addresses) this.holders.set(address, [...(this.holders.get(address) ?? []), service]);
  }

  /** Why the Service cannot have this address; a text that follows "is". */
  private problem(service: Service, address: string): string | undefined {
    if (!poolContains(this.pool, parseAddress(address))) return `not in the pool ${this.pool.text}`;
    const foreign = this.foreign.get(address);
    if (foreign !== undefined && foreign !== objectKey(service)) return `in use by ${foreign}`;
    for (const holder of this.holders.get(address) ?? []) {
      const problem = sharingProblem(service, holder);
      if (problem !== undefined) return `in use by ${objectKey(holder)}: ${problem}`;
    }
    return undefined;
  }

  private exhausted(family: Family): string {
    const used: string[] = [];
    let inUse = 0;
    for (const address of poolAddresses(this.pool, family)) {
      const who = this.foreign.get(address) ?? this.holders.get(address)?.map(objectKey).join(' and ');
      if (who === undefined) continue;
      inUse++;
      if (used.length < maxNamed) used.push(`${address} ${who}`);
    }
    const more = inUse > used.length ? ` and ${inUse - used.length} more` : '';
    return `no free address in the pool ${this.pool.text}: ${used.join(', ')}${more}`;
  }
}

/** Requested addresses in canonical form, none when the Service requests none; or what is wrong with the request. */
function requestedAddresses({ metadata, spec }: Service): string[] | string {
  const annotated = metadata?.annotations?.[addressesAnnotation] ?? '';
  const inSpec = spec?.loadBalancerIP ?? '';
  if (annotated !== '' && inSpec !== '')
    return `both spec.loadBalancerIP and annotation ${addressesAnnotation} are set`;
  const requested = `${annotated}${inSpec}`
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '');
  const wrong = requested.find((address) => isIP(address) === 0);
  if (wrong !== undefined) return `requested address ${JSON.stringify(wrong)} is not an IP address`;
  const families = requested.map((address) => isIP(address));
  if (new Set(families).size < families.length)
    return `more than one address of a family is requested: ${requested.join(', ')}`;
  return requested.map(canonical);
}

const canonical = (address: string): string => formatAddress(parseAddress(address));
