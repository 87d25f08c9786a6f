// Pods that wait for a node:
//   active         ready to be tried, highest priority first, then longest waiting
//   backoff        refused; an event may have helped; tried after its back-off, or earlier when no pod is active
//   failed         a write or decision failed; tried after its back-off, never earlier
//   unschedulable  refused; tried again when an event happens that may help, or after five minutes
import type { Clock } from '../base/clock';
import { type ClusterEvent, type EventType, mayHelp } from './events';
import { Heap } from './heap';
import type { SchedulerPlugin } from './plugins/plugin';
import type { PodInfo } from './pod-info';

type State = 'active' | 'backoff' | 'failed' | 'unschedulable' | 'held' | 'gone';

interface Waiting {
  readonly key: string;
  pod: PodInfo;
  readonly sinceMs: number;
  firstTryMs: number | undefined;
  order: number;
  attempts: number;
  lastTryMs: number;
  /** Names of plug-ins. */
  refusedBy: ReadonlySet<string>;
  state: State;
  /** Grows with each change of the state, so that older entries of the heaps do not count. */
  ticket: number;
  /** Events that happened while the scheduler tried the pod: they must not be lost. */
  missed: ClusterEvent[];
  /** The pod changed meanwhile, or more events happened than are kept: the pod is tried again at once. */
  missedMany: boolean;
}

interface Entry {
  readonly waiting: Waiting;
  readonly ticket: number;
  readonly atMs: number;
}

export interface QueueOptions {
  /** The plug-ins that decide about pods of this spec.schedulerName. */
  readonly profiles: ReadonlyMap<string, readonly SchedulerPlugin[]>;
  readonly initialBackoffMs?: number;
  readonly maxBackoffMs?: number;
}

/** How often the scheduler has tried a pod, and when it did so first. */
export interface Attempts {
  readonly count: number;
  readonly firstMs: number;
}

/** A pod that no event has helped is tried again after this time, as in kube-scheduler. */
export const unschedulableMs = 5 * 60_000;
/** With more events than this during one try, the pod is tried again whatever they were. */
const maxMissed = 1000;
/** The index entry of pods that no plug-in refused, or a plug-in without hints: every event may help them. */
const anyEvent = '';

export class SchedulingQueue {
  private readonly pods = new Map<string, Waiting>();
  private readonly active = new Heap<Entry>((a, b) => before(a.waiting, b.waiting));
  private readonly backoff = new Heap<Entry>((a, b) => a.atMs < b.atMs);
  private readonly failures = new Heap<Entry>((a, b) => a.atMs < b.atMs);
  /** In the order of their last tries. */
  private readonly unschedulables = new Set<Waiting>();
  /** The unschedulable pods by each plug-in that refused them. */
  private readonly refused = new Map<string, Set<Waiting>>();
  /** Pods that pop() has returned. */
  private readonly held = new Set<Waiting>();
  /** Which plug-ins have a hint for an event. */
  private readonly listeners = new Map<EventType, Set<string>>();
  private readonly plugins = new Map<string, ReadonlyMap<string, SchedulerPlugin>>();
  private readonly initialBackoffMs: number;
  private readonly maxBackoffMs: number;
  private wake: (() => void) | undefined;
  private sequence = 0;
  private timer: { readonly atMs: number; readonly cancel: () => void } | undefined;
  private readonly counts: Record<State, number> = {
    active: 0,
    backoff: 0,
    failed: 0,
    unschedulable: 0,
    held: 0,
    gone: 0,
  };

  constructor(
    private readonly clock: Clock,
    { profiles, initialBackoffMs = 1000, maxBackoffMs = 10_000 }: QueueOptions,
  ) {
    this.initialBackoffMs = initialBackoffMs;
    this.maxBackoffMs = maxBackoffMs;
    for (const [schedulerName, plugins] of profiles) {
      this.plugins.set(schedulerName, new Map(plugins.map((plugin) => [plugin.name, plugin])));
      for (const { name, helpedBy } of plugins) {
        for (const type of Object.keys(helpedBy) as EventType[]) entryOf(this.listeners, type).add(name);
      }
    }
  }

  get size(): number {
    return this.pods.size;
  }

  /** How many unschedulable pods each plug-in has refused, by the schedulerName of the pods. */
  unschedulableBy(): readonly { readonly plugin: string; readonly profile: string; readonly pods: number }[] {
    return [...this.refused].flatMap(([plugin, pods]) => {
      const counts = new Map<string, number>();
      for (const { pod } of pods) counts.set(pod.schedulerName, (counts.get(pod.schedulerName) ?? 0) + 1);
      return plugin === anyEvent ? [] : [...counts].map(([profile, count]) => ({ plugin, profile, pods: count }));
    });
  }

  /** Pods by what they wait for; `held` are being tried or bound. */
  get sizes(): Readonly<Record<'active' | 'backoff' | 'failed' | 'unschedulable' | 'held', number>> {
    return this.counts;
  }

  /** A new pod, or a pod whose spec or labels changed: tried at once. */
  add(pod: PodInfo): void {
    const waiting = this.pods.get(pod.key);
    if (waiting) {
      waiting.pod = pod;
      // The decision under way does not know the change.
      if (waiting.state === 'held') waiting.missedMany = true;
      else this.activate(waiting);
      return;
    }
    const fresh: Waiting = {
      key: pod.key,
      pod,
      sinceMs: this.clock.now(),
      firstTryMs: undefined,
      order: 0,
      attempts: 0,
      lastTryMs: 0,
      refusedBy: new Set(),
      state: 'gone',
      ticket: 0,
      missed: [],
      missedMany: false,
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

  attempts(key: string): Attempts | undefined {
    const waiting = this.pods.get(key);
    return waiting?.firstTryMs === undefined ? undefined : { count: waiting.attempts, firstMs: waiting.firstTryMs };
  }

  /** The pod is bound, deleted, or names another scheduler. */
  remove(key: string): void {
    const waiting = this.pods.get(key);
    if (!waiting) return;
    this.pods.delete(key);
    this.move(waiting, 'gone');
  }

  /** The next pod to try; undefined when none is ready. The queue holds it until remove(), unschedulable() or failed(). */
  pop(): PodInfo | undefined {
    const waiting = popValid(this.active) ?? popValid(this.backoff);
    if (!waiting) return undefined;
    this.move(waiting, 'held');
    waiting.attempts++;
    waiting.lastTryMs = this.clock.now();
    waiting.firstTryMs ??= waiting.lastTryMs;
    return waiting.pod;
  }

  /** The decision for a held pod is made and is being written: events no longer matter for it. */
  decided(key: string): void {
    const waiting = this.pods.get(key);
    if (waiting?.state === 'held') this.held.delete(waiting);
  }

  /** No node fits. `refusedBy` determines which events may help. */
  unschedulable(key: string, refusedBy: ReadonlySet<string>): void {
    const waiting = this.pods.get(key);
    if (!waiting) return;
    const { missed, missedMany } = waiting;
    waiting.refusedBy = refusedBy;
    this.move(waiting, 'unschedulable');
    if (missedMany || missed.some((event) => this.helps(event, waiting))) this.backOff(waiting);
    this.arm();
  }

  /** A write or a decision failed: the pod is tried again after its back-off. */
  failed(key: string): void {
    const waiting = this.pods.get(key);
    if (!waiting) return;
    this.move(waiting, 'failed');
    this.failures.push({ waiting, ticket: waiting.ticket, atMs: this.readyAt(waiting) });
    this.arm();
  }

  /** Moves the pods this event may help. */
  changed(event: ClusterEvent): void {
    for (const waiting of this.held) {
      if (waiting.missed.length < maxMissed) waiting.missed.push(event);
      else waiting.missedMany = true;
    }
    if (this.unschedulables.size === 0) return;
    const helped = [...(this.refused.get(anyEvent) ?? [])];
    for (const name of this.listeners.get(event.type) ?? []) {
      for (const waiting of this.refused.get(name) ?? []) {
        if (this.hintHelps(name, event, waiting)) helped.push(waiting);
      }
    }
    for (const waiting of helped) if (waiting.state === 'unschedulable') this.backOff(waiting);
    if (helped.length > 0) this.arm();
  }

  /** Resolves when pop() may have something, or the signal is aborted. */
  async ready(signal: AbortSignal): Promise<void> {
    if (signal.aborted || peekValid(this.active) || peekValid(this.backoff)) return;
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
    this.timer?.cancel();
    this.timer = undefined;
  }

  private activate(waiting: Waiting): void {
    if (waiting.state === 'active') return;
    this.move(waiting, 'active');
    waiting.order = this.sequence++;
    this.active.push({ waiting, ticket: waiting.ticket, atMs: 0 });
    this.wake?.();
  }

  private backOff(waiting: Waiting): void {
    this.move(waiting, 'backoff');
    this.backoff.push({ waiting, ticket: waiting.ticket, atMs: this.readyAt(waiting) });
    this.wake?.();
  }

  /** Takes the pod out of the sets of its old state and puts it into those of the new one. */
  private move(waiting: Waiting, state: State): void {
    this.counts[waiting.state]--;
    this.counts[state]++;
    if (waiting.state === 'held') {
      this.held.delete(waiting);
      waiting.missed = [];
      waiting.missedMany = false;
    }
    if (waiting.state === 'unschedulable') {
      this.unschedulables.delete(waiting);
      for (const name of this.indexOf(waiting)) this.refused.get(name)?.delete(waiting);
    }
    waiting.state = state;
    waiting.ticket++;
    if (state === 'held') this.held.add(waiting);
    if (state === 'unschedulable') {
      this.unschedulables.add(waiting);
      for (const name of this.indexOf(waiting)) entryOf(this.refused, name).add(waiting);
    }
  }

  private indexOf({ refusedBy, pod }: Waiting): readonly string[] {
    const plugins = this.plugins.get(pod.schedulerName);
    const names = [...refusedBy];
    return names.length === 0 || names.some((name) => !plugins?.has(name)) ? [anyEvent] : names;
  }

  private helps(event: ClusterEvent, waiting: Waiting): boolean {
    return this.indexOf(waiting).some((name) => name === anyEvent || this.hintHelps(name, event, waiting));
  }

  private hintHelps(name: string, event: ClusterEvent, { pod }: Waiting): boolean {
    const hints = this.plugins.get(pod.schedulerName)?.get(name)?.helpedBy;
    return hints !== undefined && mayHelp(hints, pod, event);
  }

  private readyAt({ attempts, lastTryMs }: Waiting): number {
    return lastTryMs + Math.min(this.maxBackoffMs, this.initialBackoffMs * 2 ** Math.max(0, attempts - 1));
  }

  /** The unschedulable pod that has waited longest. */
  private oldest(): Waiting | undefined {
    const [first] = this.unschedulables;
    return first;
  }

  /** One timer, for the pod whose time comes first. */
  private arm(): void {
    const oldest = this.oldest();
    const next = Math.min(
      peekValid(this.backoff)?.atMs ?? Number.POSITIVE_INFINITY,
      peekValid(this.failures)?.atMs ?? Number.POSITIVE_INFINITY,
      oldest ? oldest.lastTryMs + unschedulableMs : Number.POSITIVE_INFINITY,
    );
    if (this.timer?.atMs === next) return;
    this.timer?.cancel();
    this.timer = undefined;
    if (next === Number.POSITIVE_INFINITY) return;
    const cancel = this.clock.after(Math.max(0, next - this.clock.now()), () => {
      this.timer = undefined;
      this.activateDue();
      this.arm();
    });
    this.timer = { atMs: next, cancel };
  }

  private activateDue(): void {
    const now = this.clock.now();
    for (const heap of [this.backoff, this.failures]) {
      for (let first = peekValid(heap); first && first.atMs <= now; first = peekValid(heap)) {
        heap.pop();
        this.activate(first.waiting);
      }
    }
    for (let first = this.oldest(); first && first.lastTryMs + unschedulableMs <= now; first = this.oldest()) {
      this.activate(first);
    }
  }
}

/** The first entry whose pod is still where the entry says; drops those before it. */
function peekValid(heap: Heap<Entry>): Entry | undefined {
  for (;;) {
    const first = heap.peek();
    if (!first || first.ticket === first.waiting.ticket) return first;
    heap.pop();
  }
}

function popValid(heap: Heap<Entry>): Waiting | undefined {
  const first = peekValid(heap);
  if (first) heap.pop();
  return first?.waiting;
}

function entryOf<K, T>(map: Map<K, Set<T>>, key: K): Set<T> {
  let entry = map.get(key);
  if (!entry) {
    entry = new Set();
    map.set(key, entry);
  }
  return entry;
}

function before(a: Waiting, b: Waiting): boolean {
  if (a.pod.priority !== b.pod.priority) return a.pod.priority > b.pod.priority;
  return a.order < b.order;
}
