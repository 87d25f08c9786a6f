// The loop that keeps NetworkPolicies in the kernel.
//
//   policies, node, DNS Service ─┐
//   pods, namespaces (Peers) ────┴► Runner ─► sync: translate ─► compile ─► nft        only while there is a policy
//                                               ▲ one at a time
//   timer ────────────────────────────────────► check: structure, now and then every element ─► drift ─► Runner
import type { EndpointSlice, NetworkPolicy, Node, Service } from '../../../controlplane/api';
import type { Family } from '../../../controlplane/base/cidr';
import type { Clock } from '../../../controlplane/base/clock';
import { describeError } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import type { Client } from '../../../controlplane/client/client';
import type { Informer } from '../../../controlplane/client/informer';
import type { Drift } from '../../../dataplane/netfilter/writer';
import type { PolicyApplier } from '../../../dataplane/policy/applier';
import { compilePolicies } from '../../../dataplane/policy/compile';
import type { PolicyRecord, World } from '../../../dataplane/policy/input';
import { canaryMs, checkMs, sliceIndex, staleMs } from '../proxier';
import { Runner } from '../runner';
import { podCidrOf } from '../translate';
import type { PolicyMetrics } from './metrics';
import { Peers } from './peers';
import { closedPolicy, translatePolicy, translateServer } from './translate';

const dnsServiceKey = 'kube-system/kube-dns';

export interface EnforcerDeps {
  readonly client: Client;
  readonly nodeName: string;
  readonly families: readonly Family[];
  /** These four are run by the caller. */
  readonly policies: Informer<NetworkPolicy>;
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
  readonly nodes: Informer<Node>;
  readonly applier: PolicyApplier;
  readonly metrics: PolicyMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onDrift: (drift: Drift) => void;
  /** Told once per row of failures: what policies forbid may be open meanwhile. */
  readonly onFailure: (message: string) => void;
}

export class PolicyEnforcer {
  private readonly runner: Runner;
  private peers: Peers | undefined;
  private turn: Promise<unknown> = Promise.resolve();
  private waitingSince: number | undefined;
  private failure: string | undefined;
  private synced = false;
  private unguarded: string | undefined;
  private stopping: AbortSignal = AbortSignal.abort();

  constructor(private readonly deps: EnforcerDeps) {
    const { clock } = deps;
    this.runner = new Runner({
      clock,
      work: () => this.inTurn(() => this.sync()),
      onFailure: (err) => this.failed(err),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { policies, services, slices, nodes } = this.deps;
    this.stopping = signal;
    policies.onChange(() => this.request());
    nodes.onChange(() => this.peers && this.request());
    services.onChange(({ key }) => key === dnsServiceKey && this.peers && this.request());
    slices.onChange(({ object }) => object.metadata?.namespace === 'kube-system' && this.peers && this.request());
    await Promise.all([policies, services, slices, nodes].map((informer) => informer.synced(signal)));
    // As with Services: only a complete picture may replace what the kernel holds.
    this.synced = true;
    this.request();
    await Promise.all([this.runner.run(signal), this.watch(signal)]);
    await this.turn;
    await this.peers?.close();
  }

  /** What is wrong, for /healthz. */
  problem(): string | undefined {
    const waited = this.waitingSince === undefined ? 0 : this.deps.clock.now() - this.waitingSince;
    return waited > staleMs
      ? `policies are ${Math.round(waited / 1000)} s old: ${this.failure ?? 'still writing'}`
      : undefined;
  }

  private request(): void {
    if (!this.synced) return;
    this.waitingSince ??= this.deps.clock.now();
    this.runner.request('now');
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  private async sync(): Promise<void> {
    const { clock, metrics, applier, log } = this.deps;
    const queuedAt = this.waitingSince;
    this.waitingSince = undefined;
    const start = clock.now();
    try {
      const world = await this.observe();
      const { full, bytes, unguarded } = await applier.apply(world && compilePolicies(world));
      if (unguarded !== this.unguarded && unguarded !== undefined)
        log.warn('pods of this node can pass by policies on their bridge', { error: unguarded });
      this.unguarded = unguarded;
      const end = clock.now();
      metrics.synced({
        policies: world?.policies.length ?? 0,
        pods: world?.pods.length ?? 0,
        ms: end - start,
        at: end,
      });
      if (bytes > 0) log[full ? 'info' : 'debug']('policies written', { full, bytes, ms: end - start });
      this.failure = undefined;
    } catch (err) {
      this.waitingSince ??= queuedAt ?? start;
      if (!this.stopping.aborted) throw err;
    }
  }

  /** Undefined without a policy: then nothing is watched either. */
  private async observe(): Promise<World | undefined> {
    const { client, nodeName, families, policies, services, slices, nodes, log } = this.deps;
    if (policies.list().length === 0) {
      await this.peers?.close();
      this.peers = undefined;
      return undefined;
    }
    this.peers ??= new Peers({ client, nodeName, log, onChange: () => this.request() });
    await this.peers.synced(this.stopping);
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
      pods: this.peers.pods,
      namespaces: this.peers.namespaces,
      servers: server ? [server] : [],
    };
  }

  private translate(policy: NetworkPolicy): PolicyRecord {
    try {
      return translatePolicy(policy);
    } catch (error) {
      const record = closedPolicy(policy);
      this.deps.log.error('NetworkPolicy not understood; it isolates and allows nothing', {
        policy: record.key,
        error,
      });
      return record;
    }
  }

  private async watch(signal: AbortSignal): Promise<void> {
    const { clock } = this.deps;
    for (let checks = 1; !signal.aborted; checks++) {
      await clock.sleep(canaryMs, signal).catch(() => undefined);
      if (!signal.aborted && this.peers) await this.check(checks % Math.round(checkMs / canaryMs) === 0);
    }
  }

  private async check(thorough: boolean): Promise<void> {
    const { applier, metrics, log, onDrift } = this.deps;
    try {
      const drift = await this.inTurn(() => applier.check(thorough));
      if (drift.length === 0) return;
      metrics.drifts++;
      log.warn('policies were removed or changed by somebody else; writing them again', {
        count: drift.length,
        chains: drift.slice(0, 10).map(({ chain, kind }) => `${chain} ${kind}`),
      });
      this.request();
      onDrift(drift);
    } catch (err) {
      log.warn('policies not checked', { error: err });
    }
  }

  private failed(err: unknown): void {
    const { log, metrics, onFailure } = this.deps;
    metrics.failures++;
    if (this.failure === undefined) onFailure(describeError(err));
    this.failure = describeError(err);
    log.error('policies not written; trying again', { error: err });
  }
}
