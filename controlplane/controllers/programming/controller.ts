// Keeps condition Programmed of Services: counts the nodes whose receipts show that the Service is in their kernels. It writes once
// for each change of a Service, and never while nothing changes.
import { isReady, withCondition } from '../../api/conditions';
import { type EndpointSlice, endpointSlices } from '../../api/endpoint-slice';
import { type Lease, leases } from '../../api/lease';
import { type Node, nodes } from '../../api/node';
import { type Service, services } from '../../api/service';
import { awaitsProgramming, parseReceipt, programmedType, type Receipt } from '../../api/services/programmed';
import { serviceKeyOf } from '../../api/slices/facts';
import { isNotFound } from '../../base/errors';
import type { Change, TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { isDeleting, metaOf } from '../shared/owner';
import { servicesOfSlice } from '../shared/slice-step';
import { controllerQueue, runWorkers } from '../shared/worker';
import { judge, lowestReceipt, type Pending, patienceMs, relevantParts, type Verdict, withSlices } from './plan';

const workers = 4;

export class ProgrammingController implements Controller {
  private readonly services: TrackedInformer<Service>;
  private readonly slices: TrackedInformer<EndpointSlice>;
  private readonly nodes: TrackedInformer<Node>;
  private readonly leases: TrackedInformer<Lease>;
  private readonly queue: WorkQueue;
  private readonly receipts = new Map<string, Receipt>();
  private readonly pending = new Map<string, Pending>();
  /** Service key → its slices by their keys. */
  private readonly slicesOf = new Map<string, Map<string, EndpointSlice>>();

  constructor(private readonly deps: Deps) {
    this.services = deps.informers.of(services);
    this.slices = deps.informers.of(endpointSlices);
    this.nodes = deps.informers.of(nodes);
    this.leases = deps.informers.of(leases);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.services.onChange((change) => {
      const { key, object } = change;
      if (change.type === 'deleted' || !awaitsProgramming(object)) this.pending.delete(key);
      else if (
        change.type === 'added' ||
        relevantParts(change.previous) !== relevantParts(object) ||
        !this.pending.has(key)
      ) {
        const services = Number(object.metadata?.resourceVersion ?? 0);
        this.pending.set(key, { sinceMs: this.deps.clock.now(), services, slices: 0 });
        this.queue.add(key);
      }
    });
    this.slices.onChange((change) => this.onSlice(change));
    this.leases.onChange(({ type, object }) => {
      const receipt = parseReceipt(object);
      if (!receipt) return;
      if (type === 'deleted') this.receipts.delete(receipt.node);
      else this.receipts.set(receipt.node, receipt);
      this.addPending();
    });
    this.nodes.onChange((change) => {
      if (change.type !== 'updated' || isReady(change.previous) !== isReady(change.object)) this.addPending();
    });
    const all = [this.services, this.slices, this.nodes, this.leases];
    await Promise.all(all.map((informer) => informer.synced(signal)));
    await runWorkers({ queue: this.queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const service = this.services.get(key);
    const before = this.pending.get(key);
    if (!service || !before || isDeleting(service)) return;
    const now = this.deps.clock.now();
    const slices = [...(this.slicesOf.get(key)?.values() ?? [])];
    const pending = withSlices(before, slices, now);
    this.pending.set(key, pending);
    const facts = { pending, hasSlices: slices.length > 0, nodes: this.nodes.list(), receipts: this.receipts };
    const verdict = judge(service, facts);
    const waitedMs = now - pending.sinceMs;
    if (verdict.status === 'False' && waitedMs < patienceMs) this.queue.addAfter(key, patienceMs - waitedMs);
    else await this.write(service, verdict, signal);
  }

  private onSlice(change: Change<EndpointSlice>): void {
    for (const service of servicesOfSlice(change)) {
      const slices = this.slicesOf.get(service) ?? new Map<string, EndpointSlice>();
      if (change.type === 'deleted' || serviceKeyOf(change.object) !== service) slices.delete(change.key);
      else slices.set(change.key, change.object);
      if (slices.size > 0) this.slicesOf.set(service, slices);
      else this.slicesOf.delete(service);
      if (this.pending.has(service)) this.queue.add(service);
    }
  }

  /** Adds only Services that may be done now or that have waited long enough for a message: thousands may be created at once. */
  private addPending(): void {
    const now = this.deps.clock.now();
    const reached = lowestReceipt(this.nodes.list(), this.receipts);
    for (const [key, { services, sinceMs }] of this.pending) {
      if (services <= reached || now - sinceMs >= patienceMs) this.queue.add(key);
    }
  }

  /** Writes with the resourceVersion: a Service that changed meanwhile is judged again. */
  private async write(service: Service, verdict: Verdict, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.deps;
    const { generation } = metaOf(service);
    const before = service.status?.conditions;
    const next = {
      type: programmedType,
      ...verdict,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
    const conditions = withCondition(before, next, clock.now());
    if (conditions === before) return;
    const status = { ...service.status, conditions: [...conditions] };
    await client.update(services, { ...service, status }, { subresource: 'status', signal }).catch((err: unknown) => {
      if (!isNotFound(err)) throw err;
    });
  }
}
