// Compiles one Service to its chains in table nat, and to the entries of the dispatch trees that lead to them. Pure.

import type { Family, Protocol } from '../../netfilter/model';
import { chainFamilies } from '../../netfilter/names';
import { renderBody, renderChain } from '../../netfilter/render';
import { shortHash } from '../../netfilter/short-hash';
import { decidePort, type External, type Frontend, type Pool, type PortDecisions, type Way } from '../decisions';
import { endpointId } from '../endpoints';
import type { Endpoint, NodeFacts, ServiceInput, ServicePort } from '../input';
import { groupEndpoints, splitAbove } from './groups';
import { comment, host, jump, markForDrop, markForMasquerade, markForReject, type Rule, toPort } from './rule-parts';

/** A line of a dispatch tree: rule bodies without a chain name, because the tree chooses the chain. */
export interface TreeEntry {
  readonly tree: 'address' | 'hairpin' | 'hostPort' | Protocol;
  /** An address, or the decimal port. */
  readonly key: string;
  /** The Service port that added the entry; entries of one key are sorted by owner. */
  readonly owner: string;
  readonly rules: readonly string[];
}
export interface CompiledService {
  /** Chain name → rendered rules. */
  readonly chains: ReadonlyMap<string, string>;
  readonly entries: readonly TreeEntry[];
}

/** Sorts after every Service name, so that the rules of a Service's ports come first. */
const lastOwner = '~';

export function compileService(service: ServiceInput, facts: NodeFacts, family: Family): CompiledService {
  const chains = new Map<string, string>();
  const entries: TreeEntry[] = [];
  for (const port of service.ports) {
    const builder = new PortBuilder(service, port, facts, family);
    for (const [name, rules] of builder.chains()) chains.set(name, renderChain(name, rules, family));
    entries.push(...builder.entries());
  }
  if (service.clusterIp !== undefined) entries.push(unknownPorts(service, service.clusterIp, family));
  return { chains, entries };
}

/**
 * A ClusterIP in use refuses at once every port that its Service does not have:
 * -d 10.96.0.10/32 -m comment --comment "kube-system/kube-dns: no such port" -j MARK --set-xmark 0x2000/0x2000
 * Other addresses of a Service may be a node's own, so their other ports stay open.
 */
function unknownPorts(service: ServiceInput, clusterIp: string, family: Family): TreeEntry {
  const rule: Rule = {
    destination: { is: host(clusterIp, family) },
    matches: [comment(`${service.key}: no such port`)],
    action: markForReject,
  };
  return { tree: 'address', key: clusterIp, owner: lastOwner + service.key, rules: [renderBody(rule, family)] };
}

class PortBuilder {
  private readonly id: string;
  private readonly hash: string;
  private readonly decided: PortDecisions;
  constructor(
    private readonly service: ServiceInput,
    private readonly port: ServicePort,
    facts: NodeFacts,
    private readonly family: Family,
  ) {
    this.decided = decidePort(service, port, facts);
    this.id = this.decided.id;
    this.hash = shortHash(`${this.id}/${port.protocol}`);
  }

  chains(): Map<string, Rule[]> {
    const { pools, external, sourceRanges } = this.decided;
    const chains = new Map<string, Rule[]>();
    for (const [pool, endpoints] of pools) {
      const first = pool === 'cluster' ? [this.masqueradeOutsiders()] : [];
      chains.set(this.name(pool), [...first, ...this.pickOf(pool, endpoints, chains)]);
    }
    if (external) chains.set(this.name('external'), this.external(external));
    if (sourceRanges) chains.set(this.name('sourceRanges'), this.sourceRanges(sourceRanges));
    return chains;
  }

  entries(): TreeEntry[] {
    const { port, id } = this;
    const entries = this.decided.frontends.map((frontend): TreeEntry => {
      const target = this.target(frontend);
      if (frontend.kind === 'hostPort') {
        return this.entry('hostPort', String(frontend.hostPort), this.atHostPort(frontend, target));
      }
      if (frontend.kind !== 'nodePort')
        return this.entry('address', frontend.address, this.atAddress(frontend.address, target));
      const matches = [...(target.matches ?? []), toPort(port.protocol, frontend.nodePort)];
      const rule = { ...target, protocol: { is: port.protocol }, matches };
      return this.entry(port.protocol, String(frontend.nodePort), rule);
    });
    for (const ip of this.decided.hairpin) {
      entries.push({ tree: 'hairpin', key: ip, owner: id, rules: [this.hairpin(ip)] });
    }
    return entries;
  }

  private name(family: 'cluster' | 'local' | 'external' | 'sourceRanges'): string {
    return chainFamilies[family] + this.hash;
  }

  private entry(tree: TreeEntry['tree'], key: string, rule: Rule): TreeEntry {
    return { tree, key, owner: this.id, rules: [renderBody(rule, this.family)] };
  }

  // -d 10.96.3.7/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-SVC-…
  private atAddress(address: string, rule: Rule): Rule {
    const { protocol, port } = this.port;
    return {
      destination: { is: host(address, this.family) },
      protocol: { is: protocol },
      ...rule,
      matches: [...(rule.matches ?? []), toPort(protocol, port)],
    };
  }

  // -d 192.168.57.11/32 -p tcp -m comment --comment "pod:shop/web-0:http" -m tcp --dport 8443 -j K8TS-SVL-…
  private atHostPort({ address, hostPort }: { address?: string; hostPort: number }, rule: Rule): Rule {
    const { protocol } = this.port;
    return {
      ...(address === undefined ? {} : { destination: { is: host(address, this.family) } }),
      protocol: { is: protocol },
      ...rule,
      matches: [...(rule.matches ?? []), toPort(protocol, hostPort)],
    };
  }

  /** A chain of this port, or the mark with which table filter refuses. */
  private target({ way, ...frontend }: Frontend): Rule {
    const chain = frontend.kind === 'address' && frontend.guarded ? 'sourceRanges' : 'external';
    if (way.to === 'external') return { matches: [comment(this.id)], action: jump(this.name(chain)) };
    return this.along(way);
  }

  private along(way: Way): Rule {
    if (way.to === 'cluster' || way.to === 'local') {
      return { matches: [comment(this.id)], action: jump(this.name(way.to)) };
    }
    const action = way.to === 'reject' ? markForReject : markForDrop;
    return { matches: [comment(`${this.id} ${way.because}`)], action };
  }

  // -A K8TS-SVC-… ! -s 10.244.0.0/16 -m comment --comment "shop/web:http: from outside the pod network" -j MARK --set-xmark 0x4000/0x4000
  private masqueradeOutsiders(): Rule {
    return {
      source: { not: true, is: this.decided.hideOutside },
      matches: [comment(`${this.id}: from outside the pod network`)],
      action: markForMasquerade,
    };
  }

  /**
   * A long list is split into groups; each group is a chain, added to `chains`:
   * -m comment --comment "shop/web:http: 31 of 1000 endpoints" -m statistic --mode random --probability 0.03100000000 -j K8TS-SVC-…-0f
   * With affinity there are no groups: every endpoint's list of clients must be checked in any case.
   */
  private pickOf(pool: Pool, endpoints: readonly Endpoint[], chains: Map<string, Rule[]>): Rule[] {
    if (endpoints.length <= splitAbove || this.service.affinitySeconds !== undefined) return this.pick(endpoints);
    let left = endpoints.length;
    return groupEndpoints(endpoints).map((group): Rule => {
      const size = group.endpoints.length;
      const chain = `${this.name(pool)}-${group.name}`;
      chains.set(chain, this.pick(group.endpoints));
      const chance = size < left ? [{ match: 'statistic', probability: size / left } as const] : [];
      left -= size;
      return {
        matches: [comment(`${this.id}: ${size} of ${endpoints.length} endpoints`), ...chance],
        action: jump(chain),
      };
    });
  }

  /**
   * Affinity first: a client that connected within the time is sent to the same endpoint. Then a random choice; the last rule matches
   * always.
   * -p tcp -m comment --comment "shop/web:http -> 10.244.1.5:8080" -m recent --update --seconds 10800 --reap --name K8TS-… … -j DNAT --to-destination 10.244.1.5:8080
   * -p tcp -m comment --comment "shop/web:http -> 10.244.1.5:8080" -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.244.1.5:8080
   * -p tcp -m comment --comment "shop/web:http -> 10.244.2.9:8080" -j DNAT --to-destination 10.244.2.9:8080
   * A second `recent` match after `statistic` adds the client to the list: matches are evaluated from left to right.
   */
  private pick(endpoints: readonly Endpoint[]): Rule[] {
    const { affinitySeconds } = this.service;
    const rules: Rule[] = [];
    const dnat = (endpoint: Endpoint, matches: Rule['matches'] = []): Rule => ({
      protocol: { is: this.port.protocol },
      matches: [comment(`${this.id} -> ${endpointId(endpoint)}`), ...matches],
      action: { target: 'dnat', to: endpointId(endpoint) },
    });
    if (affinitySeconds !== undefined) {
      for (const endpoint of endpoints) {
        const name = this.affinityList(endpoint);
        rules.push(dnat(endpoint, [{ match: 'recent', op: 'update', seconds: affinitySeconds, reap: true, name }]));
      }
    }
    endpoints.forEach((endpoint, i) => {
      const left = endpoints.length - i;
      rules.push(
        dnat(endpoint, [
          ...(left > 1 ? [{ match: 'statistic', probability: 1 / left } as const] : []),
          ...(affinitySeconds === undefined
            ? []
            : [{ match: 'recent', op: 'set', name: this.affinityList(endpoint) } as const]),
        ]),
      );
    });
    return rules;
  }

  private affinityList(endpoint: Endpoint): string {
    return `K8TS-${shortHash(`${this.id}/${this.port.protocol}|${endpointId(endpoint)}`)}`;
  }

  private external({ hide, insiders, others }: External): Rule[] {
    const { id } = this;
    const rules: Rule[] = [];
    if (hide) {
      // ! -s 10.244.1.0/24 -m comment --comment "shop/web:http: from outside" -j MARK --set-xmark 0x4000/0x4000
      const source = hide.except === undefined ? {} : { source: { not: true, is: hide.except } as const };
      rules.push({ ...source, matches: [comment(`${id}: from outside`)], action: markForMasquerade });
    }
    if (insiders !== undefined) {
      // -s 10.244.1.0/24 -m comment --comment "shop/web:http: from pods" -j K8TS-SVC-…
      // -m comment --comment "shop/web:http: from the node" -m addrtype --src-type LOCAL -j K8TS-SVC-…
      const cluster = jump(this.name('cluster'));
      const node = { match: 'addrtype', side: 'source', type: 'LOCAL' } as const;
      rules.push(
        { source: { is: insiders }, matches: [comment(`${id}: from pods`)], action: cluster },
        { matches: [comment(`${id}: from the node`), node], action: cluster },
      );
    }
    // -m comment --comment "shop/web:http" -j K8TS-SVC-… or K8TS-SVL-…
    rules.push(this.along(others));
    return rules;
  }

  // -s 203.0.113.0/24 -m comment --comment "shop/web:http: source range" -j K8TS-EXT-…
  // -m comment --comment "shop/web:http: not in a source range" -j MARK --set-xmark 0x8000/0x8000
  private sourceRanges(ranges: readonly string[]): Rule[] {
    const { id } = this;
    return [
      ...ranges.map(
        (range): Rule => ({
          ...(range.endsWith('/0') ? {} : { source: { is: range } }),
          matches: [comment(`${id}: source range ${range}`)],
          action: jump(this.name('external')),
        }),
      ),
      { matches: [comment(`${id}: not in a source range`)], action: markForDrop },
    ];
  }

  // -s 10.244.1.5/32 -d 10.244.1.5/32 -m comment --comment "shop/web:http: to itself" -j MASQUERADE --random-fully
  private hairpin(ip: string): string {
    const { family } = this;
    const self = { is: host(ip, family) };
    const matches = [comment(`${this.id}: to itself`)];
    const rule: Rule = {
      source: self,
      destination: self,
      matches,
      action: { target: 'masquerade', randomFully: true },
    };
    return renderBody(rule, family);
  }
}
