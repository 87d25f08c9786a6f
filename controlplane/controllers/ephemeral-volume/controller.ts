// Creates the claim POD-VOLUME for each generic ephemeral volume of a pod. The claim belongs to the pod and is deleted with it, by the
// garbage collector.
import { type PersistentVolumeClaim, type Pod, persistentVolumeClaims, pods } from '../../api/index';
import { Conflict, describeError, isAlreadyExists } from '../../base/errors';
import type { EventRecorder } from '../../client/event-recorder';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { KeyGroups } from '../shared/key-groups';
import { refusedByTermination } from '../shared/namespaced';
import { claimKeysOf } from '../shared/pod-claims';
import { controllerQueue, runWorkers } from '../shared/worker';
import { hasEphemeralVolumes, planEphemeralClaims } from './plan';

export class EphemeralVolumeController implements Controller {
  private readonly claims: TrackedInformer<PersistentVolumeClaim>;
  private readonly pods: TrackedInformer<Pod>;
  /** Pods with ephemeral volumes, by their claims. */
  private readonly podsOf = new KeyGroups();
  private readonly queue: WorkQueue;
  private readonly recorder: EventRecorder;

  constructor(private readonly deps: Deps) {
    this.claims = deps.informers.of(persistentVolumeClaims);
    this.pods = deps.informers.of(pods);
    this.queue = controllerQueue(deps);
    this.recorder = deps.recorder('ephemeral_volume');
  }

  async run(signal: AbortSignal): Promise<void> {
    // The volumes of a pod never change.
    this.pods.onChange(({ type, key, object }) => {
      if (type === 'updated') return;
      const concerns = type === 'added' && hasEphemeralVolumes(object);
      this.podsOf.set(key, concerns ? claimKeysOf(object) : []);
      if (concerns) this.queue.add(key);
    });
    this.claims.onChange(({ type, key }) => {
      if (type === 'deleted') for (const pod of this.podsOf.in(key)) this.queue.add(pod);
    });
    await Promise.all([this.claims.synced(signal), this.pods.synced(signal)]);
    await runWorkers({ queue: this.queue, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const pod = this.pods.get(key);
    if (!pod) return;
    const namespace = pod.metadata?.namespace;
    for (const step of planEphemeralClaims(pod, (name) => this.claims.get(`${namespace}/${name}`))) {
      if (step.action === 'refuse') throw this.report(pod, step.volume, new Conflict(step.message));
      const name = step.claim.metadata?.name;
      try {
        await this.deps.client.create(persistentVolumeClaims, step.claim, { signal });
      } catch (err) {
        if (refusedByTermination(err)) return;
        // The copy lacks it still: the next try sees whose claim it is.
        if (isAlreadyExists(err)) throw err;
        throw this.report(pod, step.volume, new Conflict(`create PVC ${name}: ${describeError(err)}`, { cause: err }));
      }
    }
  }

  private report(pod: Pod, volume: string, err: Error): Error {
    this.recorder.record(pod, 'Warning', 'FailedBinding', `ephemeral volume ${volume}: ${err.message}`);
    return err;
  }
}
