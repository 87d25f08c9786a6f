// Keeps a PersistentVolume that is deleted until no claim is bound to it. Adds the finalizer to volumes that lack it. What it decides
// stands in `planProtection` and in the phase of the volume, so there is no plan.ts.
import { type PersistentVolume, persistentVolumes } from '../../api/index';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { planProtection, writeProtection } from '../shared/protection';
import { controllerQueue, runWorkers } from '../shared/worker';

const finalizer = 'kubernetes.io/pv-protection';

export class PvProtectionController implements Controller {
  private readonly volumes: TrackedInformer<PersistentVolume>;
  private readonly queue: WorkQueue;

  constructor(private readonly deps: Deps) {
    this.volumes = deps.informers.of(persistentVolumes);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.volumes.onChange(({ key }) => this.queue.add(key));
    await this.volumes.synced(signal);
    await runWorkers({ queue: this.queue, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const volume = this.volumes.get(key);
    const step = volume && planProtection(volume, finalizer);
    // A release comes back here when the phase changes.
    if (!step || (step === 'release' && volume.status?.phase === 'Bound')) return;
    const write = { client: this.deps.client, kind: persistentVolumes, finalizer };
    await writeProtection(write, volume, step, signal);
  }
}
