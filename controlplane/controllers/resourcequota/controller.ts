// Counts what the objects of a namespace use of its ResourceQuotas. The API server adds the usage of each write itself, in the
// transaction of the write; this controller sets the limits of a new or changed quota, and lowers the usage after deletions.
//
// Promise: a count never hides an object. The quota is read first and the objects after it, from the same server, so the lists hold
// all objects that were charged to that version of the quota. The status is written for that version only: a write that was charged
// meanwhile makes it a Conflict, and the quota is counted again.
import type { Catalog } from '../../api/catalog';
import { type KubeObject, objectKey, type ResourceQuota, resourceQuotas } from '../../api/index';
import type { Kind } from '../../api/kind';
import type { Amounts } from '../../api/quota/amounts';
import { type Evaluator, evaluatorOf } from '../../api/quota/evaluators';
import { isNotFound } from '../../base/errors';
import type { Change, TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import { followDeletable } from '../shared/deletable';
import type { Controller, Deps } from '../shared/deps';
import { byNamespace } from '../shared/informers';
import { controllerQueue, runWorkers } from '../shared/worker';
import { changesUse, countingOf, mustCount, planStatus, usageOf, usageOfNumber } from './plan';

const workers = 5;
/** Finds what no event reports, such as the end of a pod's grace period; upstream's period. */
const resyncMs = 5 * 60_000;
/**
 * A count reads all objects of a kind, and each of a thousand deletions asks for one. So after a count the quota rests for this many times
 * as long as the count took: in a large namespace the counts take a tenth of the time, in a small one the pause is not seen.
 */
const restRatio = 9;
/** Bounds the objects that are read in one turn of the event loop. */
const pageSize = 500;

interface Counted {
  readonly kind: Kind;
  readonly evaluator: Evaluator;
}

export class ResourceQuotaController implements Controller {
  private readonly quotas: TrackedInformer<ResourceQuota>;
  private readonly queue: WorkQueue;
  /** By the prefix of the kind. */
  private readonly counted = new Map<string, Counted>();
  /** When a quota may be counted again, in milliseconds since the epoch. */
  private readonly notBefore = new Map<string, number>();

  constructor(
    private readonly deps: Deps,
    private readonly catalog: Catalog,
  ) {
    this.quotas = deps.informers.of(resourceQuotas);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    const handlers = { added: (kind: Kind) => this.add(kind), removed: ({ prefix }: Kind) => this.remove(prefix) };
    followDeletable(this.catalog, this.deps.informers, handlers, signal);
    this.quotas.onChange((change) => this.followQuota(change));
    await this.quotas.synced(signal);
    const work = runWorkers({ queue: this.queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal);
    await Promise.all([work, this.resync(signal)]);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    if (!this.quotas.get(key)) {
      this.notBefore.delete(key);
      return;
    }
    const begin = this.deps.clock.now();
    const earliest = this.notBefore.get(key) ?? begin;
    if (begin < earliest) {
      this.queue.addAfter(key, earliest - begin);
      return;
    }
    await this.count(key, signal);
    const end = this.deps.clock.now();
    if (end > begin) this.notBefore.set(key, end + restRatio * (end - begin));
    else this.notBefore.delete(key);
  }

  private async count(key: string, signal: AbortSignal): Promise<void> {
    const { client } = this.deps;
    const quota = await client.get(resourceQuotas, key, signal).catch((err: unknown) => {
      if (isNotFound(err)) return undefined;
      throw err;
    });
    if (!quota || quota.metadata?.deletionTimestamp) return;
    let used: Amounts = {};
    for (const counted of this.counted.values()) used = { ...used, ...(await this.measure(quota, counted, signal)) };
    const status = planStatus(quota, used);
    if (!status) return;
    await client.update(resourceQuotas, { ...quota, status }, { subresource: 'status', signal });
  }

  private async measure(quota: ResourceQuota, { kind, evaluator }: Counted, signal: AbortSignal): Promise<Amounts> {
    const { client, clock } = this.deps;
    const namespace = quota.metadata?.namespace ?? '';
    const counting = countingOf(quota, evaluator);
    if (counting.action === 'skip') return {};
    const { resources } = counting;
    if (counting.action === 'count') {
      const { items, metadata } = await client.list(kind, { namespace, limit: 1 }, signal);
      return usageOfNumber(quota, resources, items.length + (metadata.remainingItemCount ?? 0));
    }
    let total = usageOf(quota, evaluator, resources, [], 0);
    for (let token: string | undefined; ; ) {
      const page = { namespace, limit: pageSize, ...(token ? { continue: token } : {}) };
      const { items, metadata } = await client.list(kind, page, signal);
      total = usageOf(quota, evaluator, resources, items, clock.now(), total);
      token = metadata.continue;
      if (!token) return total;
    }
  }

  private add(kind: Kind): void {
    const evaluator = evaluatorOf(kind);
    if (!evaluator) return;
    const counted = { kind, evaluator };
    this.counted.set(kind.prefix, counted);
    this.deps.informers.of(kind).onChange((change) => this.followObject(counted, change));
    // Objects of a kind that is served from now on may exist already.
    for (const quota of this.quotas.list()) {
      if (countingOf(quota, evaluator).action !== 'skip') this.queue.add(objectKey(quota));
    }
  }

  private remove(prefix: string): void {
    this.counted.delete(prefix);
  }

  /** New objects need nothing: the API server has counted them. */
  private followObject({ evaluator }: Counted, change: Change<KubeObject>): void {
    if (change.type === 'added') return;
    const { object } = change;
    for (const quota of this.quotas.by(byNamespace, object.metadata?.namespace ?? '')) {
      const concerns =
        change.type === 'deleted'
          ? countingOf(quota, evaluator).action !== 'skip'
          : changesUse(quota, evaluator, [change.previous, object], this.deps.clock.now());
      if (concerns) this.queue.add(objectKey(quota));
    }
  }

  private followQuota(change: Change<ResourceQuota>): void {
    if (change.type === 'deleted') this.notBefore.delete(change.key);
    else if (mustCount(change.object, change.type === 'updated' ? change.previous : undefined))
      this.queue.add(change.key);
  }

  private async resync(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.deps.clock.sleep(resyncMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      for (const quota of this.quotas.list()) this.queue.add(objectKey(quota));
    }
  }
}
