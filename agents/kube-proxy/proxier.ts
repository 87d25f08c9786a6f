// The loop of kube-proxy: changed Services in, rules out, and the watch over the rules.
//
//   informers ─► ChangeTracker ─► Runner ─► sync: translate ─► compile ─► iptables-restore ─► UDP flows
//                                             ▲ one at a time
//   timer ──────────────────────────────────► check: canaries, now and then everything ─► drift ─► Runner
import { type EndpointSlice, type Node, objectKey, type Pod, type Service } from '../../controlplane/api';
import type { Clock } from '../../controlplane/base/clock';
import { describeError } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import type { Informer } from '../../controlplane/client/informer';
import type { Drift } from '../../dataplane/netfilter/writer';
import type { FamilyProxy } from './family-proxy';
import type { HealthPorts } from './health-ports';
import { keyOfPod, translatePod } from './host-ports';
import type { Metrics } from './metrics';
import { Runner } from './runner';
import { type Here, zoneLabel } from './topology';
import { ChangeTracker } from './tracker';
import { addressesOf, podCidrOf, translateService } from './translate';

/** A flush by somebody else is mended within this time plus one write. */
export const canaryMs = 2_500;
/**
 * Where the canaries cannot notice a single rule changed by hand, every chain is compared as often as that takes at most this part
 * of a core, which is every time with some hundred Services. Elsewhere and at least: every `checkMs`.
 */
export const checkShare = 0.02;
export const checkMs = 60_000;
/** Changes that wait longer than this mean that something is stuck: /healthz says so. */
export const staleMs = 60_000;

export const sliceIndex = 'service';

export interface ProxierDeps {
  readonly nodeName: string;
  readonly families: readonly FamilyProxy[];
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
  readonly nodes: Informer<Node>;
  /** Those of this node: some want ports of it. */
  readonly pods: Informer<Pod>;
  readonly healthPorts: HealthPorts;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told when rules of ours were found missing or changed. */
  readonly onDrift: (drift: Drift) => void;
  /** Told how far the kernel is: see receipts.ts. Of a synchronisation that fails only `taken` is called. */
  readonly programming?: {
    taken(keys: ReadonlySet<string>): void;
    written(): void;
  };
}

export class Proxier {
  private readonly tracker: ChangeTracker;
  private readonly runner: Runner;
  /** Syncs and checks pass here one after the other. */
  private turn: Promise<unknown> = Promise.resolve();
  private waitingSince: number | undefined;
  private failure: string | undefined;
  private synced = false;
  /** What the kernel holds is known: the next synchronisation writes what changed and does not compare everything. */
  private known = false;
  private here: Here;

  constructor(private readonly deps: ProxierDeps) {
    const { clock, slices, nodeName } = deps;
    this.here = { nodeName };
    this.tracker = new ChangeTracker(slices, sliceIndex, (urgency) => this.request(urgency));
    this.runner = new Runner({
      clock,
      work: () => this.inTurn(() => this.sync()),
      onFailure: (err) => this.failed(err),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { services, slices, nodes, pods, metrics, clock } = this.deps;
    services.onChange((change) => {
      metrics.serviceChanges++;
      this.tracker.onService(change);
    });
    slices.onChange((change) => {
      metrics.endpointChanges++;
      this.tracker.onSlice(change);
    });
    pods.onChange(this.tracker.onPod);
    nodes.onChange(() => this.request('now'));
    await Promise.all([services, slices, nodes, pods].map((informer) => informer.synced(signal)));
    // Only a complete picture may replace what the kernel holds: before this, rules of an earlier process stay as they are.
    this.synced = true;
    this.request('now');
    let thoroughAt = clock.now();
    const watch = async () => {
      while (!signal.aborted) {
        await clock.sleep(canaryMs, signal).catch(() => undefined);
        if (signal.aborted) return;
        const start = clock.now();
        const thorough = start >= thoroughAt;
        await this.check(thorough);
        const end = clock.now();
        if (!thorough) continue;
        const noticed = this.deps.families.every((family) => family.noticesAll);
        thoroughAt = end + (noticed ? checkMs : Math.min(checkMs, (end - start) / checkShare));
      }
    };
    await Promise.all([this.runner.run(signal), watch()]);
    await this.turn;
  }

  /** What is wrong, for /healthz. */
  problem(): string | undefined {
    if (!this.synced) return 'waiting for the first list of Services, EndpointSlices, Nodes and Pods';
    const waited = this.waitingSince === undefined ? 0 : this.deps.clock.now() - this.waitingSince;
    return waited > staleMs
      ? `rules are ${Math.round(waited / 1000)} s old: ${this.failure ?? 'still writing'}`
      : undefined;
  }

  private request(urgency: 'soon' | 'now'): void {
    if (!this.synced) return;
    const now = this.deps.clock.now();
    this.waitingSince ??= now;
    this.deps.metrics.lastQueued = now / 1000;
    this.runner.request(urgency);
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  private async sync(): Promise<void> {
    const { families, metrics, clock, log } = this.deps;
    const start = clock.now();
    this.lookAtNode();
    const { keys, triggeredAt } = this.tracker.take();
    this.deps.programming?.taken(new Set([...keys].filter((key) => keyOfPod(key) === undefined)));
    const queuedAt = this.waitingSince;
    this.waitingSince = undefined;
    try {
      for (const key of keys) this.translate(key);
      const results = await Promise.all(families.map((family) => family.sync()));
      const end = clock.now();
      metrics.lastSync = end / 1000;
      metrics.syncDuration.observe((end - start) / 1000);
      const full = results.some((result) => result.full);
      (full ? metrics.fullSyncDuration : metrics.partialSyncDuration).observe((end - start) / 1000);
      for (const at of triggeredAt) metrics.programmingLatency.observe(Math.max(0, end - at) / 1000);
      for (const result of results) metrics.staleFlowsDeleted += result.staleFlows;
      const chains = results.reduce((sum, result) => sum + result.chains, 0);
      if (chains > 0)
        log[full ? 'info' : 'debug']('rules written', { services: keys.size, chains, full, ms: end - start });
      this.failure = undefined;
      this.known = true;
      this.deps.programming?.written();
    } catch (err) {
      this.waitingSince ??= queuedAt ?? start;
      metrics.restoreFailures++;
      if (this.known) metrics.partialRestoreFailures++;
      this.known = false;
      throw err;
    } finally {
      this.deps.healthPorts.update(families.flatMap((family) => family.healthChecks()));
    }
  }

  /** The node's ranges and addresses, and its zone, on which every Service with hints depends. */
  private lookAtNode(): void {
    const { nodes, nodeName, families, services } = this.deps;
    const node = nodes.get(nodeName);
    for (const proxy of families) {
      proxy.setNode({ podCidr: podCidrOf(node, proxy.family), addresses: addressesOf(node, proxy.family) });
    }
    const zone = node?.metadata?.labels?.[zoneLabel];
    if (zone === this.here.zone) return;
    this.here = { nodeName, ...(zone === undefined ? {} : { zone }) };
    this.tracker.add(services.list().map(objectKey));
  }

  private translate(key: string): void {
    const pod = keyOfPod(key);
    if (pod !== undefined) {
      this.translatePod(key, this.deps.pods.get(pod));
      return;
    }
    const { services, slices, families, log } = this.deps;
    const service = services.get(key);
    const owned = service ? slices.by(sliceIndex, key) : [];
    for (const family of families) {
      try {
        family.set(key, service && translateService(service, owned, family.family, this.here));
      } catch (err) {
        // One Service nobody can make sense of must not keep all others from being served.
        log.error('Service left out', { service: key, error: err });
        family.set(key, undefined);
      }
    }
  }

  private translatePod(key: string, pod: Pod | undefined): void {
    for (const family of this.deps.families) family.set(key, pod && translatePod(pod, family.family));
  }

  private async check(thorough: boolean): Promise<void> {
    const { families, metrics, log, onDrift } = this.deps;
    try {
      const found = await this.inTurn(() => Promise.all(families.map((family) => family.check(thorough))));
      const drift = found.flat();
      if (drift.length === 0) return;
      metrics.healedDrifts++;
      this.known = false;
      log.warn('rules were removed or changed by somebody else; writing them again', {
        count: drift.length,
        chains: drift.slice(0, 10).map(({ table, chain, kind }) => `${table}/${chain} ${kind}`),
      });
      this.request('now');
      onDrift(drift);
    } catch (err) {
      log.warn('rules not checked', { error: err });
    }
  }

  private failed(err: unknown): void {
    this.failure = describeError(err);
    this.deps.log.error('rules not written; trying again', { error: err });
  }
}
