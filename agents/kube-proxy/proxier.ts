// Services in the kernel: what changed since the last write is translated, compiled and written. RulesKeeper decides when.
//
//   informers ─► ChangeTracker ─► RulesKeeper ─► sync: translate ─► compile ─► iptables-restore or nft ─► UDP flows
//                                            └─► check: what the kernel holds
import {
  type EndpointSlice,
  type Node,
  objectKey,
  type Pod,
  type Service,
  type ServiceCIDR,
} from '../../controlplane/api';
import type { Clock } from '../../controlplane/base/clock';
import type { Logger } from '../../controlplane/base/logger';
import type { Informer } from '../../controlplane/client/informer';
import type { Drift } from '../../dataplane/netfilter/writer';
import type { WriteState } from '../../dataplane/rules-diff/document';
import type { RuleInputs } from '../../dataplane/what-if/inputs';
import type { FamilyProxy } from './family-proxy';
import type { HealthPorts } from './health-ports';
import { keyOfPod, translatePod } from './host-ports';
import { sliceIndex } from './informers';
import type { Metrics } from './metrics';
import { RulesKeeper } from './rules-keeper';
import { type Here, zoneLabel } from './topology';
import { ChangeTracker } from './tracker';
import { addressesOf, podCidrOf, translateService } from './translate';

export interface ProxierDeps {
  readonly nodeName: string;
  readonly families: readonly FamilyProxy[];
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
  readonly nodes: Informer<Node>;
  /** The pods of this node: some have host ports. */
  readonly pods: Informer<Pod>;
  readonly cidrs: Informer<ServiceCIDR>;
  readonly healthPorts: HealthPorts;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when another process has removed or changed rules. */
  readonly onDrift: (drift: Drift) => void;
}

/** Learns which Services are in the kernel (programming.ts). After a failed write only `taken` has been called. */
export interface Progress {
  taken(keys: ReadonlySet<string>): void;
  written(): void;
}

export class Proxier {
  private readonly tracker: ChangeTracker;
  private readonly keeper: RulesKeeper;
  /** True once a write succeeded: the next one writes only what changed, without comparing everything. */
  private known = false;
  private here: Here;
  private progress: Progress | undefined;

  constructor(private readonly deps: ProxierDeps) {
    const { clock, log, slices, nodeName, families, metrics } = deps;
    this.here = { nodeName };
    this.keeper = new RulesKeeper({
      what: 'rules',
      sync: () => this.sync(),
      check: async (thorough) => (await Promise.all(families.map(({ rules }) => rules.check(thorough)))).flat(),
      noticesAll: () => families.every(({ rules }) => rules.noticesAll),
      onRequest: () => {
        metrics.lastQueued = clock.now() / 1000;
      },
      onDrift: (drift) => this.drifted(drift),
      clock,
      log,
    });
    this.tracker = new ChangeTracker(slices, sliceIndex, (urgency) => this.keeper.request(urgency));
  }

  /** Must be called before run(). */
  reportTo(progress: Progress): void {
    this.progress = progress;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { services, slices, nodes, pods, cidrs, metrics } = this.deps;
    services.onChange((change) => {
      metrics.serviceChanges++;
      this.tracker.onService(change);
    });
    slices.onChange((change) => {
      metrics.endpointChanges++;
      this.tracker.onSlice(change);
    });
    pods.onChange(this.tracker.onPod);
    nodes.onChange(() => this.keeper.request());
    // Nothing waits for them: an older API server has none.
    cidrs.onChange(() => this.keeper.request());
    await Promise.all([services, slices, nodes, pods].map((informer) => informer.synced(signal)));
    // Only complete lists may replace what the kernel holds: until then the rules of an earlier process stay.
    await this.keeper.run(signal);
  }

  /** What is wrong, for /healthz. */
  problem(): string | undefined {
    return this.keeper.started
      ? this.keeper.problem()
      : 'waiting for the first list of Services, EndpointSlices, Nodes and Pods';
  }

  /** Undefined before all lists are complete. */
  get inputs(): Pick<RuleInputs, 'nodeName' | 'zone' | 'families'> | undefined {
    if (!this.keeper.started) return undefined;
    return { ...this.here, families: this.deps.families.map(({ inputs }) => inputs) };
  }

  get state(): WriteState {
    return this.keeper.state();
  }

  private async sync(): Promise<void> {
    const { families, metrics, clock, log } = this.deps;
    const start = clock.now();
    this.lookAtNode();
    const { keys, triggeredAt } = this.tracker.take();
    this.progress?.taken(new Set([...keys].filter((key) => keyOfPod(key) === undefined)));
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
      this.known = true;
      this.progress?.written();
    } catch (err) {
      metrics.restoreFailures++;
      if (this.known) metrics.partialRestoreFailures++;
      this.known = false;
      throw err;
    } finally {
      this.deps.healthPorts.update(families.flatMap((family) => family.healthChecks()));
    }
  }

  /** Reads the Node and the ServiceCIDRs: ranges, its addresses, and its zone, on which every Service with hints depends. */
  private lookAtNode(): void {
    const { nodes, nodeName, families, services, cidrs } = this.deps;
    const node = nodes.get(nodeName);
    for (const proxy of families) {
      const addresses = addressesOf(node, proxy.family);
      proxy.setNode({ podCidr: podCidrOf(node, proxy.family), addresses, cidrs: cidrs.list() });
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
        // A Service that cannot be translated must not keep the others from being served.
        log.error('Service cannot be translated and gets no rules', { service: key, error: err });
        family.set(key, undefined);
      }
    }
  }

  private translatePod(key: string, pod: Pod | undefined): void {
    for (const family of this.deps.families) family.set(key, pod && translatePod(pod, family.family));
  }

  private drifted(drift: Drift): void {
    this.deps.metrics.healedDrifts++;
    this.known = false;
    this.deps.onDrift(drift);
  }
}
