// Expands the volumes of k8ts.io/directory when their claims ask for more. Of other volumes it reports that a program outside must do it:
// for CSI drivers external-resizer does, and the kubelet.
import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
} from '../../api/index';
import { Conflict } from '../../base/errors';
import type { EventRecorder } from '../../client/event-recorder';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { Reports } from '../shared/reports';
import { controllerQueue, runWorkers } from '../shared/worker';
import { WriteGuard } from '../shared/write-guard';
import { claimExpanded, claimInProgress, grownVolume, planExpansion, wantsExpansion } from './plan';

export class VolumeExpandController implements Controller {
  private readonly claims: TrackedInformer<PersistentVolumeClaim>;
  private readonly volumes: TrackedInformer<PersistentVolume>;
  private readonly queue: WorkQueue;
  private readonly guard: WriteGuard<PersistentVolumeClaim>;
  private readonly recorder: EventRecorder;
  private readonly reports: Reports;

  constructor(private readonly deps: Deps) {
    this.claims = deps.informers.of(persistentVolumeClaims);
    this.volumes = deps.informers.of(persistentVolumes);
    this.queue = controllerQueue(deps);
    this.guard = new WriteGuard(this.claims);
    this.recorder = deps.recorder('volume_expand');
    this.reports = new Reports(this.recorder, deps.clock);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.claims.onChange(({ type, key, object }) => {
      if (type !== 'deleted' && wantsExpansion(object)) this.queue.add(key);
      else this.forget(key);
    });
    await Promise.all([this.claims.synced(signal), this.volumes.synced(signal)]);
    await runWorkers({ queue: this.queue, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const claim = this.claims.get(key);
    if (!claim || !this.guard.isCurrent(key)) return;
    const volume = this.volumes.get(claim.spec?.volumeName ?? '');
    if (!volume) throw new Conflict(`the copy of volumes lacks ${claim.spec?.volumeName}`);
    const step = planExpansion(claim, volume);
    if (step.action === 'report') {
      const message = 'waiting for an external controller to expand this PVC';
      this.reports.record(key, claim, { type: 'Normal', reason: 'ExternalExpanding', message });
    } else if (step.action === 'expand') await this.expand(key, claim, volume, step.size, signal);
  }

  /** Three writes, each with the resourceVersion that was read. What a crash leaves is completed by the next pass. */
  private async expand(
    key: string,
    claim: PersistentVolumeClaim,
    volume: PersistentVolume,
    size: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, clock } = this.deps;
    const write = async (object: PersistentVolumeClaim): Promise<PersistentVolumeClaim> => {
      const written = await client.update(persistentVolumeClaims, object, { subresource: 'status', signal });
      this.guard.wrote(key, written);
      return written;
    };
    const begun = await write(claimInProgress(claim, size, clock.now()));
    const grown = grownVolume(volume, size);
    if (grown !== volume) await client.update(persistentVolumes, grown, { signal });
    const done = await write(claimExpanded(begun, size));
    this.recorder.record(done, 'Normal', 'VolumeResizeSuccessful', `ExpandVolume succeeded for volume ${key}`);
  }

  private forget(key: string): void {
    this.guard.forget(key);
    this.reports.forget(key);
  }
}
