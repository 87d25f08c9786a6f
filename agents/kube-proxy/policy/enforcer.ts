// NetworkPolicies in the kernel: all that concerns them is translated, compiled and written. RulesKeeper decides when.
//
//   policies, node, DNS Service ─┐
//   pods, namespaces (Peers) ────┴► RulesKeeper ─► sync: translate ─► compile ─► nft
//                                             └─► check: structure, now and then every element        only while there is a policy
import type { EndpointSlice, NetworkPolicy, Node, Service } from '../../../controlplane/api';
import type { Family } from '../../../controlplane/base/cidr';
import type { Clock } from '../../../controlplane/base/clock';
import type { Logger } from '../../../controlplane/base/logger';
import type { Client } from '../../../controlplane/client/client';
import type { Informer } from '../../../controlplane/client/informer';
import type { Drift } from '../../../dataplane/netfilter/writer';
import type { PolicyApplier } from '../../../dataplane/policy/applier';
import { compilePolicies } from '../../../dataplane/policy/compile';
import type { PolicyRecord, World } from '../../../dataplane/policy/input';
import type { PolicyPlan } from '../../../dataplane/policy/model';
import { policyTables } from '../../../dataplane/policy/table';
import type { DesiredPart } from '../../../dataplane/rules-diff/document';
import type { PolicyInputs } from '../../../dataplane/what-if/inputs';
import { sliceIndex } from '../informers';
import { RulesKeeper } from '../rules-keeper';
import { podCidrOf } from '../translate';
import type { PolicyMetrics } from './metrics';
import { Peers } from './peers';
import { closedPolicy, translatePolicy, translateServer } from './translate';

const dnsServiceKey = 'kube-system/kube-dns';

export interface EnforcerDeps {
  readonly client: Client;
  readonly nodeName: string;
  readonly families: readonly Family[];
  /** The caller runs these four. */
  readonly policies: Informer<NetworkPolicy>;
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
  readonly nodes: Informer<Node>;
  readonly applier: PolicyApplier;
  readonly metrics: PolicyMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onDrift: (drift: Drift) => void;
  /** Called once for each series of failures: while it lasts, connections that policies forbid may be possible. */
  readonly onFailure: (message: string) => void;
}

export class PolicyEnforcer {
  private readonly keeper: RulesKeeper;
  private peers: Peers | undefined;
  /** Pods and namespaces for an answer, while they are listed. */
  private listed: Promise<Pick<World, 'pods' | 'namespaces'>> | undefined;
  private unguarded: string | undefined;
  /** The last plan. In an object, because without a policy it is undefined. */
  private planned: { readonly plan: PolicyPlan | undefined } | undefined;
  private stopping: AbortSignal = AbortSignal.abort();

  constructor(private readonly deps: EnforcerDeps) {
    const { applier, metrics, clock, log, onDrift, onFailure } = deps;
    this.keeper = new RulesKeeper({
      what: 'policies',
      sync: () => this.sync(),
      check: async (thorough) => (this.peers ? applier.check(thorough) : []),
      noticesAll: () => true,
      onDrift: (drift) => {
        metrics.drifts++;
        onDrift(drift);
      },
      onFailing: onFailure,
      clock,
      log,
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { policies, services, slices, nodes } = this.deps;
    const request = () => this.keeper.request();
    this.stopping = signal;
    policies.onChange(request);
    nodes.onChange(() => this.peers && request());
    services.onChange(({ key }) => key === dnsServiceKey && this.peers && request());
    slices.onChange(({ object }) => object.metadata?.namespace === 'kube-system' && this.peers && request());
    await Promise.all([policies, services, slices, nodes].map((informer) => informer.synced(signal)));
    // As with Services: only complete lists may replace what the kernel holds.
    await this.keeper.run(signal);
    await this.peers?.close();
  }

  /** What is wrong, for /healthz. */
  problem(): string | undefined {
    return this.keeper.problem();
  }

  desired(): DesiredPart {
    const { planned, unguarded, keeper } = this;
    const guarded = unguarded === undefined;
    return {
      part: 'policies',
      mode: 'nftables',
      state: keeper.state(),
      known: planned !== undefined,
      iptables: [],
      nft: planned?.plan ? policyTables(planned.plan, guarded) : [],
      notes: guarded ? [] : [`policies do not hold between pods of this node on one bridge: ${unguarded}`],
    };
  }

  /**
   * What policies are compiled from. `withPeers`: with pods and namespaces, also where no policy needs them yet: then they are listed for
   * this answer only. Undefined before all lists are complete.
   */
  async inputs(withPeers: boolean): Promise<PolicyInputs | undefined> {
    if (!this.keeper.started) return undefined;
    const known = this.facts();
    if (this.peers) {
      await this.peers.synced(this.stopping);
      return { ...known, pods: this.peers.pods, namespaces: this.peers.namespaces };
    }
    if (!withPeers) return known;
    // One list for all who ask meanwhile.
    this.listed ??= this.listPeers().finally(() => {
      this.listed = undefined;
    });
    return { ...known, ...(await this.listed) };
  }

  private async listPeers(): Promise<Pick<World, 'pods' | 'namespaces'>> {
    const { client, nodeName, log } = this.deps;
    const peers = new Peers({ client, nodeName, log, onChange: () => {} });
    try {
      await peers.synced(this.stopping);
      return { pods: peers.pods, namespaces: peers.namespaces };
    } finally {
      await peers.close();
    }
  }

  private async sync(): Promise<void> {
    const { clock, metrics, applier, log } = this.deps;
    const start = clock.now();
    try {
      const world = await this.observe();
      const plan = world && compilePolicies(world);
      this.planned = { plan };
      const { full, bytes, unguarded } = await applier.apply(plan);
      if (unguarded !== this.unguarded && unguarded !== undefined)
        log.warn('policies do not hold between pods of this node on one bridge', { error: unguarded });
      this.unguarded = unguarded;
      const end = clock.now();
      metrics.synced({
        policies: world?.policies.length ?? 0,
        pods: world?.pods.length ?? 0,
        ms: end - start,
        at: end,
      });
      if (bytes > 0) log[full ? 'info' : 'debug']('policies written', { full, bytes, ms: end - start });
    } catch (err) {
      if (this.stopping.aborted) return;
      metrics.failures++;
      throw err;
    }
  }

  /** Undefined without a policy: then pods and namespaces are not watched either. */
  private async observe(): Promise<World | undefined> {
    const { client, nodeName, policies, log } = this.deps;
    if (policies.list().length === 0) {
      await this.peers?.close();
      this.peers = undefined;
      return undefined;
    }
    this.peers ??= new Peers({ client, nodeName, log, onChange: () => this.keeper.request() });
    await this.peers.synced(this.stopping);
    return { ...this.facts(), pods: this.peers.pods, namespaces: this.peers.namespaces };
  }

  private facts(): Omit<World, 'pods' | 'namespaces'> {
    const { nodeName, families, policies, services, slices, nodes } = this.deps;
    const node = nodes.get(nodeName);
    const podRanges = families.flatMap((family) => podCidrOf(node, family) ?? []);
    const server = translateServer(services.get(dnsServiceKey), slices.by(sliceIndex, dnsServiceKey), {
      name: nodeName,
      podRanges,
    });
    return {
      families,
      podRanges,
      policies: policies.list().map((policy) => this.translate(policy)),
      servers: server ? [server] : [],
    };
  }

  private translate(policy: NetworkPolicy): PolicyRecord {
    try {
      return translatePolicy(policy);
    } catch (error) {
      const record = closedPolicy(policy);
      this.deps.log.error('NetworkPolicy not understood; its pods are isolated and nothing is allowed', {
        policy: record.key,
        error,
      });
      return record;
    }
  }
}
