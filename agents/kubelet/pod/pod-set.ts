// All pods of this node: one worker for each, informed by the API and by the runtime. Containers whose pod is not in the API
// get a worker too, which removes them.
import { isTerminal, type Node, nodes, type Pod } from '../../../controlplane/api';
import { describeError } from '../../../controlplane/base/errors';
import type { Informer } from '../../../controlplane/client/informer';
import type { Eviction } from '../eviction/evictor';
import { podIpsOf } from '../runtime/labels';
import type { ContainerRecord, RuntimeEvent } from '../runtime/runtime';
import { formatPod, identityOf } from '../spec/container-spec';
import { unsoundName } from '../spec/names';
import { kubeletActivity } from '../stats/activity';
import { dependsOnNode, type Refusal, refusalOf } from './admission';
import { PodWorker, type WorkerDeps } from './pod-worker';
import { WireKeeper } from './wire-keeper';

/** Docker restarts within this time and its containers keep running, so the node does not report it. As upstream. */
export const runtimeGraceMs = 30_000;
/** A safety net: events report every change, unless Docker loses one. */
const relistMs = 300_000;

export interface PodSetDeps extends Omit<WorkerDeps, 'admit' | 'finished'> {
  /** Called with the reason why the runtime cannot be used, or with undefined when it can. */
  readonly runtimeState: (problem: string | undefined) => void;
  /** The object of this node; undefined before it is known. */
  readonly ownNode: () => Node | undefined;
  /** Why the node accepts no such pod while it is short of something. */
  readonly pressure: (pod: Pod) => Refusal | undefined;
}

export class PodSet {
  private readonly workers = new Map<string, PodWorker>();
  private readonly admitted = new Set<string>();
  private readonly deps: WorkerDeps;
  private readonly wires: WireKeeper;
  private synced = false;
  private away: { error: unknown; readonly cancelReport: () => void } | undefined;

  constructor(
    private readonly given: PodSetDeps,
    private readonly pods: Informer<Pod>,
  ) {
    this.deps = { ...given, admit: (pod) => this.admit(pod), finished: (uid) => this.finished(uid) };
    this.wires = new WireKeeper(given);
  }

  /** Runs until the signal is aborted; containers stay as they are. */
  async run(signal: AbortSignal): Promise<void> {
    const { records, volumes, probes, resizes, devices } = this.deps;
    this.pods.onChange((change) => {
      if (change.type === 'deleted') this.update(change.object, true);
      else if (change.type === 'updated' && change.previous.metadata?.uid !== change.object.metadata?.uid) {
        this.update(change.previous, true);
        this.update(change.object, false);
      } else this.update(change.object, false);
    });
    records.onChange((uid) => this.workers.get(uid)?.kick());
    probes.onChange((uid) => this.workers.get(uid)?.kick());
    resizes.onChange((uid) => this.workers.get(uid)?.kick());
    devices.onChange((uid) => this.workers.get(uid)?.kick());
    devices.countActive((uid) => this.workers.get(uid)?.counts ?? false);
    volumes.onChange((uid) => this.workers.get(uid)?.retryNow());
    // First of all that the abort ends: workers must not judge pods by probes that have stopped.
    const close = () => {
      for (const worker of this.workers.values()) worker.close();
    };
    signal.addEventListener('abort', close, { once: true });
    try {
      await Promise.all([this.followRuntime(signal), this.wires.run(signal)]);
    } finally {
      this.away?.cancelReport();
      close();
    }
  }

  /** After run(): ends every pod's containers, within the given seconds if Docker obeys. Failures are logged. */
  async endContainers(maxGraceSeconds: number): Promise<void> {
    const ends = [...this.workers.values()].map((worker) => worker.endContainers(maxGraceSeconds));
    const failed = (await Promise.allSettled(ends)).filter((end) => end.status === 'rejected');
    if (failed.length > 0) {
      this.deps.log.warn('containers were not ended before the machine goes down', {
        pods: failed.length,
        error: failed[0]!.reason,
      });
    }
  }

  private async followRuntime(signal: AbortSignal): Promise<void> {
    const cancel = this.relistLater(signal);
    try {
      for await (const event of this.deps.runtime.events(signal)) await this.handle(event, signal);
    } finally {
      cancel();
    }
  }

  private async handle(event: RuntimeEvent, signal: AbortSignal): Promise<void> {
    const { records, images } = this.deps;
    switch (event.type) {
      case 'connected':
        await this.catchUp(signal);
        return;
      case 'disconnected':
        this.runtimeWentAway(event.error);
        return;
      case 'images-changed':
        images.clear();
        return;
      default:
        records.apply(event);
    }
  }

  /** Logged once per outage. The node reports only a long one; otherwise each restart of Docker would empty all Services. */
  private runtimeWentAway(error: unknown): void {
    const { clock, log } = this.deps;
    if (this.away) {
      this.away.error = error;
      return;
    }
    log.warn('the container runtime is not reachable; the kubelet waits for it', { error });
    const report = () =>
      this.given.runtimeState(`container runtime is down: ${describeError(this.away?.error ?? error)}`);
    if (!this.synced) report();
    this.away = { error, cancelReport: clock.after(runtimeGraceMs, report) };
  }

  /** After each (re)connect: reads the changes that events did not report. Only then workers may judge pods. */
  private async catchUp(signal: AbortSignal): Promise<void> {
    const { records, images, log } = this.deps;
    images.clear();
    try {
      await kubeletActivity.relist(() => records.relist());
    } catch (error) {
      log.warn('containers cannot be listed; the next listing tries again', { error });
      return;
    }
    this.away?.cancelReport();
    this.away = undefined;
    this.given.runtimeState(undefined);
    if (!this.synced) {
      if ((await Promise.all(records.all().map((record) => this.reserve(record)))).includes(false))
        await records.relist();
      await this.wires.restoreAll();
      await this.pods.synced(signal);
      this.synced = true;
      for (const pod of this.pods.list()) this.update(pod, false);
      await this.removeOrphanedVolumes();
      const present = new Set(this.pods.list().map((pod) => identityOf(pod).uid));
      this.deps.resizes.retain((uid) => present.has(uid) || this.workers.has(uid));
    }
    this.adoptOrphans();
    await this.removeOrphanedGroups();
    for (const worker of this.workers.values()) worker.kick();
  }

  /**
   * False for a sandbox that was ended. The range of this node may have changed since it started (its Node was made again, or came from a
   * backup): no other node has a route to it then. Its worker gives the pod a new one, as after a crash.
   */
  private async reserve(record: ContainerRecord): Promise<boolean> {
    const { network, runtime, log } = this.deps;
    const ips = podIpsOf(record);
    try {
      network.reserve(ips);
      return true;
    } catch (error) {
      if (record.state !== 'running') return true;
      log.warn('a pod has an address outside the pod range of this node; it gets a new sandbox', {
        ips: ips.join(','),
        error,
      });
    }
    await runtime.stop(record.id, 0).catch((error: unknown) => log.warn('a sandbox cannot be stopped', { error }));
    return false;
  }

  private adoptOrphans(): void {
    for (const identity of this.deps.records.pods()) {
      if (this.workers.has(identity.uid)) continue;
      this.deps.log.info('removing containers of a pod that the API no longer has', {
        pod: `${identity.namespace}/${identity.name}`,
      });
      const worker = new PodWorker(this.deps, identity);
      this.workers.set(identity.uid, worker);
      worker.update(undefined);
    }
  }

  private async removeOrphanedGroups(): Promise<void> {
    const { cgroups, log } = this.deps;
    await cgroups
      .removeOrphans((uid) => this.workers.has(uid))
      .catch((error: unknown) => {
        log.warn('cgroups of removed pods were not removed; the next listing tries again', { error });
      });
  }

  private async removeOrphanedVolumes(): Promise<void> {
    const { records, volumes, log } = this.deps;
    const kept = new Set([...this.pods.list().map((pod) => identityOf(pod)), ...records.pods()].map(({ uid }) => uid));
    // A pod that is added meanwhile gets its worker before its files, so its folder stays.
    await volumes
      .removeOrphans((uid) => kept.has(uid) || this.workers.has(uid))
      .catch((error: unknown) => {
        log.warn('volumes of removed pods were not deleted; the next start of the kubelet tries again', { error });
      });
  }

  private update(pod: Pod, gone: boolean): void {
    // Before the first listing of containers, a running pod would look like a pod that must be started.
    if (!this.synced) return;
    const identity = identityOf(pod);
    const unsound = unsoundName(pod);
    if (unsound !== undefined && !gone) {
      this.deps.log.warn('pod ignored: one of its names is not valid', { pod: formatPod(identity), unsound });
      return;
    }
    let worker = this.workers.get(identity.uid);
    if (!worker) {
      if (gone || this.needsNothing(pod)) {
        // The worker may have ended before the informer has shown the deletion: only now the pod no longer counts.
        this.deps.resizes.released(identity.uid, gone);
        return;
      }
      worker = new PodWorker(this.deps, identity);
      if (this.isOurs(pod)) this.admitted.add(identity.uid);
      this.workers.set(identity.uid, worker);
    }
    worker.update(gone ? undefined : pod);
    if (isTerminal(pod)) this.deps.resizes.released(identity.uid, false);
  }

  /** Whether a kubelet of this node has accepted the pod: it writes the start time with its first status. */
  private isOurs({ metadata, status }: Pod): boolean {
    return status?.startTime !== undefined || this.deps.records.ofPod(metadata?.uid ?? '').length > 0;
  }

  /** Only a new pod can be refused: one that was accepted stays, whatever has changed since. */
  private async admit(pod: Pod): Promise<Refusal | undefined> {
    const { ownNode, client, node, devices } = this.given;
    const { uid } = identityOf(pod);
    const known = ownNode();
    if (!known || this.admitted.has(uid)) return undefined;
    const pressed = this.given.pressure(pod);
    if (pressed) return pressed;
    const lacks = await this.allocateDevices(pod);
    if (lacks) return lacks;
    const judged = (by: Node) => refusalOf(pod, devices.covering(pod, by), this.otherPods(), node.hasAppArmor);
    let refusal = judged(known);
    // The scheduler may have seen a newer node, with a label that was set a moment ago.
    if (refusal && dependsOnNode(refusal)) {
      const newest = await client.get<Node>(nodes, node.nodeName);
      refusal = judged(newest);
    }
    // Without a wait after the decision: two pods must not get the same port.
    if (!refusal) this.admitted.add(uid);
    else devices.release(uid);
    return refusal;
  }

  /** Pods that use devices of plug-ins have them before they are compared with the node, as upstream. */
  private async allocateDevices(pod: Pod): Promise<Refusal | undefined> {
    const { devices } = this.deps;
    if (!devices.wants(pod)) return undefined;
    try {
      await devices.allocate(pod);
      return undefined;
    } catch (error) {
      devices.release(identityOf(pod).uid);
      const message = `Allocate failed due to ${describeError(error)}, which is unexpected`;
      return { reason: 'UnexpectedAdmissionError', message };
    }
  }

  /** The pods that have a container running here. */
  activePods(): readonly Pod[] {
    return [...this.workers.values()].flatMap(({ holding, anyRunning }) => (holding && anyRunning ? [holding] : []));
  }

  /** Resolves when the pod's containers have ended. */
  async evict(podUid: string, eviction: Eviction): Promise<void> {
    await this.workers.get(podUid)?.evict(eviction);
  }

  /** The pods that have not ended, whether or not they run. */
  holdingPods(): readonly Pod[] {
    return [...this.workers.values()].flatMap(({ holding }) => holding ?? []);
  }

  /** As evict(), until the API knows of the end and the pod's volumes are unmounted. */
  async endForGood(podUid: string, end: Eviction): Promise<void> {
    await this.workers.get(podUid)?.endForGood(end);
  }

  /** Removes the containers of pods that have ended for good. */
  async discardEnded(): Promise<void> {
    await Promise.all([...this.workers.values()].map((worker) => worker.discard()));
  }

  private otherPods(): readonly Pod[] {
    return [...this.workers].flatMap(([uid, { holding }]) => (holding && this.admitted.has(uid) ? [holding] : []));
  }

  /** A pod that has ended for good keeps its worker while it has containers, because clients still read their logs. */
  private needsNothing(pod: Pod): boolean {
    const { uid = '', deletionTimestamp } = pod.metadata ?? {};
    return isTerminal(pod) && deletionTimestamp === undefined && this.deps.records.ofPod(uid).length === 0;
  }

  private finished(podUid: string): void {
    this.workers.delete(podUid);
    this.admitted.delete(podUid);
    this.deps.resizes.released(podUid, true);
    this.deps.devices.release(podUid);
    // Later removal events find no worker. The next listing corrects the records.
    for (const record of this.deps.records.ofPod(podUid)) this.deps.records.remove(record.id);
  }

  private relistLater(signal: AbortSignal): () => void {
    let cancel = () => {};
    const next = () => {
      cancel = this.deps.clock.after(relistMs, () => {
        void this.catchUp(signal).then(next);
      });
    };
    next();
    return () => cancel();
  }
}
