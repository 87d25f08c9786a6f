// Pods that wait for a node:
//   active         ready to be tried, highest priority first, then longest waiting
//   backoff        failed; an event may have helped; tried when no pod is active, after a failed write only when its back-off is over
//   unschedulable  failed; tried again when an event happens that may help, or after five minutes
import type { Clock } from '../base/clock';
import type { ClusterChange, SchedulerPlugin } from './plugins/plugin';
import type { PodInfo } from './pod-info';

interface Waiting {
  readonly key: string;
  pod: PodInfo;
  readonly sinceMs: number;
  order: number;
  attempts: number;
  lastTryMs: number;
  /** Names of plug-ins. */
  refusedBy: ReadonlySet<string>;
  state: 'active' | 'backoff' | 'unschedulable' | 'held';
  /** True after a failed write: no event helps then, so the pod waits for the end of its back-off. */
  strict: boolean;
  /** Changes that happened while the scheduler tried the pod: they must not be lost. */
  readonly missed: Set<ClusterChange>;
}

const backoffMs = { initial: 1000, max: 10_000 };
/** A pod that no event has helped is tried again after this time, as in kube-scheduler. */
export const unschedulableMs = 5 * 60_000;

export class SchedulingQueue {
  private readonly pods = new Map<string, Waiting>();
  private readonly active: Waiting[] = [];
  /** Pods in backoff or unschedulable: events and timers concern only these. */
  private readonly parked = new Set<Waiting>();
  /** Pods that pop() has returned. */
  private readonly held = new Set<Waiting>();
  private wake: (() => void) | undefined;
  private sequence = 0;
  private cancelTimer: (() => void) | undefined;

  /** Which plug-ins' refusals a change may lift. */
  private readonly lifted = new Map<ClusterChange, readonly string[]>();

  constructor(
    private readonly clock: Clock,
    plugins: readonly SchedulerPlugin[],
  ) {
    for (const { name, helpedBy } of plugins) {
      for (const change of helpedBy) this.lifted.set(change, [...(this.lifted.get(change) ?? []), name]);
    }
  }

  get size(): number {
    return this.pods.size;
  }

  /** A new pod, or a pod whose spec or labels changed: tried at once. */
  add(pod: PodInfo): void {
    const waiting = this.pods.get(pod.key);
    if (waiting) {
      waiting.pod = pod;
      // The decision under way does not know the change.
      if (waiting.state === 'held') waiting.missed.add('pod-updated');
      else this.activate(waiting);
      return;
    }
    const now = this.clock.now();
    const fresh: Waiting = {
      key: pod.key,
      pod,
      sinceMs: now,
      order: 0,
      attempts: 0,
      lastTryMs: 0,
      refusedBy: new Set(),
      state: 'held',
      strict: false,
      missed: new Set(),
    };
    this.pods.set(pod.key, fresh);
    this.activate(fresh);
  }

  /** The pod changed in a way that does not matter for scheduling, e.g. its status. */
  refresh(pod: PodInfo): void {
    const waiting = this.pods.get(pod.key);
    if (waiting) waiting.pod = pod;
  }

  has(key: string): boolean {
    return this.pods.has(key);
  }

  /** The pod is bound, deleted, or names another scheduler. */
  remove(key: string): void {
    const waiting = this.pods.get(key);
    if (!waiting) return;
    this.pods.delete(key);
    this.parked.delete(waiting);
    this.held.delete(waiting);
    const at = this.active.indexOf(waiting);
    if (at >= 0) this.active.splice(at, 1);
  }

  /** The next pod to try; undefined when none is ready. The queue holds it until remove(), unschedulable() or failed(). */
  pop(): PodInfo | undefined {
    const waiting = this.popActive() ?? this.firstInBackoff();
    if (!waiting) return undefined;
    this.parked.delete(waiting);
    waiting.state = 'held';
    waiting.missed.clear();
    this.held.add(waiting);
    waiting.attempts++;
    waiting.lastTryMs = this.clock.now();
    return waiting.pod;
  }

  /** No node fits. `refusedBy` determines which changes may help. */
  unschedulable(key: string, refusedBy: ReadonlySet<string>): void {
    const waiting = this.pods.get(key);
    if (!waiting) return;
    this.held.delete(waiting);
    this.parked.add(Object.assign(waiting, { state: 'unschedulable', refusedBy, strict: false }));
    if ([...waiting.missed].some((change) => this.mayHelp(change, waiting))) {
      waiting.state = 'backoff';
      this.notify();
    }
    this.arm();
  }

  /** A write or a decision failed: the pod is tried again after its back-off. */
  failed(key: string): void {
    const waiting = this.pods.get(key);
    if (!waiting) return;
    this.held.delete(waiting);
    this.parked.add(Object.assign(waiting, { state: 'backoff', strict: true }));
    this.arm();
  }

  /** Moves the pods this change may help. */
  changed(change: ClusterChange): void {
    for (const waiting of this.held) waiting.missed.add(change);
    if (this.parked.size === 0) return;
    for (const waiting of this.parked) {
      if (waiting.state === 'unschedulable' && this.mayHelp(change, waiting)) waiting.state = 'backoff';
    }
    if (this.firstInBackoff()) this.notify();
    this.arm();
  }

  /** Resolves when pop() may have something, or the signal is aborted. */
  async ready(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.active.length > 0 || this.firstInBackoff()) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.wake = undefined;
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.wake = wake;
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  close(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }

  private activate(waiting: Waiting): void {
    if (waiting.state === 'active') return;
    this.parked.delete(waiting);
    waiting.state = 'active';
    waiting.order = this.sequence++;
    // Insertion keeps the order: pods mostly arrive in order, so this is usually an append.
    let at = this.active.length;
    while (at > 0 && before(waiting, this.active[at - 1]!)) at--;
    this.active.splice(at, 0, waiting);
    this.notify();
  }

  private popActive(): Waiting | undefined {
    return this.active.shift();
  }

  /** The pod in backoff whose time comes first. A failed write counts only after its time has come. */
  private firstInBackoff(): Waiting | undefined {
    const now = this.clock.now();
    let first: Waiting | undefined;
    for (const waiting of this.parked) {
      if (waiting.state !== 'backoff' || (waiting.strict && this.readyAt(waiting) > now)) continue;
      if (!first || this.readyAt(waiting) < this.readyAt(first)) first = waiting;
    }
    return first;
  }

  private readyAt({ attempts, lastTryMs, state }: Waiting): number {
    if (state === 'unschedulable') return lastTryMs + unschedulableMs;
    return lastTryMs + Math.min(backoffMs.max, backoffMs.initial * 2 ** Math.max(0, attempts - 1));
  }

  private notify(): void {
    this.wake?.();
  }

  /** One timer, for the pod whose time comes first. */
  private arm(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    let next = Number.POSITIVE_INFINITY;
    for (const waiting of this.parked) {
      const timed = waiting.state === 'unschedulable' || (waiting.state === 'backoff' && waiting.strict);
      if (timed) next = Math.min(next, this.readyAt(waiting));
    }
    if (next === Number.POSITIVE_INFINITY) return;
    this.cancelTimer = this.clock.after(Math.max(0, next - this.clock.now()), () => {
      this.cancelTimer = undefined;
      const now = this.clock.now();
      for (const waiting of this.parked) {
        const due = waiting.state === 'unschedulable' || (waiting.state === 'backoff' && waiting.strict);
        if (due && this.readyAt(waiting) <= now) this.activate(waiting);
      }
      this.arm();
    });
  }

  private mayHelp(change: ClusterChange, { refusedBy }: Waiting): boolean {
    if (change === 'node-added' || change === 'pod-updated' || refusedBy.size === 0) return true;
    return this.lifted.get(change)?.some((name) => refusedBy.has(name)) ?? false;
  }
}

function before(a: Waiting, b: Waiting): boolean {
  if (a.pod.priority !== b.pod.priority) return a.pod.priority > b.pod.priority;
  return a.order < b.order;
}
