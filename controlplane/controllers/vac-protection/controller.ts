// Keeps a VolumeAttributesClass that is deleted until no volume and no claim names it. As upstream, it looks only at its own copies.
import {
  type KubeObject,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type VolumeAttributesClass,
  volumeAttributesClasses,
} from '../../api/index';
import type { Change, TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { planProtection, writeProtection } from '../shared/protection';
import { controllerQueue, runWorkers } from '../shared/worker';
import { classesOfClaim, classesOfVolume, classFinalizer } from './plan';

export class VacProtectionController implements Controller {
  private readonly classes: TrackedInformer<VolumeAttributesClass>;
  private readonly volumes: TrackedInformer<PersistentVolume>;
  private readonly claims: TrackedInformer<PersistentVolumeClaim>;
  private readonly queue: WorkQueue;
  /** Name of a class → the objects that name it: a key of a claim, or `volume` and a space before the name of a volume. */
  private readonly users = new Map<string, Set<string>>();

  constructor(private readonly deps: Deps) {
    this.classes = deps.informers.of(volumeAttributesClasses);
    this.volumes = deps.informers.of(persistentVolumes);
    this.claims = deps.informers.of(persistentVolumeClaims);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.classes.onChange(({ key }) => this.queue.add(key));
    this.claims.onChange((change) => this.follow(change, change.key, classesOfClaim));
    // Names of objects have no space.
    this.volumes.onChange((change) => this.follow(change, `volume ${change.key}`, classesOfVolume));
    await Promise.all([this.classes, this.volumes, this.claims].map((informer) => informer.synced(signal)));
    await runWorkers({ queue: this.queue, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const object = this.classes.get(key);
    const step = object && planProtection(object, classFinalizer);
    if (!step || (step === 'release' && this.users.has(key))) return;
    const write = { client: this.deps.client, kind: volumeAttributesClasses, finalizer: classFinalizer };
    await writeProtection(write, object, step, signal);
  }

  private follow<T extends KubeObject>(
    change: Change<T>,
    user: string,
    classesOf: (object: T) => readonly string[],
  ): void {
    const before =
      change.type === 'added' ? [] : classesOf(change.type === 'updated' ? change.previous : change.object);
    const now = change.type === 'deleted' ? [] : classesOf(change.object);
    for (const name of before) if (!now.includes(name)) this.drop(name, user);
    for (const name of now) this.users.set(name, (this.users.get(name) ?? new Set()).add(user));
  }

  /** Only a class without users can be released. */
  private drop(name: string, user: string): void {
    const users = this.users.get(name);
    users?.delete(user);
    if (users?.size !== 0) return;
    this.users.delete(name);
    this.queue.add(name);
  }
}
