// Compiles one Service port to elements and chains. Most ports need only elements: all ports with the same number of endpoints
// share the chains that pick an endpoint. Affinity and source ranges need chains of their own. Pure.
import { canonicalAddress, type Family } from '../../../controlplane/base/cidr';
import { marks } from '../../netfilter/names';
import { shortHash } from '../../netfilter/short-hash';
import { comment } from '../../nftables/text';
import { decidePort, type External, type Frontend, type Pool, type PortDecisions, type Way } from '../decisions';
import { endpointId } from '../endpoints';
import type { Endpoint, NodeFacts, ServiceInput, ServicePort } from '../input';
import { chain, l3 } from './base';
import type { Element, NftChain } from './model';
import { chains, endpointMap, localOffset, maps, nodeEndpointMap, protocolNumbers, sets } from './names';

/** Elements that exist together or not at all. When two owners claim one address and port, the first in order gets it. */
export interface Claim {
  readonly key: string;
  readonly owner: string;
  readonly elements: readonly Element[];
}
export interface CompiledPort {
  readonly claims: readonly Claim[];
  /** Including shared ones: equal names have equal content. */
  readonly chains: ReadonlyMap<string, NftChain>;
  /** Declarations of sets that the kernel fills. */
  readonly sets: ReadonlyMap<string, string>;
  /** Rules of chain `host-ports`, by the key that orders them. */
  readonly hostPorts: ReadonlyMap<string, string>;
}

export function compilePort(service: ServiceInput, port: ServicePort, facts: NodeFacts, family: Family): CompiledPort {
  return new PortBuilder(service, port, decidePort(service, port, facts), family).build();
}

/** The endpoint map is keyed by the destination that the client used, so node ports have a map and chains of their own. */
type Table = 'address' | 'nodePort';
type MappedFrontend = Exclude<Frontend, { readonly kind: 'hostPort' }>;

class PortBuilder {
  private readonly made = new Map<string, NftChain>();
  private readonly clientSets = new Map<string, string>();
  private readonly hash: string;
  private readonly ip: string;
  constructor(
    private readonly service: ServiceInput,
    private readonly port: ServicePort,
    private readonly decided: PortDecisions,
    private readonly family: Family,
  ) {
    this.hash = shortHash(`${decided.id}/${port.protocol}`);
    this.ip = l3(family);
  }

  build(): CompiledPort {
    const { id, frontends, hairpin } = this.decided;
    const claims: Claim[] = [];
    const hostPorts = new Map<string, string>();
    for (const frontend of frontends) {
      if (frontend.kind === 'hostPort') hostPorts.set(`${frontend.hostPort} ${id}`, this.hostPort(frontend));
      else claims.push(this.claim(frontend));
    }
    for (const address of hairpin) {
      const pod = canonicalAddress(address);
      claims.push({ key: `hairpin ${pod}`, owner: id, elements: [[sets.hairpin, `${pod} . ${pod}`, '']] });
    }
    return { claims, chains: this.made, sets: this.clientSets, hostPorts };
  }

  // ip daddr 192.168.57.11 meta l4proto tcp th dport 8080 dnat to 10.244.1.5:80 comment "pod:shop/web-0"
  private hostPort({ address, hostPort }: { readonly address?: string; readonly hostPort: number }): string {
    const { protocol } = this.port;
    // The pod is the only endpoint.
    const to = endpointId(this.endpoints('local')[0]!);
    const where = address === undefined ? '' : `${this.ip} daddr ${canonicalAddress(address)} `;
    return `${where}meta l4proto ${protocol} th dport ${hostPort} dnat to ${to} ${comment(this.decided.id)}`;
  }

  // 10.96.3.7 . 6 . 80 comment "shop/web:http" : goto tcp-cluster-2      in map services
  // 10.96.3.7 . 80 . 0 : 10.244.1.5 . 8080                               in map tcp-endpoints
  private claim(frontend: MappedFrontend): Claim {
    const { protocol, port } = this.port;
    const atNode = frontend.kind === 'nodePort';
    const number = protocolNumbers[protocol];
    const address = atNode ? '' : `${canonicalAddress(frontend.address)} . `;
    const end = atNode ? frontend.nodePort : port;
    const key = `${address}${number} . ${end}`;
    const words = 'because' in frontend.way ? `${this.decided.id} ${frontend.way.because}` : this.decided.id;
    const rest = ` ${comment(words)} : goto ${this.target(frontend, atNode ? 'nodePort' : 'address')}`;
    const elements: Element[] = [[atNode ? maps.nodePorts : maps.services, key, rest]];
    if (this.service.affinitySeconds === undefined) {
      const map = atNode ? nodeEndpointMap(protocol) : endpointMap(protocol);
      for (const pool of this.poolsOf(frontend)) {
        const offset = pool === 'local' ? localOffset : 0;
        this.endpoints(pool).forEach((endpoint, i) => {
          const to = ` : ${canonicalAddress(endpoint.address)} . ${endpoint.port}`;
          elements.push([map, `${address}${end} . ${offset + i}`, to]);
        });
      }
    }
    return { key: `${atNode ? 'node' : 'address'} ${key}`, owner: this.decided.id, elements };
  }

  private endpoints(pool: Pool): readonly Endpoint[] {
    return this.decided.pools.get(pool) ?? [];
  }

  /** The pools that a packet to this frontend may be sent to. */
  private poolsOf({ way }: MappedFrontend): Pool[] {
    if (way.to === 'cluster' || way.to === 'local') return [way.to];
    const { external } = this.decided;
    if (way.to !== 'external' || !external) return [];
    const pools = new Set<Pool>(external.insiders === undefined ? [] : ['cluster']);
    if (external.others.to === 'cluster' || external.others.to === 'local') pools.add(external.others.to);
    return [...pools];
  }

  private target(frontend: MappedFrontend, table: Table): string {
    const { way } = frontend;
    if (way.to !== 'external') return this.along(way, table);
    const { external, sourceRanges } = this.decided;
    if (!external) throw new Error(`${this.decided.id}: a way to the outside that was not decided`);
    const outside = this.external(external, table);
    return frontend.kind === 'address' && frontend.guarded ? this.guard(sourceRanges ?? [], outside) : outside;
  }

  private along(way: Way, table: Table): string {
    if (way.to === 'reject') return chains.reject;
    if (way.to === 'drop') return chains.drop;
    return this.service.affinitySeconds === undefined ? this.pick(way.to, table) : this.pickByClient(way.to);
  }

  /**
   * chain tcp-cluster-2 {
   *   ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x00004000 comment "from outside the pod network"
   *   dnat ip addr . port to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints
   *   drop comment "the endpoint has just been removed"
   * }
   */
  private pick(pool: Pool, table: Table): string {
    const n = this.endpoints(pool).length;
    const { ip } = this;
    const { protocol } = this.port;
    const [address, map] =
      table === 'address' ? [`${ip} daddr . `, endpointMap(protocol)] : ['', nodeEndpointMap(protocol)];
    const number = `numgen random mod ${n}${pool === 'local' ? ` offset ${localOffset}` : ''}`;
    return this.make(
      `${this.prefix(table)}${pool}-${n}`,
      ...this.hideOutsiders(pool),
      `dnat ${ip} addr . port to ${address}${protocol} dport . ${number} map @${map}`,
      // A packet may meet a verdict from before a change and endpoints from after it. A dropped packet is sent again; without
      // this rule it would continue and be refused.
      `drop ${comment('the endpoint has just been removed')}`,
    );
  }

  private prefix(table: Table): string {
    return `${table === 'address' ? '' : 'node-'}${this.port.protocol}-`;
  }

  private hideOutsiders(pool: Pool): string[] {
    if (pool === 'local') return [];
    return [`${this.ip} saddr != ${this.decided.hideOutside} ${hide} ${comment('from outside the pod network')}`];
  }

  /**
   * Policy Cluster: chain tcp-outside-2 { ip saddr != 10.244.1.0/24 meta mark set meta mark | 0x00004000; goto tcp-cluster-2; }
   * Policy Local: chain tcp-outside-2-1 {
   *   ip saddr 10.244.1.0/24 goto tcp-cluster-2; fib saddr type local goto tcp-cluster-2; goto tcp-local-1;
   * }
   */
  private external({ hide: hidden, insiders, others }: External, table: Table): string {
    const rules: string[] = [];
    if (hidden) {
      const but = hidden.except === undefined ? '' : `${this.ip} saddr != ${hidden.except} `;
      rules.push(`${but}${hide} ${comment('from outside')}`);
    }
    if (insiders !== undefined) {
      const cluster = this.along({ to: 'cluster' }, table);
      rules.push(
        `${this.ip} saddr ${insiders} goto ${cluster} ${comment('from pods')}`,
        `fib saddr type local goto ${cluster} ${comment('from the node')}`,
      );
    }
    rules.push(`goto ${this.along(others, table)}`);
    if (this.service.affinitySeconds !== undefined) return this.make(`outside-${this.hash}`, ...rules);
    const [n, m] = [this.endpoints('cluster').length, this.endpoints('local').length];
    return this.make(`${this.prefix(table)}outside-${insiders === undefined ? n : `${n}-${m}`}`, ...rules);
  }

  // ip saddr 203.0.113.0/24 goto tcp-outside-2 comment "shop/web:http: source range"
  // goto mark-for-drop comment "shop/web:http: not in a source range"
  private guard(ranges: readonly string[], outside: string): string {
    const { id } = this.decided;
    return this.make(
      `allowed-${this.hash}`,
      ...ranges.map((range) => {
        const source = range.endsWith('/0') ? '' : `${this.ip} saddr ${range} `;
        return `${source}goto ${outside} ${comment(`${id}: source range`)}`;
      }),
      `goto ${chains.drop} ${comment(`${id}: not in a source range`)}`,
    );
  }

  /**
   * chain affinity-… {
   *   ip saddr @clients-… goto to-… comment "shop/web:http -> 10.244.1.5:8080"
   *   numgen random mod 2 vmap { 0 : goto to-…, 1 : goto to-… }
   * }
   * chain to-… { update @clients-… { ip saddr }; meta l4proto tcp dnat to 10.244.1.5:8080; }
   */
  private pickByClient(pool: Pool): string {
    const { id } = this.decided;
    const { protocol } = this.port;
    const seconds = this.service.affinitySeconds!;
    const known: string[] = [];
    const random: string[] = [];
    this.endpoints(pool).forEach((endpoint, i) => {
      const to = endpointId(endpoint);
      const hash = shortHash(`${id}/${protocol}|${to}|${seconds}`);
      const words = comment(`${id} -> ${to}`);
      this.clientSets.set(`clients-${hash}`, clientSet(`clients-${hash}`, seconds, this.family));
      this.make(
        `to-${hash}`,
        `update @clients-${hash} { ${this.ip} saddr } ${words}`,
        `meta l4proto ${protocol} dnat to ${to}`,
      );
      known.push(`${this.ip} saddr @clients-${hash} goto to-${hash} ${words}`);
      random.push(`${i} : goto to-${hash}`);
    });
    const choice = `numgen random mod ${random.length} vmap { ${random.join(', ')} }`;
    const name = pool === 'cluster' ? 'affinity' : 'affinity-local';
    return this.make(`${name}-${this.hash}`, ...this.hideOutsiders(pool), ...known, choice);
  }

  private make(name: string, ...rules: readonly string[]): string {
    this.made.set(name, chain(...rules));
    return name;
  }
}

const hide = `meta mark set meta mark | 0x${marks.masquerade.toString(16).padStart(8, '0')}`;

/** The kernel's own default for the size of such a set. Above it, new clients are not remembered. */
const maxClients = 65_535;
const clientSet = (name: string, seconds: number, family: Family): string =>
  `set ${name} { type ${family === 4 ? 'ipv4_addr' : 'ipv6_addr'}; flags dynamic,timeout; timeout ${seconds}s; size ${maxClients}; }`;
