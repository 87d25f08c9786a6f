// The scheduling loop. The scheduler decides for one pod after another, on the current state. Only bindings, evictions and reports
// run in the background.

import type { Namespace } from '../api/namespace';
import type { Node } from '../api/node';
import type { Pod } from '../api/pod';
import type { PodDisruptionBudget } from '../api/pod-disruption-budget';
import type { Clock } from '../base/clock';
import { describeError, isConflict, isNotFound, NotFound } from '../base/errors';
import { eventLoop } from '../base/event-loop';
import type { Logger } from '../base/logger';
import { processMetrics } from '../base/process-metrics';
import { run, type Steps } from '../base/steps';
import type { Client } from '../client/client';
import type { Informer } from '../client/informer';
import { type BinderDeps, type Failure, reportFailure } from './binder';
import { Bindings, RunError } from './bindings';
import { type Choice, type ChooseInput, choose } from './choose';
import { chooseWithExtenders, type ExtenderDeps, preemptWithExtenders } from './extenders/choose';
import type { HttpExtender } from './extenders/extender';
import { FailureReports } from './failure-reports';
import { renderUnschedulable } from './message';
import { type SchedulerGauges, SchedulerMetrics } from './metrics';
import type { NodeInfo } from './node-info';
import { Observer } from './observer';
import type { PodInfo } from './pod-info';
import { findCandidates, type Preemption, planEviction } from './preemption';
import { type NoNode, Preemptor } from './preemptor';
import type { Profile } from './profile';
import { type Attempts, type QueueOptions, SchedulingQueue } from './queue';
import { reserveAll } from './reservations';
import { ClusterState } from './state';
import type { ClusterVolumes } from './volumes/cluster-volumes';
import { onVolumeEvents } from './volumes/events';

export interface SchedulerDeps {
  readonly client: Client;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  /** By spec.schedulerName; at least one. */
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly namespaces: Informer<Namespace>;
  readonly budgets: Informer<PodDisruptionBudget>;
  readonly volumes: ClusterVolumes;
  /** In the order in which they are asked. */
  readonly extenders: readonly HttpExtender[];
  readonly backoff?: Pick<QueueOptions, 'initialBackoffMs' | 'maxBackoffMs'>;
}

export class Scheduler {
  private readonly state = new ClusterState();
  private readonly queue: SchedulingQueue;
  private readonly background = new Set<Promise<void>>();
  private readonly bindings: Bindings;
  private readonly preemptor: Preemptor;
  private readonly observer: Observer;
  private readonly metrics = new SchedulerMetrics(() => this.gauges());
  private readonly binder: BinderDeps;
  private offset = 0;

  constructor(private readonly deps: SchedulerDeps) {
    const { client, clock, profiles } = deps;
    const plugins = new Map([...profiles].map(([name, profile]) => [name, profile.plugins]));
    this.queue = new SchedulingQueue(clock, { ...deps.backoff, profiles: plugins });
    const eventsOf = (name: string) => this.profile(name).events;
    this.binder = { client, eventsOf, reports: new FailureReports(), now: () => clock.now() };
    const { log, extenders } = deps;
    const pluginsOf = (pod: PodInfo) => this.profile(pod.schedulerName).plugins;
    this.bindings = new Bindings({ binder: this.binder, log, extenders, pluginsOf });
    const { state, queue, binder } = this;
    const onTry = () => this.metrics.preemptionTried();
    this.preemptor = new Preemptor({ state, binder, budgets: () => deps.budgets.list(), onTry });
    const onSettled = (uid: string) => binder.reports.forget(uid);
    this.observer = new Observer({ state, queue, profiles, onSettled, onEnded: (pod) => this.forget(pod) });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { pods, nodes, namespaces, budgets, volumes } = this.deps;
    nodes.onChange((change) => this.observer.onNode(change));
    pods.onChange((change) => this.observer.onPod(change));
    onVolumeEvents(volumes.informers, (event) => this.queue.changed(event));
    const informers = [pods, nodes, namespaces, budgets, ...Object.values(volumes.informers)];
    try {
      await Promise.all(informers.map((informer) => informer.synced(signal)));
    } catch (err) {
      if (signal.aborted) return;
      throw err;
    }
    const endMetrics = processMetrics.add(() => this.metrics.render());
    while (!signal.aborted) {
      await this.queue.ready(signal);
      await this.drain(signal);
    }
    endMetrics();
    this.queue.close();
    await Promise.allSettled(this.background);
  }

  /** Decides for one pod after another. Most decisions take one stretch; extenders, and pods with many terms, make the scheduler wait. */
  private async drain(signal: AbortSignal): Promise<void> {
    for (let pod = this.queue.pop(); pod && !signal.aborted; pod = this.queue.pop()) {
      const { key } = pod;
      eventLoop.mark({ kind: 'schedule', describe: () => ({ pod: key }) });
      const waits = this.scheduleOne(pod, signal);
      if (waits) await waits;
      const pause = eventLoop.pause();
      if (pause) await pause;
    }
  }

  private scheduleOne(pod: PodInfo, signal: AbortSignal): Promise<void> | undefined {
    const began = performance.now();
    const nodes = this.state.nodes();
    const { random, namespaces } = this.deps;
    const profile = this.profile(pod.schedulerName);
    const { plugins, percentageOfNodesToScore } = profile;
    const namespaceLabels = (name: string) => namespaces.get(name)?.metadata?.labels;
    try {
      const nominated = (node: string) => this.state.nominated(node);
      const input: ChooseInput = {
        plugins,
        pod,
        nodes,
        namespaceLabels,
        index: this.state.index,
        percentageOfNodesToScore,
        offset: this.offset,
        random,
        nominated,
      };
      const extenders = this.deps.extenders.filter((extender) => extender.isInterested(pod));
      if (extenders.some(({ filters, rates, preempts }) => filters || rates || preempts)) {
        const deps = { extenders, log: this.deps.log };
        return this.scheduleExtended(input, deps, signal).catch((err: unknown) =>
          this.notScheduled(pod, err, began, signal),
        );
      }
      const decided = run(this.decide(input, profile, began, signal));
      if (decided) return decided.catch((err: unknown) => this.notScheduled(pod, err, began, signal));
    } catch (err) {
      this.notScheduled(pod, err, began, signal);
    }
    return undefined;
  }

  private *decide(input: ChooseInput, profile: Profile, began: number, signal: AbortSignal): Steps<void> {
    const { pod, nodes } = input;
    const choice = yield* choose(input);
    this.examined(choice, nodes.length);
    const preemption = choice.node ? undefined : yield* this.preemptor.plan(input, choice, profile);
    this.metrics.decided(secondsSince(began));
    if (choice.node) this.take(pod, choice.node, began, signal);
    else if (this.queue.has(pod.key)) this.refuse(pod, choice, preemption!, began, signal);
  }

  /** The pod or the node may be gone since the decision began. */
  private take(pod: PodInfo, { name }: NodeInfo, began: number, signal: AbortSignal): void {
    if (!this.queue.has(pod.key)) return;
    const node = this.state.node(name);
    if (node?.node) this.assign(pod, node, began, signal);
    else this.queue.failed(pod.key);
  }

  private async scheduleExtended(input: ChooseInput, deps: ExtenderDeps, signal: AbortSignal): Promise<void> {
    const began = performance.now();
    const { pod } = input;
    const choice = await chooseWithExtenders(input, deps, signal);
    this.metrics.decided(secondsSince(began));
    this.examined(choice, input.nodes.length);
    if (choice.node) return this.take(pod, choice.node, began, signal);
    if (!this.queue.has(pod.key)) return;
    const profile = this.profile(pod.schedulerName);
    const preemption = this.preemptor.inputFor(input, choice, profile);
    if (!preemption || choice.podRefusal) {
      return this.refuse(pod, choice, await run(this.preemptor.plan(input, choice, profile)), began, signal);
    }
    this.metrics.preemptionTried();
    const found = await run(findCandidates(preemption));
    if (!('candidates' in found)) return this.refuse(pod, choice, found, began, signal);
    const candidates = await preemptWithExtenders(pod, found.candidates, deps, signal);
    if (this.queue.has(pod.key)) this.refuse(pod, choice, planEviction(candidates, preemption), began, signal);
  }

  private examined({ examined }: Choice, nodeCount: number): void {
    this.offset = nodeCount === 0 ? 0 : (this.offset + examined) % nodeCount;
  }

  private notScheduled(pod: PodInfo, err: unknown, began: number, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.metrics.attempted(pod.schedulerName, 'error', secondsSince(began));
    this.deps.log.error('pod not scheduled; it is tried again after its back-off', { pod: pod.key, error: err });
    this.queue.failed(pod.key);
    this.report(pod, { reason: 'SchedulerError', message: describeError(err), nominate: '' }, signal);
  }

  private assign(pod: PodInfo, node: NodeInfo, began: number, signal: AbortSignal): void {
    const { plugins } = this.profile(pod.schedulerName);
    // Before the pod counts on the node: when a plug-in throws, nothing has changed.
    const release = reserveAll(plugins, pod, node);
    this.state.assume(pod, node.name);
    this.queue.decided(pod.key);
    const attempts = this.queue.attempts(pod.key);
    const waits = plugins.some((plugin) => plugin.needsPreBind?.(pod));
    this.inBackground(async () => {
      try {
        if (waits) await this.bindings.showNode(pod, node.name, signal);
        await this.bindings.preBind(pod, node.name, signal);
        await this.bindings.bind(pod, node.name, signal);
        this.bound(pod, attempts, began);
        this.queue.remove(pod.key);
      } catch (err) {
        release();
        if (signal.aborted) return;
        this.metrics.attempted(pod.schedulerName, 'error', secondsSince(began));
        await this.notBound(pod, err, waits ? node.name : undefined, signal);
      }
    });
  }

  private bound(pod: PodInfo, attempts: Attempts | undefined, began: number): void {
    this.metrics.attempted(pod.schedulerName, 'scheduled', secondsSince(began));
    if (attempts) this.metrics.bound(attempts.count, (this.deps.clock.now() - attempts.firstMs) / 1000);
  }

  /** `shown` is the node that the pod's status shows since showNode(). */
  private async notBound(pod: PodInfo, err: unknown, shown: string | undefined, signal: AbortSignal): Promise<void> {
    // The pod is still assumed only when the copy has not shown it as bound or deleted meanwhile.
    if (this.state.isAssumed(pod.uid)) {
      this.state.remove(pod.uid);
      this.queue.changed({ type: 'pod-removed', pod });
    }
    const cause = err instanceof RunError ? err.cause : err;
    if (isNotFound(cause)) {
      this.queue.remove(pod.key);
      return;
    }
    this.queue.failed(pod.key);
    if (isConflict(cause)) return;
    this.deps.log.warn('pod not bound; it is tried again after its back-off', { pod: pod.key, error: err });
    const failure: Failure = { reason: 'SchedulerError', message: describeError(err), nominate: '' };
    await reportFailure(this.binder, pod, { ...failure, ...(shown === undefined ? {} : { shown }) }, signal);
  }

  private refuse(
    pod: PodInfo,
    { refusals, podRefusal }: NoNode,
    preemption: Preemption,
    began: number,
    signal: AbortSignal,
  ): void {
    this.metrics.attempted(pod.schedulerName, 'unschedulable', secondsSince(began));
    const list = [...refusals.values()];
    const nodeCount = this.state.nodes().length;
    const refusedBy = new Set(list.map(({ plugin }) => plugin));
    if (preemption.node === undefined) {
      const message = renderUnschedulable({ nodeCount, refusals: list, podRefusal }, preemption.message);
      if (preemption.gaveUp) this.state.nominate(pod, undefined);
      const nominate = preemption.gaveUp ? { nominate: '' } : {};
      this.queue.unschedulable(pod.key, refusedBy);
      this.report(pod, { reason: 'Unschedulable', message, ...nominate }, signal);
      return;
    }
    const { node, victims } = preemption;
    this.state.nominate(pod, node);
    this.metrics.preempted(victims.length);
    this.inBackground(async () => {
      // The queue holds the pod meanwhile: if it were tried before its victims terminate, it would choose other victims.
      try {
        await this.preemptor.evict(pod, node, victims, signal);
      } finally {
        this.queue.unschedulable(pod.key, refusedBy);
      }
    });
    const message = renderUnschedulable({ nodeCount, refusals: list, podRefusal });
    this.report(pod, { reason: 'Unschedulable', message, nominate: node }, signal);
  }

  private report(pod: PodInfo, failure: Failure, signal: AbortSignal): void {
    this.inBackground(() => reportFailure(this.binder, pod, failure, signal));
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

  /** The pod has ended or does not exist any more. */
  private forget({ uid, key }: PodInfo): void {
    this.preemptor.forget(uid);
    this.bindings.end(uid, new NotFound(`pod ${key} does not exist any more`));
  }

  private gauges(): SchedulerGauges {
    const { active, backoff, failed, unschedulable } = this.queue.sizes;
    return {
      pending: { active, backoff: backoff + failed, gated: this.observer.gatedPods, unschedulable },
      cache: this.state.sizes,
      unschedulable: this.queue.unschedulableBy(),
    };
  }

  private profile(schedulerName: string): Profile {
    return this.deps.profiles.get(schedulerName)!;
  }
}

const secondsSince = (began: number): number => (performance.now() - began) / 1000;
