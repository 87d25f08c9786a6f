// One address family on this node: passes Services to the rules of its mode, and UDP flows of removed endpoints to the flow
// cleaner.
import { isDeepStrictEqual } from 'node:util';
import type { ServiceCIDR } from '../../controlplane/api';
import { formatCidr, parseCidr } from '../../controlplane/base/cidr';
import { describeError } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import type { FlowCleaner } from '../../dataplane/conntrack/cleaner';
import { changedFrontends } from '../../dataplane/conntrack/frontends';
import type { UdpFrontend } from '../../dataplane/conntrack/stale';
import type { Family } from '../../dataplane/netfilter/model';
import type { Written } from '../../dataplane/netfilter/writer';
import type { NodeFacts, ServiceInput } from '../../dataplane/service/input';
import type { FamilyInputs } from '../../dataplane/what-if/inputs';
import type { HealthCheck } from './health-ports';
import type { Rules } from './rules';
import { serviceRanges } from './service-ranges';

export interface FamilyProxyDeps {
  readonly family: Family;
  readonly facts: NodeFacts;
  readonly rules: Rules;
  readonly cleaner: FlowCleaner;
  readonly log: Logger;
  /** From option --nodeport-addresses: ranges of this family, or 'primary'. Absent or empty: node ports work on every address. */
  readonly nodePortAddresses?: readonly string[];
}

/**
 * Sorted. 'primary' means the InternalIPs of the Node. Undefined: no restriction; a range with prefix length 0 has the same
 * meaning.
 */
export function chosenAddresses(wanted: readonly string[], own: readonly string[]): readonly string[] | undefined {
  if (wanted.length === 0 || wanted.some((range) => range.endsWith('/0'))) return undefined;
  const hosts = own.map((address) => formatCidr(parseCidr(`${address}/${address.includes(':') ? 128 : 32}`)));
  return [...new Set(wanted.flatMap((range) => (range === 'primary' ? hosts : [range])))].sort();
}

/** What the API says about this node. */
export interface Known {
  /** Undefined: not known yet. */
  readonly podCidr?: string | undefined;
  readonly addresses: readonly string[];
  readonly cidrs: readonly ServiceCIDR[];
}

export interface FamilySync extends Written {
  readonly staleFlows: number;
}

/** Calls of sync() and rules.check() must not overlap. */
export class FamilyProxy {
  readonly family: Family;
  readonly rules: Rules;
  private facts: NodeFacts;
  private frontends: UdpFrontend[] = [];
  private first = true;

  constructor(private readonly deps: FamilyProxyDeps) {
    this.family = deps.family;
    this.rules = deps.rules;
    this.facts = deps.facts;
  }

  /** For those who compile the same by themselves. */
  get inputs(): FamilyInputs {
    return { family: this.family, facts: this.facts, services: this.rules.services };
  }

  set(key: string, input: ServiceInput | undefined): void {
    const before = this.rules.services.get(key);
    this.frontends.push(...changedFrontends(before, input, this.first));
    this.rules.set(key, input);
  }

  /** Facts from the Node and the ServiceCIDRs. */
  setNode({ podCidr, addresses, cidrs }: Known): void {
    const { podCidr: _podCidr, nodePortAddresses: _addresses, ...fixed } = this.facts;
    const { family, deps } = this;
    const { clusterCidr, serviceCidrs: configured = [] } = deps.facts;
    const chosen = chosenAddresses(deps.nodePortAddresses ?? [], addresses);
    const facts: NodeFacts = {
      ...fixed,
      ...(configured.length === 0
        ? {}
        : { serviceCidrs: serviceRanges(cidrs, { family, configured, clusterCidr, addresses }) }),
      ...(podCidr === undefined ? {} : { podCidr }),
      ...(chosen === undefined ? {} : { nodePortAddresses: chosen }),
    };
    if (isDeepStrictEqual(facts, this.facts)) return;
    this.facts = facts;
    this.rules.setFacts(facts);
  }

  /** @throws what Rules.write throws. The next call then writes everything that differs. */
  async sync(): Promise<FamilySync> {
    const written = await this.rules.write();
    this.first = false;
    return { ...written, staleFlows: await this.cleanFlows() };
  }

  /** The healthCheckNodePorts that this node answers. */
  healthChecks(): HealthCheck[] {
    return [...this.rules.services.values()].flatMap(({ key, healthCheckPort, ports }) => {
      if (healthCheckPort === undefined) return [];
      const local = ports.flatMap((port) => port.endpoints.filter((one) => one.local && one.ready && !one.terminating));
      return [{ key, port: healthCheckPort, localEndpoints: new Set(local.map((one) => one.address)).size }];
    });
  }

  /** A failure here does not affect the rules: the next sync deletes the flows that could not be deleted. */
  private async cleanFlows(): Promise<number> {
    const frontends = this.frontends;
    this.frontends = [];
    try {
      return await this.deps.cleaner.clean(frontends);
    } catch (err) {
      this.frontends.unshift(...frontends);
      this.deps.log.warn('UDP flows to removed endpoints not deleted; the next sync deletes them', {
        error: describeError(err),
      });
      return 0;
    }
  }
}
