// The scheduling loop. The scheduler decides for one pod after another, on the current state. Only bindings, evictions and reports
// run in the background.

import { isDeepStrictEqual } from 'node:util';
import type { Namespace } from '../api/namespace';
import type { Node } from '../api/node';
import type { Pod } from '../api/pod';
import type { PodDisruptionBudget } from '../api/pod-disruption-budget';
import { isTerminal } from '../api/pods/facts';
import { selectorFromLabelSelector } from '../api/selector';
import type { Clock } from '../base/clock';
import { describeError, isConflict, isNotFound } from '../base/errors';
import { eventLoop } from '../base/event-loop';
import type { Logger } from '../base/logger';
import type { Client } from '../client/client';
import type { EventRecorder } from '../client/event-recorder';
import type { Change, Informer } from '../client/informer';
import { type BinderDeps, bind, clearNomination, evict, type Failure, reportFailure } from './binder';
import { choose } from './choose';
import { FailureReports } from './failure-reports';
import type { Refusal } from './filter';
import { renderUnschedulable } from './message';
import type { ClusterChange, SchedulerPlugin } from './plugins/plugin';
import { type PodInfo, podInfo } from './pod-info';
import { type Budget, type Preemption, planPreemption } from './preemption';
import { SchedulingQueue } from './queue';
import { reserveAll } from './reservations';
import { ClusterState } from './state';

export interface SchedulerDeps {
  readonly client: Client;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly schedulerName: string;
  readonly plugins: readonly SchedulerPlugin[];
  readonly events: EventRecorder;
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly namespaces: Informer<Namespace>;
  readonly budgets: Informer<PodDisruptionBudget>;
}

export class Scheduler {
  private readonly state = new ClusterState();
  private readonly queue: SchedulingQueue;
  private readonly background = new Set<Promise<void>>();
  /** uids of pods that are being evicted while the informer's copy does not show it yet. */
  private readonly victims = new Set<string>();
  private readonly binder: BinderDeps;
  private offset = 0;

  constructor(private readonly deps: SchedulerDeps) {
    this.queue = new SchedulingQueue(deps.clock, deps.plugins);
    const { client, events, clock } = deps;
    this.binder = { client, events, reports: new FailureReports(), now: () => clock.now() };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { pods, nodes, namespaces, budgets } = this.deps;
    nodes.onChange((change) => this.onNode(change));
    pods.onChange((change) => this.onPod(change));
    try {
      await Promise.all([pods, nodes, namespaces, budgets].map((informer) => informer.synced(signal)));
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
    for (let pod = this.queue.pop(); pod && !signal.aborted; pod = this.queue.pop()) {
      const { key } = pod;
      eventLoop.mark({ kind: 'schedule', describe: () => ({ pod: key }) });
      this.scheduleOne(pod, signal);
      const pause = eventLoop.pause();
      if (pause) await pause;
    }
  }

  private scheduleOne(pod: PodInfo, signal: AbortSignal): void {
    const nodes = this.state.nodes();
    const { plugins, random, namespaces } = this.deps;
    const namespaceLabels = (name: string) => namespaces.get(name)?.metadata?.labels;
    try {
      const nominated = (node: string) => this.state.nominated(node);
      const choice = choose({ plugins, pod, nodes, namespaceLabels, offset: this.offset, random, nominated });
      this.offset = nodes.length === 0 ? 0 : (this.offset + choice.examined) % nodes.length;
      if (choice.node) this.assign(pod, choice.node.name, signal);
      else this.refuse(pod, choice.refusals, signal);
    } catch (err) {
      this.deps.log.error('pod not scheduled; it is tried again after its back-off', { pod: pod.key, error: err });
      this.queue.failed(pod.key);
    }
  }

  private assign(pod: PodInfo, node: string, signal: AbortSignal): void {
    const { plugins } = this.deps;
    // Before the pod counts on the node: when a plug-in throws, nothing has changed.
    const release = reserveAll(plugins, pod, node);
    this.state.assume(pod, node);
    this.inBackground(async () => {
      try {
        for (const plugin of plugins) if (plugin.preBind) await plugin.preBind(pod, node, signal);
        await bind(this.binder, pod, node, signal);
        this.queue.remove(pod.key);
      } catch (err) {
        release();
        if (signal.aborted) return;
        // The pod is still assumed only when the copy has not shown it as bound or deleted meanwhile.
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
        this.deps.log.warn('pod not bound; it is tried again after its back-off', { pod: pod.key, node, error: err });
        const message = `binding rejected: ${describeError(err)}`;
        await reportFailure(this.binder, pod.pod, { reason: 'SchedulerError', message }, signal);
      }
    });
  }

  private refuse(pod: PodInfo, refusals: ReadonlyMap<string, Refusal>, signal: AbortSignal): void {
    const list = [...refusals.values()];
    const refusedBy = new Set(list.map(({ plugin }) => plugin));
    const preemption = this.preempt(pod, refusals);
    if (preemption.node === undefined) {
      const message = renderUnschedulable(list.length, list, preemption.message);
      if (preemption.gaveUp) this.state.nominate(pod, undefined);
      const nominate = preemption.gaveUp ? { nominate: '' } : {};
      this.queue.unschedulable(pod.key, refusedBy);
      this.report(pod, { reason: 'Unschedulable', message, ...nominate }, signal);
      return;
    }
    const { node, victims } = preemption;
    this.state.nominate(pod, node);
    for (const { uid } of victims) this.victims.add(uid);
    this.inBackground(async () => {
      // The queue holds the pod meanwhile: if it were tried before its victims terminate, it would choose other victims.
      try {
        await this.pushOut(pod, node, victims, signal);
      } finally {
        this.queue.unschedulable(pod.key, refusedBy);
      }
    });
    const message = renderUnschedulable(list.length, list);
    this.report(pod, { reason: 'Unschedulable', message, nominate: node }, signal);
  }

  private preempt(pod: PodInfo, refusals: ReadonlyMap<string, Refusal>): Preemption {
    const { plugins, clock, namespaces } = this.deps;
    return planPreemption({
      plugins,
      pod,
      nodes: this.state.nodes(),
      namespaceLabels: (name) => namespaces.get(name)?.metadata?.labels,
      refusals,
      nominated: (node) => this.state.nominated(node),
      isVictim: (other) => this.victims.has(other.uid) || isPreempted(other.pod),
      budgets: this.deps.budgets.list().map(toBudget),
      offset: this.offset,
      now: clock.now(),
    });
  }

  private async pushOut(pod: PodInfo, node: string, victims: readonly PodInfo[], signal: AbortSignal): Promise<void> {
    const by = { preemptor: pod, node, schedulerName: this.deps.schedulerName };
    const evictions = victims.map(async (victim) => {
      try {
        await evict(this.binder, victim.pod, by, signal);
      } catch (err) {
        this.victims.delete(victim.uid);
        throw err;
      }
    });
    const overtaken = this.state.nominated(node).filter(({ priority }) => priority < pod.priority);
    for (const other of overtaken) this.state.nominate(other, undefined);
    const clearings = overtaken.map((other) => clearNomination(this.binder, other.pod, signal));
    const results = await Promise.allSettled([...evictions, ...clearings]);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private report(pod: PodInfo, failure: Failure, signal: AbortSignal): void {
    this.inBackground(() => reportFailure(this.binder, pod.pod, failure, signal));
  }

  private inBackground(work: () => Promise<void>): void {
    const done = work()
      .catch((err: unknown) => {
        if (!isNotFound(err))
          this.deps.log.warn('report or eviction of a pod failed; the next try repeats it', { error: err });
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
    const ended = change.type === 'deleted' || isTerminal(pod);
    if (ended || pod.spec?.nodeName) this.binder.reports.forget(info.uid);
    if (ended) {
      this.victims.delete(info.uid);
      this.state.nominate(info, undefined);
      this.queue.remove(key);
      if (this.state.remove(info.uid)) this.queue.changed('pod-removed');
      return;
    }
    if (pod.spec?.nodeName) {
      const first = change.type === 'added' || !change.previous.spec?.nodeName;
      this.state.place(info, pod.spec.nodeName);
      this.state.nominate(info, undefined);
      this.queue.remove(key);
      if (first) this.queue.changed('pod-assigned');
      else if (change.type === 'updated' && requestsLess(info, podInfo(change.previous))) {
        this.queue.changed('pod-scaled-down');
      }
      return;
    }
    if (!this.isOurs(pod)) {
      this.queue.remove(key);
      return;
    }
    if (this.state.isAssumed(info.uid)) {
      // If the binding fails, the scheduler tries the new version of the pod.
      this.queue.refresh(info);
      return;
    }
    const nomination = pod.status?.nominatedNodeName || undefined;
    const before = change.type === 'updated' ? change.previous.status?.nominatedNodeName || undefined : undefined;
    // Only a change counts: an old copy must not undo a newer decision.
    if (nomination !== before) this.state.nominate(info, nomination);
    if (change.type === 'updated' && this.queue.has(key) && !mattersForScheduling(change.previous, pod))
      this.queue.refresh(info);
    else this.queue.add(info);
  }

  /** False for a pod that is being deleted, that has scheduling gates, or that names another scheduler. */
  private isOurs({ metadata, spec }: Pod): boolean {
    if (metadata?.deletionTimestamp !== undefined || (spec?.schedulingGates ?? []).length > 0) return false;
    return (spec?.schedulerName ?? 'default-scheduler') === this.deps.schedulerName;
  }
}

function toBudget({ metadata, spec, status }: PodDisruptionBudget): Budget {
  return {
    namespace: metadata?.namespace ?? '',
    // An absent selector selects no pod, so it becomes a requirement that no pod meets. An empty selector selects every pod.
    selector: selectorFromLabelSelector(spec?.selector) ?? [{ key: '', operator: 'Exists', values: [] }],
    allowed: status?.disruptionsAllowed ?? 0,
    disrupted: new Set(Object.keys(status?.disruptedPods ?? {})),
  };
}

/** Another scheduler, or this scheduler before a restart, has evicted the pod. */
function isPreempted({ metadata, status }: Pod): boolean {
  if (metadata?.deletionTimestamp === undefined) return false;
  return (status?.conditions ?? []).some(
    ({ type, status: value, reason }) =>
      type === 'DisruptionTarget' && value === 'True' && reason === 'PreemptionByScheduler',
  );
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

const requestsLess = ({ requests }: PodInfo, { requests: before }: PodInfo): boolean =>
  Object.keys(before).some((name) => (requests[name] ?? 0) < before[name]!);

function mattersForScheduling(before: Pod, after: Pod): boolean {
  return (
    !isDeepStrictEqual(before.spec, after.spec) || !isDeepStrictEqual(before.metadata?.labels, after.metadata?.labels)
  );
}
