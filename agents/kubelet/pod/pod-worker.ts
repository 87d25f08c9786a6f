// One pod on this node: brings the containers to what the spec says and the status to what the containers are. One pass at
// a time; whatever happens during a pass makes one more pass; a deletion cuts a pass short.
import { type Pod, pods } from '../../../controlplane/api';
import { Backoff } from '../../../controlplane/base/backoff';
import { describeError, isNotFound } from '../../../controlplane/base/errors';
import { imageRef } from '../images/image-name';
import { isSandbox, labels, type PodIdentity, podIpsOf } from '../runtime/labels';
import type { ContainerRecord } from '../runtime/runtime';
import type { Container } from '../spec/container';
import { formatPod, identityOf } from '../spec/container-spec';
import type { NodeFacts } from '../spec/field-ref';
import { graceOf } from '../spec/grace-period';
import { crashLoopKey, formatDelay } from './crash-loop';
import { deadlineMs, isOver } from './deadline';
import type { PodDeps } from './deps';
import { findContainer } from './killer';
import { type PodAction, type PodPlan, planPod } from './plan';
import { PodStopper } from './pod-stopper';
import { failsElsewhere, type SandboxStart, startSandbox } from './sandbox';
import { StartFailure, startContainer, watchProbes } from './starter';
import { podStatus, startsBefore } from './status';
import type { PodStatus, PodVerdict, WaitingReason } from './status-input';
import type { StatusWriter } from './status-writer';
import { TerminationMessages } from './termination-message';
import { podVerdict, verdictEvent } from './verdict';
import { VolumeSync } from './volume-schedule';

export interface WorkerDeps extends PodDeps {
  readonly statuses: StatusWriter;
  /** The pod is gone from this node, and from the API if it was to be deleted. */
  readonly finished: (podUid: string) => void;
}

export class PodWorker {
  private pod: Pod | undefined;
  private gone = false;
  private dirty = false;
  private running = false;
  private closed = false;
  private readonly waiting = new Map<string, WaitingReason>();
  private readonly retryAt = new Map<string, number>();
  private readonly messages: TerminationMessages;
  private readonly stopper: PodStopper;
  private readonly failures = new Backoff<string>({ initialMs: 500, maxMs: 60_000 });
  private readonly starting = new Set<string>();
  private cancelTimer: (() => void) | undefined;
  private pass = new AbortController();
  private readonly volumes: VolumeSync;
  private readonly takenAtMs: number;
  private verdictTold = false;
  /** The addresses of a sandbox that is being made: who judges packets may hear of them before there are any. */
  private coming: readonly string[] = [];

  constructor(
    private readonly deps: WorkerDeps,
    private readonly identity: PodIdentity,
  ) {
    this.takenAtMs = deps.clock.now();
    this.volumes = new VolumeSync(deps);
    this.messages = new TerminationMessages(deps, () => this.kick());
    this.stopper = new PodStopper(deps, this.messages, {
      records: () => this.records,
      podIp: () => this.podIps[0],
    });
  }

  /** The pod as the API has it now; undefined when it is not there any more. */
  update(pod: Pod | undefined): void {
    const wasEnding = this.ending;
    if (pod) {
      this.volumes.observe(pod);
      this.pod = pod;
    } else this.gone = true;
    if (this.ending && !wasEnding) this.pass.abort(new Error('the pod is being deleted'));
    this.kick();
  }

  /** Something about the pod may have changed. */
  kick(): void {
    if (this.closed) return;
    this.publish();
    this.dirty = true;
    // A second deletion with less grace reaches the kills that are under way.
    if (this.ending && this.running) this.stopper.shorten(this.pod, this.graceSeconds());
    if (!this.running) void this.run();
  }

  /** References have changed: what failed for their sake is worth another try at once. */
  retryNow(): void {
    this.retryAt.clear();
    this.volumes.changed();
    this.kick();
  }

  /** Ends the worker and leaves the containers alone. */
  close(): void {
    this.closed = true;
    this.cancelTimer?.();
    this.pass.abort(new Error('the kubelet is stopping'));
    // Without its probes a pod would now look unready: what was written last holds until the next kubelet comes.
    this.deps.statuses.forget(this.identity.uid);
  }

  /**
   * After close(): ends the containers as a deletion would, in at most so many seconds, and leaves the pod and its records: they are
   * started again when the machine is back. @throws what ContainerRuntime.stop throws
   */
  async endContainers(maxGraceSeconds: number): Promise<void> {
    const { sandbox } = this;
    await this.stopper.stopContainers(this.pod, Math.min(maxGraceSeconds, this.graceSeconds()));
    if (sandbox) await this.deps.runtime.stop(sandbox.id, 0);
  }

  /** Newest first. */
  private get records(): readonly ContainerRecord[] {
    return this.deps.records.ofPod(this.identity.uid);
  }

  private get sandbox(): ContainerRecord | undefined {
    return this.records.find((record) => isSandbox(record) && record.state === 'running');
  }

  private get podIps(): readonly string[] {
    return this.sandbox ? podIpsOf(this.sandbox) : [];
  }

  private get ending(): boolean {
    return this.gone || this.pod?.metadata?.deletionTimestamp !== undefined;
  }

  private async run(): Promise<void> {
    this.running = true;
    while (this.dirty && !this.closed) {
      this.dirty = false;
      this.cancelTimer?.();
      this.pass = new AbortController();
      try {
        if (this.ending || !this.pod) await this.terminate();
        else await this.sync(this.pod);
        this.failures.forget('');
      } catch (error) {
        if (this.closed) break;
        if (this.pass.signal.aborted) {
          this.dirty = true;
          continue;
        }
        const retryMs = this.failures.next('');
        this.deps.log.warn('pod sync failed, will retry', { pod: formatPod(this.identity), error, retryMs });
        this.wakeAt(this.deps.clock.now() + retryMs);
      }
    }
    this.running = false;
  }

  private wakeAt(timeMs: number): void {
    this.cancelTimer?.();
    this.cancelTimer = this.deps.clock.after(Math.max(0, timeMs - this.deps.clock.now()), () => this.kick());
  }

  private async sync(pod: Pod): Promise<void> {
    const { clock } = this.deps;
    this.publish();
    const verdict = this.verdictOn(pod);
    if (verdict) this.tellVerdict(pod, verdict);
    const plan = planPod({
      pod,
      records: this.records,
      now: clock.now(),
      verdict: (id) => {
        const failed = this.deps.probes.failed(id);
        return failed ? `${failed}-failed` : 'healthy';
      },
      started: (id) => this.deps.probes.started(id),
      notBefore: (name, last) => this.notBefore(name, last),
      over: verdict !== undefined || isOver(pod),
      previousStarts: (name) => startsBefore(pod, name),
    });
    this.noteBackOff(pod, plan);
    const refreshAtMs = await this.execute(pod, plan);
    this.publish();
    if (this.dirty) return;
    const deadline = verdict ? undefined : deadlineMs(pod, this.takenAtMs);
    const times = [plan.retryAtMs, refreshAtMs, deadline, ...this.retryAt.values()].filter(
      (time) => time !== undefined,
    );
    if (times.length > 0) this.wakeAt(Math.min(...times));
  }

  private verdictOn(pod: Pod): PodVerdict | undefined {
    const { node, clock } = this.deps;
    return podVerdict(pod, { ...node, takenAtMs: this.takenAtMs, now: clock.now() });
  }

  private tellVerdict(pod: Pod, verdict: PodVerdict): void {
    if (this.verdictTold || isOver(pod)) return;
    this.verdictTold = true;
    this.deps.events.record(pod, ...verdictEvent(verdict));
  }

  /**
   * Containers found running are probed: also those from before this kubelet, and those whose start Docker's event tells of
   * before its answer, so that no status in between says they were not ready.
   */
  private adoptRunning(pod: Pod): void {
    for (const record of this.records) {
      const name = record.labels[labels.containerName] ?? '';
      if (isSandbox(record) || record.state !== 'running') continue;
      const container = findContainer(pod, name);
      // A postStart hook comes first.
      if (!container || (this.starting.has(name) && container.lifecycle?.postStart)) continue;
      watchProbes(this.deps, pod, container, record, this.podIps[0]);
    }
    for (const record of this.records) if (record.state === 'exited') this.deps.probes.unwatch(record.id);
  }

  private notBefore(name: string, last: ContainerRecord | undefined): number {
    const retry = this.retryAt.get(name) ?? 0;
    if (last?.state !== 'exited') return retry;
    const key = crashLoopKey(this.identity.uid, name);
    return Math.max(retry, this.deps.crashLoop.notBefore(key, last.finishedAtMs ?? 0));
  }

  private noteBackOff(pod: Pod, plan: PodPlan): void {
    for (const name of plan.backingOff) {
      if (this.retryAt.has(name) || this.waiting.get(name)?.reason === 'CrashLoopBackOff') continue;
      const delay = formatDelay(this.deps.crashLoop.delayMs(crashLoopKey(this.identity.uid, name)));
      const where = formatPod(this.identity);
      const message = `back-off ${delay} restarting failed container=${name} pod=${where}`;
      this.waiting.set(name, { reason: 'CrashLoopBackOff', message });
      this.deps.events.record(
        pod,
        'Warning',
        'BackOff',
        `Back-off restarting failed container ${name} in pod ${where}`,
      );
    }
  }

  /** Resolves to the time at which volumes want to be looked at again. */
  private async execute(pod: Pod, plan: PodPlan): Promise<number | undefined> {
    const { signal } = this.pass;
    const of = <A extends PodAction['action']>(action: A) =>
      plan.actions.filter((each): each is Extract<PodAction, { action: A }> => each.action === action);
    for (const { reason } of of('stop-pod')) await this.stopper.stopPod(pod, reason);
    await Promise.all(of('remove-container').map(({ id }) => this.stopper.remove(id)));
    await Promise.all(of('kill-container').map((action) => this.stopper.kill(pod, action)));
    const [create] = of('create-sandbox');
    const sandbox = create ? this.makeSandbox(pod, create.attempt) : this.currentSandbox();
    if (!sandbox) return undefined;
    const { podIps } = sandbox;
    const volumes = this.volumes.setUp(pod, this.facts(podIps), signal);
    // The next pass may remove the pod's folder: nothing of this one may write or mount there any more.
    const [, ...starts] = await Promise.allSettled([
      volumes,
      ...of('start-container').map(({ container, attempt }) =>
        this.startOne({ pod, container, attempt, sandbox, volumes, podIps }),
      ),
    ]);
    const failed = starts.find((start) => start.status === 'rejected');
    if (failed) throw failed.reason;
    try {
      await sandbox.ready;
    } catch (err) {
      signal.throwIfAborted();
      this.deps.events.record(
        pod,
        'Warning',
        'FailedCreatePodSandBox',
        `Failed to create pod sandbox: ${describeError(err)}`,
      );
      throw err;
    }
    try {
      return await volumes;
    } catch (err) {
      signal.throwIfAborted();
      this.deps.events.record(pod, 'Warning', 'FailedMount', describeError(err).split(': MountVolume')[0]!);
      throw err;
    }
  }

  private makeSandbox(pod: Pod, attempt: number): SandboxStart {
    const sandbox = startSandbox(this.deps, pod, attempt);
    this.coming = sandbox.podIps;
    const settle = () => {
      this.coming = [];
    };
    sandbox.ready.then(settle, settle);
    this.publish();
    return sandbox;
  }

  private currentSandbox(): SandboxStart | undefined {
    const { sandbox } = this;
    if (!sandbox) return undefined;
    return { podIps: podIpsOf(sandbox), created: Promise.resolve(sandbox.id), ready: Promise.resolve() };
  }

  private facts(podIps: readonly string[]): NodeFacts {
    const { nodeIps, allocatable } = this.deps.node;
    return { nodeIps, allocatable, podIps: podIps.length > 0 ? podIps : nodeIps };
  }

  private async startOne(start: {
    readonly pod: Pod;
    readonly container: Container;
    readonly attempt: number;
    readonly sandbox: SandboxStart;
    readonly volumes: Promise<unknown>;
    readonly podIps: readonly string[];
  }): Promise<void> {
    const { container, podIps } = start;
    const { name } = container;
    const { uid } = this.identity;
    const last = this.records.find((record) => record.labels[labels.containerName] === name);
    if (last?.state === 'exited') this.deps.crashLoop.restarted(crashLoopKey(uid, name), this.deps.clock.now());
    this.starting.add(name);
    try {
      await startContainer(this.deps, {
        ...start,
        podIp: podIps[0],
        facts: this.facts(podIps),
        signal: this.pass.signal,
      });
      this.waiting.delete(name);
      this.retryAt.delete(name);
    } catch (err) {
      if (!(err instanceof StartFailure)) throw err;
      if (await failsElsewhere(start)) return;
      this.waiting.set(name, err.waiting);
      if (err.retryAtMs > this.deps.clock.now()) this.retryAt.set(name, err.retryAtMs);
      else this.dirty = true;
    } finally {
      this.starting.delete(name);
      this.publish();
    }
  }

  /** A pod that is gone from the API was taken away by force; one never seen there has only its labels to say. */
  private graceSeconds(): number {
    const { pod } = this;
    if (!pod) return this.stopper.labelledGrace();
    return this.gone ? 0 : graceOf(pod);
  }

  private async terminate(): Promise<void> {
    const graceSeconds = this.graceSeconds();
    // Without grace the removal below is the kill: one call instead of two.
    if (graceSeconds > 0) await this.stopper.stopContainers(this.pod, graceSeconds);
    await this.messages.collect(this.pod ?? {}, this.records);
    const last = this.gone || !this.pod ? undefined : this.computeStatus(this.pod);
    for (const record of this.records) this.deps.probes.unwatch(record.id);
    await this.stopper.removeAll();
    await this.deps.volumes.tearDown(this.identity.uid);
    this.deps.crashLoop.forgetPod(this.identity.uid);
    if (this.pod && last) await this.deleteFromApi(this.pod, last);
    this.closed = true;
    this.deps.statuses.forget(this.identity.uid);
    this.deps.finished(this.identity.uid);
  }

  private async deleteFromApi(pod: Pod, last: PodStatus): Promise<void> {
    const { uid } = this.identity;
    this.deps.statuses.mark({ pod, status: () => last });
    await this.deps.statuses.flushed(uid);
    const { namespace, name } = identityOf(pod);
    try {
      await this.deps.client.delete(pods, `${namespace}/${name}`, { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (err) {
      // Someone else was faster, or a new pod has the name already.
      if (!isNotFound(err) && !/uid/i.test(describeError(err))) throw err;
    }
  }

  private publish(): void {
    const { pod } = this;
    if (!pod || this.gone || this.closed) return;
    if (!this.ending) this.adoptRunning(pod);
    // An end is shown together with its message: clients read both at once.
    if (this.messages.collect(pod, this.records)) return;
    this.deps.statuses.mark({ pod, status: (newest) => this.computeStatus(newest) });
  }

  private computeStatus(pod: Pod): PodStatus {
    const { probes, clock, node, images } = this.deps;
    return podStatus({
      pod,
      records: this.records.map((record) => this.messages.shown(record)),
      now: clock.now(),
      takenAtMs: this.takenAtMs,
      verdict: this.verdictOn(pod),
      nodeIps: node.nodeIps,
      podIps: this.sandbox ? this.podIps : this.coming,
      sandboxReady: this.sandbox !== undefined,
      waiting: this.waiting,
      started: (id) => probes.started(id),
      ready: (id) => probes.ready(id),
      message: (id) => this.messages.get(id),
      imageRef: (id) => imageRef(images.peek(id) ?? { id, digests: [] }),
    });
  }
}
