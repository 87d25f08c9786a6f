// One pod on this node: observes its containers, plans the actions that its spec requires, publishes the status. Passes run one at a time
// (pass-loop.ts), and apply-plan.ts carries out the plan. A deletion interrupts the running pass.
import { isTerminal, type Pod } from '../../../controlplane/api';
import { podSettings } from '../cgroups/settings';
import type { Eviction } from '../eviction/evictor';
import { imageRef } from '../images/image-name';
import type { PodIdentity } from '../runtime/labels';
import { formatPod } from '../spec/container-spec';
import { graceOf } from '../spec/grace-period';
import { kubeletActivity } from '../stats/activity';
import { containerCounts } from '../stats/container-counts';
import type { Refusal } from './admission';
import { PlanExecutor } from './apply-plan';
import { ContainerStarts } from './container-starts';
import { deadlineMs } from './deadline';
import { deletePod } from './delete-pod';
import type { PodDeps } from './deps';
import { FirstUsers } from './first-users';
import { ObservedPod } from './observed-pod';
import { PassLoop } from './pass-loop';
import { planPod } from './plan';
import { PodStopper } from './pod-stopper';
import { hasResources } from './resize-containers';
import { podStatus, startsBefore } from './status';
import type { PodStatus, PodVerdict } from './status-input';
import type { StatusWriter } from './status-writer';
import { TerminationMessages } from './termination-message';
import { podVerdict, verdictEvent } from './verdict';
import { VolumeSchedule } from './volume-schedule';
import { watchRunning } from './watch-probes';

export interface WorkerDeps extends PodDeps {
  readonly statuses: StatusWriter;
  /** Called once for each pod. Resolves to why the node does not admit it. @throws when the API does not answer */
  readonly admit: (pod: Pod) => Promise<Refusal | undefined>;
  /** The pod has no containers or files on this node any more. If it was deleted, it is no longer in the API either. */
  readonly finished: (podUid: string) => void;
}

export class PodWorker {
  private pod: Pod | undefined;
  private gone = false;
  private verdictReported = false;
  private startAwaited = false;
  /** The last status that was computed. */
  private shown: PodStatus | undefined;
  private volumesReleased = false;
  /** Whether the node admits the pod: decided once, in the first pass. */
  private admission: { readonly refusal: Refusal | undefined } | undefined;
  private readonly takenAtMs: number;
  private readonly observed: ObservedPod;
  private readonly messages: TerminationMessages;
  private readonly users: FirstUsers;
  private readonly stopper: PodStopper;
  private readonly starts: ContainerStarts;
  private readonly volumes: VolumeSchedule;
  private readonly executor: PlanExecutor;
  private readonly endedForResize = new Set<string>();
  private readonly resets = new Map<string, number>();
  private readonly loop: PassLoop;
  private eviction: (Eviction & { readonly ended: PromiseWithResolvers<void> }) | undefined;
  /** Set when a shutdown of the machine waits for the pod: until the API knows of its end and its volumes are unmounted. */
  private released: PromiseWithResolvers<void> | undefined;

  constructor(
    private readonly deps: WorkerDeps,
    private readonly identity: PodIdentity,
  ) {
    const changed = () => this.publish();
    this.takenAtMs = deps.clock.now();
    this.observed = new ObservedPod(deps.records, identity.uid);
    this.messages = new TerminationMessages(deps, () => this.kick());
    this.users = new FirstUsers(deps, changed);
    this.stopper = new PodStopper(deps, this.messages, this.observed);
    this.starts = new ContainerStarts(deps, identity, changed);
    this.volumes = new VolumeSchedule(deps);
    this.loop = new PassLoop({
      clock: deps.clock,
      pass: (signal) => this.pass(signal),
      onDue: () => this.kick(),
      onFailure: (error, retryMs) =>
        deps.log.warn('pod sync failed, will retry', { pod: formatPod(identity), error, retryMs }),
    });
    const { observed, stopper, starts, volumes, loop, endedForResize, resets } = this;
    const again = () => loop.request();
    this.executor = new PlanExecutor(deps, {
      observed,
      stopper,
      starts,
      volumes,
      endedForResize,
      resets,
      changed,
      again,
    });
  }

  /** The pod's current object in the API; undefined when it was deleted. */
  update(pod: Pod | undefined): void {
    const wasEnding = this.ending;
    if (pod) {
      this.volumes.observe(pod);
      // A pod that ran before this kubelet is no start.
      if (!this.pod) this.startAwaited = (pod.status?.phase ?? 'Pending') === 'Pending';
      this.pod = pod;
    } else this.gone = true;
    if (this.ending && !wasEnding) this.loop.interrupt(new Error('the pod is being deleted'));
    this.kick();
  }

  /** The pod, while it may hold ports and resources of the node: as the scheduler counts. */
  get holding(): Pod | undefined {
    return !this.gone && this.pod && !isTerminal(this.pod) ? this.pod : undefined;
  }

  /** Whether what was given to the pod is in use: also that of a pod which the API no longer has, until its containers are gone. */
  get counts(): boolean {
    return !this.pod || !isTerminal(this.pod);
  }

  /** The node ends the pod; the first eviction counts. Resolves when no container of it runs, or the kubelet stops. */
  evict(eviction: Eviction): Promise<void> {
    if (!this.eviction) {
      this.eviction = { ...eviction, ended: Promise.withResolvers() };
      // Now, because the next pass may see the pod as failed already.
      const verdict = this.pod && this.verdictOn(this.pod);
      if (this.pod && verdict) this.reportVerdict(this.pod, verdict);
      this.loop.interrupt(new Error('the pod is evicted'));
      this.kick();
    }
    this.settleEviction();
    return this.eviction.ended.promise;
  }

  /** As evict(). Resolves when the API knows of the pod's end and its volumes are unmounted, too, or the kubelet stops. */
  async endForGood(end: Eviction): Promise<void> {
    this.released ??= Promise.withResolvers();
    await this.evict(end);
    this.kick();
    if (this.loop.closed) this.released.resolve();
    await this.released.promise;
  }

  /**
   * Removes the containers of a pod that has ended for good, and ends the worker: the node needs the space of their files. Their logs are
   * gone then. Does nothing for other pods.
   */
  async discard(): Promise<void> {
    const { pod, deps, observed, stopper } = this;
    const { uid } = this.identity;
    if (!pod || this.ending || this.loop.closed || !isTerminal(pod) || this.anyRunning) return;
    // Without records the status would lose what they say: the written one stays.
    await deps.statuses.flushed(uid);
    if (this.ending || this.anyRunning) return;
    this.loop.close(new Error('the pod has ended'));
    deps.statuses.forget(uid);
    this.messages.forget(observed.records.map(({ id }) => id));
    await stopper.removeAll();
    await deps.cgroups.remove(uid);
    this.starts.forget();
    deps.finished(uid);
  }

  /** Whether containers of the pod run that an eviction can end. */
  get anyRunning(): boolean {
    return this.observed.records.some(({ state }) => state === 'running');
  }

  private settleEviction(): void {
    if (this.eviction && (this.loop.closed || !this.anyRunning)) this.eviction.ended.resolve();
  }

  /** Something about the pod may have changed, or the time for the next pass has come. */
  kick(): void {
    if (this.loop.closed) return;
    this.publish();
    // A second deletion with less grace shortens the running kills.
    if (this.ending && this.loop.running) this.stopper.shorten(this.pod, this.graceSeconds());
    this.settleEviction();
    this.loop.request();
  }

  /** An object that the pod refers to has changed: repeats failed starts at once. */
  retryNow(): void {
    this.starts.retryNow();
    this.volumes.changed();
    this.kick();
  }

  /** Ends the worker and leaves the containers alone. */
  close(): void {
    this.loop.close(new Error('the kubelet is stopping'));
    this.settleEviction();
    this.released?.resolve();
    // Probes no longer run, so the pod would look unready: the last written status stays until the next kubelet starts.
    this.deps.statuses.forget(this.identity.uid);
  }

  /**
   * After close(): ends the containers as a deletion would, within the given seconds, and keeps the pod and its records. The containers
   * are started again when the machine is back. @throws what ContainerRuntime.stop throws
   */
  async endContainers(maxGraceSeconds: number): Promise<void> {
    const { records, sandbox } = this.observed;
    const { runtime } = this.deps;
    const running = records.filter(({ state }) => state === 'running');
    await this.stopper.stopContainers(this.pod, Math.min(maxGraceSeconds, this.graceSeconds()));
    if (sandbox) await runtime.stop(sandbox.id, 0);
    // Docker answers a stop before it has written the exit code to its disk, and holds the container until then: an inspection waits for
    // that. Docker itself is stopped next, and would report exit code 255 after the boot.
    await Promise.all(running.map(({ id }) => runtime.inspect(id)));
  }

  private get ending(): boolean {
    return this.gone || this.pod?.metadata?.deletionTimestamp !== undefined;
  }

  /** A pod that is no longer in the API was deleted by force. For a pod that the API never showed, the labels have the grace period. */
  private graceSeconds(): number {
    const { pod } = this;
    if (!pod) return this.stopper.labelledGrace();
    return this.gone ? 0 : Math.min(graceOf(pod), this.eviction?.graceSeconds ?? Number.POSITIVE_INFINITY);
  }

  private async pass(signal: AbortSignal): Promise<number | undefined> {
    const { pod } = this;
    if (this.ending || !pod) {
      await kubeletActivity.pass('kill', () => this.terminate());
      return undefined;
    }
    const isFirst = this.admission === undefined;
    if (isFirst) kubeletActivity.reached('first-pass', (this.deps.clock.now() - this.takenAtMs) / 1000);
    return kubeletActivity.pass(isFirst ? 'create' : 'sync', () => this.sync(pod, signal));
  }

  /** Resolves to the time of the next pass, if one is due without a change. */
  private async sync(asked: Pod, signal: AbortSignal): Promise<number | undefined> {
    const { clock, probes, resizes, cgroups } = this.deps;
    this.admission ??= { refusal: await this.deps.admit(asked) };
    const pod = this.allocate(asked);
    // Before the first container that has more than it had: a kubelet that starts again must not take that back.
    if (resizes.conditions(this.identity.uid).length > 0) await resizes.saved();
    const verdict = this.verdictOn(pod);
    if (verdict) this.reportVerdict(pod, verdict);
    const over = verdict !== undefined || isTerminal(pod);
    const plan = planPod({
      pod,
      records: this.observed.records,
      now: clock.now(),
      verdict: (id) => {
        const failed = probes.failed(id);
        return failed ? `${failed}-failed` : 'healthy';
      },
      started: (id) => probes.started(id),
      notBefore: (name, last) => this.starts.notBefore(name, last),
      over,
      graceSeconds: this.eviction?.graceSeconds,
      resizeNotBefore: resizes.notBefore(this.identity.uid),
      endedForResize: (id) => this.endedForResize.has(id),
      previousStarts: (name) => this.resets.get(name) ?? startsBefore(pod, name),
    });
    this.starts.heldBack(pod, plan.backingOff);
    const refreshAtMs = await this.executor.apply(pod, plan.actions, signal);
    if (over) await this.releaseVolumes();
    this.observeResize(pod);
    if (verdict && this.released && !this.anyRunning) await this.tellEnd(pod, this.released);
    const deadline = verdict ? undefined : deadlineMs(pod, this.takenAtMs);
    const groupAtMs = cgroups.has(pod) ? undefined : resizes.notBefore(this.identity.uid);
    const times = [plan.retryAtMs, refreshAtMs, deadline, groupAtMs, this.starts.retryAtMs].filter(
      (time) => time !== undefined,
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** After the volumes are released. */
  private async tellEnd(pod: Pod, told: PromiseWithResolvers<void>): Promise<void> {
    await this.messages.collect(pod, this.observed.records);
    this.publish();
    await this.deps.statuses.flushed(this.identity.uid);
    told.resolve();
  }

  /** Once, when nothing of the pod runs any more. A claim may be deleted or used elsewhere as soon as its pods have ended. */
  private async releaseVolumes(): Promise<void> {
    if (this.volumesReleased || this.anyRunning) return;
    await this.deps.volumes.release(this.identity.uid);
    this.volumesReleased = true;
  }

  /** The pod with the resources that this node has promised to it: all that follows sees only these. */
  private allocate(asked: Pod): Pod {
    if (isTerminal(asked)) return asked;
    const pod = this.deps.resizes.consider(asked);
    this.observeResize(pod);
    return pod;
  }

  private observeResize(pod: Pod): void {
    if (isTerminal(pod)) return;
    const before = this.deps.resizes.conditions(this.identity.uid);
    const { resizes, cgroups } = this.deps;
    resizes.observe(pod, hasResources(pod, this.observed) && cgroups.has(pod));
    const after = this.deps.resizes.conditions(this.identity.uid);
    if (JSON.stringify(before) !== JSON.stringify(after)) this.publish();
  }

  private async terminate(): Promise<void> {
    const { uid } = this.identity;
    const { observed, stopper, deps } = this;
    const graceSeconds = this.graceSeconds();
    // Without grace the removal below is the kill: one call instead of two.
    if (graceSeconds > 0) await stopper.stopContainers(this.pod, graceSeconds);
    await this.messages.collect(this.pod ?? {}, observed.records);
    const last = this.gone || !this.pod ? undefined : this.status(this.pod);
    for (const record of observed.records) deps.probes.unwatch(record.id);
    await stopper.removeAll();
    await deps.cgroups.remove(uid);
    await deps.volumes.tearDown(uid);
    this.starts.forget();
    if (this.pod && last) await deletePod(deps, this.pod, last);
    this.loop.close(new Error('the pod is removed'));
    this.settleEviction();
    this.released?.resolve();
    deps.statuses.forget(uid);
    deps.finished(uid);
  }

  private verdictOn(pod: Pod): PodVerdict | undefined {
    const { node, clock } = this.deps;
    const { takenAtMs, admission, eviction } = this;
    return podVerdict(pod, { ...node, takenAtMs, refusal: admission?.refusal, eviction, now: clock.now() });
  }

  private reportVerdict(pod: Pod, verdict: PodVerdict): void {
    if (this.verdictReported || isTerminal(pod)) return;
    this.verdictReported = true;
    const event = verdictEvent(verdict);
    if (event) this.deps.events.record(pod, ...event, { annotations: this.eviction?.annotations });
    // Nothing else may change any more.
    this.publish();
  }

  /** Publishes the status of a pod that is not deleted, after each change from outside or by a pass. Nothing else does. */
  private publish(): void {
    const { pod } = this;
    if (!pod || this.gone || this.loop.closed) return;
    if (!this.ending) watchRunning(this.deps, pod, this.observed, (name) => this.starts.isUnderWay(name));
    // The status shows the end of a container only with its message, because clients read both at once.
    if (this.messages.collect(pod, this.observed.records)) return;
    this.deps.statuses.mark({ pod, status: (newest) => this.noteStart(this.status(newest)) });
  }

  /** For metrics, once: the time until the pod runs. */
  private noteStart(status: PodStatus): PodStatus {
    if (this.startAwaited && status.phase === 'Running') {
      this.startAwaited = false;
      kubeletActivity.reached('running', (this.deps.clock.now() - this.takenAtMs) / 1000);
    }
    return status;
  }

  private status(newest: Pod): PodStatus {
    const status = this.observedStatus(newest);
    containerCounts.statusChanged(this.shown ?? newest.status, status);
    this.shown = status;
    return status;
  }

  private observedStatus(newest: Pod): PodStatus {
    const { probes, clock, node, images, resizes, cgroups, devices } = this.deps;
    const pod = resizes.allocated(newest);
    const { records, sandbox, podIps } = this.observed;
    this.users.keepOnly(records);
    return podStatus({
      pod,
      records: records.map((record) => this.messages.shown(record)),
      now: clock.now(),
      takenAtMs: this.takenAtMs,
      verdict: this.verdictOn(pod),
      nodeIps: node.nodeIps,
      podIps: sandbox ? podIps : this.executor.startingIps,
      sandboxReady: sandbox !== undefined,
      waiting: this.starts.waiting,
      resizes: resizes.conditions(this.identity.uid),
      group: cgroups.settingsOf(this.identity.uid) ?? podSettings(pod, 0),
      resets: this.resets,
      started: (id) => probes.started(id),
      ready: (id) => probes.ready(id),
      devices: (name) => devices.healthOf(this.identity.uid, name),
      // The record itself: shown() lets an ended container run until its message is known.
      user: ({ id }) => this.users.of(this.identity.uid, this.deps.records.get(id)),
      message: (id) => this.messages.get(id),
      imageRef: (id) => imageRef(images.peek(id) ?? { id, digests: [] }),
    });
  }
}
