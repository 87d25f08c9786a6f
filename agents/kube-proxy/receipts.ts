// Reports to the API up to which revisions Services and EndpointSlices are in this node's kernel: one small object per node, written only
// while a Service waits for it. A cluster in which nothing changes sees no writes.
//
//   taken ─► (rules are written) ─► written ─► wait a moment for more ─► one patch of the node's Lease ─► pause
import { type EndpointSlice, type Node, type Service, serviceKeyOf } from '../../controlplane/api';
import { leases } from '../../controlplane/api/lease';
import {
  awaitsProgramming,
  nothingToProgram,
  parseReceipt,
  type Receipt,
  receiptName,
  receiptNamespace,
  renderReceipt,
} from '../../controlplane/api/services/programmed';
import { Backoff } from '../../controlplane/base/backoff';
import { type Clock, formatMicroTime } from '../../controlplane/base/clock';
import { describeError, isNotFound } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import type { Lister, TrackedInformer } from '../../controlplane/client/informer';

/** Wait for this long before a write: a new Service and its first slices arrive close together, and one receipt covers both. */
const gatherMs = 50;
/** The least time between two receipts of a node. */
const pauseMs = 500;

export interface ReceiptsDeps {
  readonly client: Client;
  readonly nodeName: string;
  readonly services: TrackedInformer<Service>;
  readonly slices: TrackedInformer<EndpointSlice>;
  readonly nodes: Lister<Node>;
  readonly clock: Clock;
  readonly log: Logger;
}

const nothing: Receipt = { services: 0, slices: 0 };
const reaches = (a: Receipt, b: Receipt): boolean => a.services >= b.services && a.slices >= b.slices;

export class Receipts {
  /** The receipt for the write of rules that is running. */
  private underWay: Receipt = nothing;
  private inKernel: Receipt | undefined;
  /** The newest revisions that a Service waits for. */
  private awaited: Receipt = nothing;
  private reported: Receipt | undefined;
  private wake: (() => void) | undefined;

  constructor(private readonly deps: ReceiptsDeps) {}

  /** A write starts. It contains what the informers hold now, because their handlers have run. */
  taken(): void {
    const { services, slices } = this.deps;
    this.underWay = { services: services.revision, slices: slices.revision };
  }

  /** The write has succeeded, and contained what earlier writes had failed to write. */
  written(): void {
    this.inKernel = this.underWay;
    this.wake?.();
  }

  /** Reports until the signal is aborted. A failed report is written again; it never delays the writing of rules. */
  async run(signal: AbortSignal): Promise<void> {
    const { services, slices, clock, log } = this.deps;
    const backoff = new Backoff({ initialMs: pauseMs, maxMs: 10_000 });
    services.onChange(({ type, object }) => {
      if (type !== 'deleted' && isAwaited(object)) this.awaits({ services: revisionOf(object), slices: 0 });
    });
    slices.onChange(({ type, object }) => {
      const service = services.get(serviceKeyOf(object));
      if (type !== 'deleted' && service && isAwaited(service)) {
        this.awaits({ services: 0, slices: revisionOf(object) });
      }
    });
    while (!signal.aborted) {
      await this.due(signal);
      await clock.sleep(gatherMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      let delayMs = pauseMs;
      try {
        await this.report(signal);
        backoff.forget('report');
      } catch (err) {
        if (signal.aborted) return;
        delayMs = backoff.next('report');
        log.warn('receipt not written', { error: describeError(err), retryMs: delayMs });
      }
      await clock.sleep(delayMs, signal).catch(() => undefined);
    }
  }

  /** A write of rules follows every event of a Service or slice (ChangeTracker), even if the event changes no rule. */
  private awaits({ services, slices }: Receipt): void {
    const { awaited } = this;
    this.awaited = { services: Math.max(awaited.services, services), slices: Math.max(awaited.slices, slices) };
  }

  /** Resolves when the kernel holds an awaited revision that is not reported, or when nothing is reported yet. */
  private async due(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.isDue()) {
      await new Promise<void>((resolve) => {
        const done = () => {
          signal.removeEventListener('abort', done);
          this.wake = undefined;
          resolve();
        };
        signal.addEventListener('abort', done, { once: true });
        this.wake = done;
      });
    }
  }

  private isDue(): boolean {
    const { inKernel, reported, awaited } = this;
    if (!inKernel) return false;
    if (!reported) return true;
    const news = (part: keyof Receipt) => awaited[part] > reported[part] && inKernel[part] > reported[part];
    return news('services') || news('slices');
  }

  private async report(signal: AbortSignal): Promise<void> {
    const { client, nodeName, nodes, clock } = this.deps;
    const key = `${receiptNamespace}/${receiptName(nodeName)}`;
    const receipt = this.inKernel ?? nothing;
    // After a restart the stored receipt may already contain every awaited revision: then there is nothing to write.
    if (!this.reported) {
      const found = await client.get(leases, key, signal).catch(orUndefined);
      const known = found && parseReceipt(found);
      if (known && reaches(known, this.awaited)) {
        this.reported = known;
        return;
      }
    }
    const lease = renderReceipt(nodeName, nodes.get(nodeName)?.metadata?.uid, receipt, formatMicroTime(clock.now()));
    const patched = await client.patch(leases, key, 'merge', lease, { signal }).catch(orUndefined);
    if (!patched) await client.create(leases, lease, { signal });
    this.reported = receipt;
  }
}

const isAwaited = (service: Service): boolean => awaitsProgramming(service) && nothingToProgram(service) === undefined;

function orUndefined(err: unknown): undefined {
  if (!isNotFound(err)) throw err;
}

const revisionOf = ({ metadata }: Service | EndpointSlice): number => Number(metadata?.resourceVersion ?? 0);
