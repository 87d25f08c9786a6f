// One address family on this node: compiler, kernel writer and UDP flow cleaner, and what passes between them.
import { describeError } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import type { FlowCleaner } from '../../dataplane/conntrack/cleaner';
import { changedFrontends } from '../../dataplane/conntrack/frontends';
import type { UdpFrontend } from '../../dataplane/conntrack/stale';
import type { Applier, Drift, Written } from '../../dataplane/netfilter/applier';
import type { Family } from '../../dataplane/netfilter/model';
import { type Plan, ServiceCompiler } from '../../dataplane/service/compiler';
import type { NodeFacts, ServiceInput } from '../../dataplane/service/input';
import type { HealthCheck } from './health-ports';

export interface FamilyProxyDeps {
  readonly family: Family;
  readonly facts: NodeFacts;
  readonly applier: Applier;
  readonly cleaner: FlowCleaner;
  readonly log: Logger;
}

export interface FamilySync extends Written {
  readonly staleFlows: number;
}

/** Calls of sync() and check() must not overlap. */
export class FamilyProxy {
  readonly family: Family;
  private readonly compiler: ServiceCompiler;
  private facts: NodeFacts;
  private frontends: UdpFrontend[] = [];
  private plan: Plan | undefined;
  private first = true;

  constructor(private readonly deps: FamilyProxyDeps) {
    this.family = deps.family;
    this.facts = deps.facts;
    this.compiler = new ServiceCompiler(deps.family, deps.facts);
  }

  set(key: string, input: ServiceInput | undefined): void {
    const before = this.compiler.services.get(key);
    this.frontends.push(...changedFrontends(before, input, this.first));
    this.compiler.set(key, input);
  }

  setPodCidr(podCidr: string | undefined): void {
    if (podCidr === this.facts.podCidr) return;
    this.facts = { clusterCidr: this.facts.clusterCidr, ...(podCidr === undefined ? {} : { podCidr }) };
    this.compiler.setFacts(this.facts);
  }

  /** @throws what Applier.apply throws; nothing is lost, the next call writes everything that differs. */
  async sync(): Promise<FamilySync> {
    const { plan, dirty } = this.compiler.take();
    this.plan = plan;
    const written = await this.deps.applier.apply(plan, dirty);
    this.first = false;
    return { ...written, staleFlows: await this.cleanFlows() };
  }

  /** Nothing before the first sync. `thorough` compares every chain, otherwise only when the canaries are gone. */
  async check(thorough: boolean): Promise<Drift> {
    const { applier } = this.deps;
    if (!this.plan) return [];
    if (!thorough && (await applier.canaryAlive())) return [];
    return applier.check(this.plan);
  }

  /** Load balancer health checks this node answers. */
  healthChecks(): HealthCheck[] {
    return [...this.compiler.services.values()].flatMap(({ key, healthCheckPort, ports }) => {
      if (healthCheckPort === undefined) return [];
      const local = ports.flatMap((port) => port.endpoints.filter((one) => one.local && one.ready && !one.terminating));
      return [{ key, port: healthCheckPort, localEndpoints: new Set(local.map((one) => one.address)).size }];
    });
  }

  get ruleCounts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const [table, chains] of Object.entries(this.plan ?? {})) {
      let rules = 0;
      for (const text of (chains as ReadonlyMap<string, string>).values()) rules += text.split('\n').length - 1;
      counts.set(table, rules);
    }
    return counts;
  }

  /** The rules are right whatever happens here; flows that could not be deleted are tried again with the next sync. */
  private async cleanFlows(): Promise<number> {
    const frontends = this.frontends;
    this.frontends = [];
    try {
      return await this.deps.cleaner.clean(frontends);
    } catch (err) {
      this.frontends.unshift(...frontends);
      this.deps.log.warn('UDP flows to removed endpoints not deleted', { error: describeError(err) });
      return 0;
    }
  }
}
