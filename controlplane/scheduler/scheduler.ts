// The scheduling loop. Decisions are made one after another on the state of that moment; only bindings and reports run in
// the background.
import { isDeepStrictEqual } from 'node:util';
import type { Namespace } from '../api/namespace';
import type { Node } from '../api/node';
import type { Pod } from '../api/pod';
import type { Clock } from '../base/clock';
import { describeError, isConflict, isNotFound } from '../base/errors';
import type { Logger } from '../base/logger';
import type { Client } from '../client/client';
import type { EventRecorder } from '../client/event-recorder';
import type { Change, Informer } from '../client/informer';
import { type BinderDeps, bind, reportFailure } from './binder';
import { choose } from './choose';
import type { FilterName, Refusal } from './filter';
import { notHelpful, noVictims, renderPreemption, renderUnschedulable } from './message';
import { type PodInfo, podInfo } from './pod-info';
import { type ClusterChange, SchedulingQueue } from './queue';
import { ClusterState } from './state';

export interface SchedulerDeps {
  readonly client: Client;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly schedulerName: string;
  readonly events: EventRecorder;
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly namespaces: Informer<Namespace>;
}

/** After this long without a pause, events and answers get their turn. */
const sliceMs = 8;

export class Scheduler {
  private readonly state = new ClusterState();
  private readonly queue: SchedulingQueue;
  private readonly background = new Set<Promise<void>>();
  private readonly binder: BinderDeps;
  private offset = 0;

  constructor(private readonly deps: SchedulerDeps) {
    this.queue = new SchedulingQueue(deps.clock);
    this.binder = { client: deps.client, events: deps.events, now: () => deps.clock.now() };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { pods, nodes, namespaces } = this.deps;
    nodes.onChange((change) => this.onNode(change));
    pods.onChange((change) => this.onPod(change));
    try {
      await Promise.all([pods, nodes, namespaces].map((informer) => informer.synced(signal)));
    } catch (err) {
      if (signal.aborted) return;
      throw err;
    }
    while (!signal.aborted) {
      await this.queue.ready(signal);
      await this.drain(signal);
    }
    this.queue.close();
    await Promise.allSettled(this.background);
  }

  private async drain(signal: AbortSignal): Promise<void> {
    let slice = performance.now();
    for (let pod = this.queue.pop(); pod && !signal.aborted; pod = this.queue.pop()) {
      this.scheduleOne(pod, signal);
      if (performance.now() - slice > sliceMs) {
        await new Promise(setImmediate);
        slice = performance.now();
      }
    }
  }

  private scheduleOne(pod: PodInfo, signal: AbortSignal): void {
    const nodes = this.state.nodes();
    const { random, namespaces } = this.deps;
    const namespaceLabels = (name: string) => namespaces.get(name)?.metadata?.labels;
    try {
      const choice = choose({ pod, nodes, namespaceLabels, offset: this.offset, random });
      this.offset = nodes.length === 0 ? 0 : (this.offset + choice.examined) % nodes.length;
      if (choice.node) this.assign(pod, choice.node.name, signal);
      else this.refuse(pod, choice.refusals, signal);
    } catch (err) {
      this.deps.log.error('scheduling failed', { pod: pod.key, error: err });
      this.queue.failed(pod.key);
    }
  }

  private assign(pod: PodInfo, node: string, signal: AbortSignal): void {
    this.state.assume(pod, node);
    this.inBackground(async () => {
      try {
        await bind(this.binder, pod, node, signal);
        this.queue.remove(pod.key);
      } catch (err) {
        if (signal.aborted) return;
        // Where the copy has meanwhile shown the pod bound or gone, that is the truth; else it is tried again.
        if (this.state.isAssumed(pod.uid)) {
          this.state.remove(pod.uid);
          this.queue.changed('pod-removed');
        }
        if (isNotFound(err)) {
          this.queue.remove(pod.key);
          return;
        }
        this.queue.failed(pod.key);
        if (isConflict(err)) return;
        this.deps.log.warn('binding failed', { pod: pod.key, node, error: err });
        await reportFailure(this.binder, pod.pod, 'SchedulerError', `binding rejected: ${describeError(err)}`, signal);
      }
    });
  }

  private refuse(pod: PodInfo, refusals: ReadonlyMap<string, Refusal>, signal: AbortSignal): void {
    const list = [...refusals.values()];
    const preemption = renderPreemption(
      list.length,
      list.map(({ resolvable }) => (resolvable ? noVictims : notHelpful)),
    );
    const message = renderUnschedulable(list.length, list, preemption);
    this.queue.unschedulable(pod.key, new Set<FilterName>(list.map(({ plugin }) => plugin)));
    this.inBackground(() => reportFailure(this.binder, pod.pod, 'Unschedulable', message, signal));
  }

  private inBackground(work: () => Promise<void>): void {
    const done = work()
      .catch((err: unknown) => {
        if (!isNotFound(err)) this.deps.log.warn('pod status not written', { error: err });
      })
      .finally(() => this.background.delete(done));
    this.background.add(done);
  }

  private onNode(change: Change<Node>): void {
    if (change.type === 'deleted') {
      this.state.setNode(change.key, undefined);
      return;
    }
    this.state.setNode(change.key, change.object);
    if (change.type === 'added') this.queue.changed('node-added');
    else for (const what of nodeChanges(change.previous, change.object)) this.queue.changed(what);
  }

  private onPod(change: Change<Pod>): void {
    const { object: pod, key } = change;
    const info = podInfo(pod);
    const ended = change.type === 'deleted' || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    if (ended) {
      this.queue.remove(key);
      if (this.state.remove(info.uid)) this.queue.changed('pod-removed');
      return;
    }
    if (pod.spec?.nodeName) {
      const first = change.type === 'added' || !change.previous.spec?.nodeName;
      this.state.place(info, pod.spec.nodeName);
      this.queue.remove(key);
      if (first) this.queue.changed('pod-assigned');
      return;
    }
    if (!this.isOurs(pod)) {
      this.queue.remove(key);
      return;
    }
    if (this.state.isAssumed(info.uid)) return;
    if (change.type === 'updated' && this.queue.has(key) && !mattersForScheduling(change.previous, pod))
      this.queue.refresh(info);
    else this.queue.add(info);
  }

  /** A pod that is being deleted, gated, or of another scheduler waits for nothing here. */
  private isOurs({ metadata, spec }: Pod): boolean {
    if (metadata?.deletionTimestamp !== undefined || (spec?.schedulingGates ?? []).length > 0) return false;
    return (spec?.schedulerName ?? 'default-scheduler') === this.deps.schedulerName;
  }
}

function nodeChanges(before: Node, after: Node): ClusterChange[] {
  const changes: ClusterChange[] = [];
  if (!isDeepStrictEqual(before.metadata?.labels, after.metadata?.labels)) changes.push('node-labels');
  if (
    !isDeepStrictEqual(before.spec?.taints, after.spec?.taints) ||
    before.spec?.unschedulable !== after.spec?.unschedulable
  ) {
    changes.push('node-taints');
  }
  if (!isDeepStrictEqual(before.status?.allocatable, after.status?.allocatable)) changes.push('node-capacity');
  return changes;
}

function mattersForScheduling(before: Pod, after: Pod): boolean {
  return (
    !isDeepStrictEqual(before.spec, after.spec) || !isDeepStrictEqual(before.metadata?.labels, after.metadata?.labels)
  );
}
