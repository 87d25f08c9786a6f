// Binds PersistentVolumeClaims to PersistentVolumes, and does with released volumes what their reclaim policy says. Upstream's name is
// persistent-volume-binder. The plans decide; this file reads, writes and reports.
// Promises: (1) a binding is written first into the volume, then into the claim, each with the resourceVersion that was read, so two
// claims never get one volume; (2) before a claim is called lost, or a volume released, the API is asked: a copy may be old.
import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
} from '../../api/index';
import {
  betaStorageProvisioner,
  bindCompleted,
  boundVolume,
  claimKeyOf,
  hasAnnotation,
  storageProvisioner,
} from '../../api/volumes/binding';
import { Conflict, isNotFound } from '../../base/errors';
import { processMetrics } from '../../base/process-metrics';
import type { EventRecorder } from '../../client/event-recorder';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { metaOf } from '../shared/owner';
import { Reports } from '../shared/reports';
import { controllerQueue, runWorkers } from '../shared/worker';
import { WriteGuard } from '../shared/write-guard';
import { boundClaim, claimWithStatus } from './claim-status';
import { BinderFacts } from './facts';
import { renderVolumeMetrics, retroactiveClassErrors, retroactiveClasses } from './metrics';
import { planClaim } from './plan-claim';
import { planVolume, unboundVolume } from './plan-volume';
import type { ClaimStep, VolumeStep } from './types';

export class PersistentVolumeBinder implements Controller {
  private readonly facts: BinderFacts;
  private readonly claimQueue: WorkQueue;
  private readonly volumeQueue: WorkQueue;
  private readonly claimGuard: WriteGuard<PersistentVolumeClaim>;
  private readonly volumeGuard: WriteGuard<PersistentVolume>;
  private readonly recorder: EventRecorder;
  private readonly reports: Reports;

  constructor(private readonly deps: Deps) {
    this.facts = new BinderFacts(deps.informers);
    // Upstream's names of the two queues.
    this.claimQueue = controllerQueue({ ...deps, queueName: 'claims' });
    this.volumeQueue = controllerQueue({ ...deps, queueName: 'volumes' });
    this.claimGuard = new WriteGuard(this.facts.claims);
    this.volumeGuard = new WriteGuard(this.facts.volumes);
    this.recorder = deps.recorder('persistentvolume-controller');
    this.reports = new Reports(this.recorder, deps.clock);
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.facts.follow({ claims: this.claimQueue, volumes: this.volumeQueue }, signal);
    const endMetrics = processMetrics.add(() =>
      renderVolumeMetrics(this.facts.volumes.list(), this.facts.claims.list()),
    );
    signal.addEventListener('abort', endMetrics, { once: true });
    await Promise.all([
      runWorkers({ queue: this.claimQueue, reconcile: (key) => this.reconcileClaim(key, signal) }, signal),
      runWorkers({ queue: this.volumeQueue, reconcile: (key) => this.reconcileVolume(key, signal) }, signal),
    ]);
  }

  async reconcileClaim(key: string, signal: AbortSignal): Promise<void> {
    const claim = this.facts.claims.get(key);
    if (!claim) {
      this.claimGuard.forget(key);
      this.reports.forget(key);
      return;
    }
    if (!this.claimGuard.isCurrent(key)) return;
    const facts = this.facts.of(key, claim);
    const name = claim.spec?.volumeName;
    const named =
      facts.named ?? (name && hasAnnotation(claim, bindCompleted) ? await this.readVolume(name, signal) : undefined);
    for (const step of planClaim({ ...facts, named })) await this.applyToClaim(key, claim, step, signal);
  }

  async reconcileVolume(key: string, signal: AbortSignal): Promise<void> {
    const volume = this.facts.volumes.get(key);
    if (!volume) return this.volumeGuard.forget(key);
    if (!this.volumeGuard.isCurrent(key)) return;
    const claim = await this.claimOf(volume, signal);
    let written = volume;
    for (const step of planVolume(volume, claim)) written = await this.applyToVolume(written, claim, step, signal);
  }

  /** The claim with the uid that the volume names. */
  private async claimOf(volume: PersistentVolume, signal: AbortSignal): Promise<PersistentVolumeClaim | undefined> {
    const uid = volume.spec?.claimRef?.uid;
    const key = claimKeyOf(volume);
    if (!uid || key === undefined) return undefined;
    const copy = this.facts.claims.get(key);
    if (copy?.metadata?.uid === uid) return copy;
    const { phase } = volume.status ?? {};
    // A uid never comes back, so this was found out before. But a user may have named another claim since, which the copy lacks.
    const isKnown = phase === 'Released' || phase === 'Failed';
    if (isKnown && !planVolume(volume, undefined).some(({ action }) => action === 'delete')) return undefined;
    const claim = await this.deps.client.get(persistentVolumeClaims, key, signal).catch(undefinedIfMissing);
    return claim?.metadata?.uid === uid ? claim : undefined;
  }

  private readVolume(name: string, signal: AbortSignal): Promise<PersistentVolume | undefined> {
    return this.deps.client.get(persistentVolumes, name, signal).catch(undefinedIfMissing);
  }

  private async applyToClaim(
    key: string,
    claim: PersistentVolumeClaim,
    step: ClaimStep,
    signal: AbortSignal,
  ): Promise<void> {
    switch (step.action) {
      case 'bind':
        await this.bind(key, claim, step.volume, signal);
        return;
      case 'assign-class':
        await this.assignClass(key, claim, step.name, signal);
        return;
      case 'set-provisioner': {
        const names = { [storageProvisioner]: step.provisioner, [betaStorageProvisioner]: step.provisioner };
        const annotations = { ...claim.metadata?.annotations, ...names };
        await this.writeClaim(key, { ...claim, metadata: { ...claim.metadata, annotations } }, signal);
        return;
      }
      case 'report': {
        const again = this.reports.record(key, claim, step.report);
        this.claimQueue.addAfter(key, again);
        return;
      }
      case 'phase': {
        const changes = claim.status?.phase !== step.phase;
        await this.writeClaimStatus(key, claim, claimWithStatus(claim, step.phase), signal);
        const { report } = step;
        if (changes && report) this.recorder.record(claim, report.type, report.reason, report.message);
        return;
      }
      case 'fail':
        throw new Conflict(step.message);
    }
  }

  private async assignClass(
    key: string,
    claim: PersistentVolumeClaim,
    storageClassName: string,
    signal: AbortSignal,
  ): Promise<void> {
    retroactiveClasses.add('');
    try {
      await this.writeClaim(key, { ...claim, spec: { ...claim.spec, storageClassName } }, signal);
    } catch (err) {
      retroactiveClassErrors.add('');
      throw err;
    }
  }

  /** Four writes; each of them is left out if the object is as it should be. A crash between them leads to another pass. */
  private async bind(
    key: string,
    claim: PersistentVolumeClaim,
    volume: PersistentVolume,
    signal: AbortSignal,
  ): Promise<void> {
    const { name } = metaOf(volume);
    if (!this.volumeGuard.isCurrent(name)) throw new Conflict(`the copy of volume ${name} is old`);
    let bound = boundVolume(volume, claim);
    if (bound !== volume) bound = await this.writeVolume(bound, signal);
    bound = await this.writePhase(bound, 'Bound', '', signal);
    let named = boundClaim(claim, bound);
    if (named !== claim) named = await this.writeClaim(key, named, signal);
    await this.writeClaimStatus(key, named, claimWithStatus(named, 'Bound', bound), signal);
    this.reports.forget(key);
  }

  private async applyToVolume(
    volume: PersistentVolume,
    claim: PersistentVolumeClaim | undefined,
    step: VolumeStep,
    signal: AbortSignal,
  ): Promise<PersistentVolume> {
    switch (step.action) {
      case 'phase': {
        const changes = volume.status?.phase !== step.phase;
        const written = await this.writePhase(volume, step.phase, step.message ?? '', signal);
        const { report } = step;
        if (changes && report) this.recorder.record(written, report.type, report.reason, report.message);
        return written;
      }
      case 'unbind':
        return this.writePhase(await this.writeVolume(unboundVolume(volume), signal), 'Available', '', signal);
      case 'delete': {
        const { name, uid, resourceVersion } = metaOf(volume);
        const preconditions = { uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
        await this.deps.client.delete(persistentVolumes, name, { preconditions, signal }).catch(undefinedIfMissing);
        this.volumeGuard.deleted(name, name, uid);
        return volume;
      }
      case 'report': {
        const about = step.on === 'claim' ? claim : volume;
        const { type, reason, message } = step.report;
        if (about) this.recorder.record(about, type, reason, message);
        return volume;
      }
    }
  }

  private async writeVolume(volume: PersistentVolume, signal: AbortSignal): Promise<PersistentVolume> {
    const written = await this.deps.client.update(persistentVolumes, volume, { signal });
    this.volumeGuard.wrote(metaOf(written).name, written);
    return written;
  }

  private async writePhase(
    volume: PersistentVolume,
    phase: string,
    message: string,
    signal: AbortSignal,
  ): Promise<PersistentVolume> {
    if (volume.status?.phase === phase) return volume;
    const { message: _before, ...status } = volume.status ?? {};
    const changed = { ...volume, status: { ...status, phase, ...(message === '' ? {} : { message }) } };
    const written = await this.deps.client.update(persistentVolumes, changed, { subresource: 'status', signal });
    this.volumeGuard.wrote(metaOf(written).name, written);
    return written;
  }

  private async writeClaim(
    key: string,
    claim: PersistentVolumeClaim,
    signal: AbortSignal,
  ): Promise<PersistentVolumeClaim> {
    const written = await this.deps.client.update(persistentVolumeClaims, claim, { signal });
    this.claimGuard.wrote(key, written);
    return written;
  }

  private async writeClaimStatus(
    key: string,
    before: PersistentVolumeClaim,
    claim: PersistentVolumeClaim,
    signal: AbortSignal,
  ): Promise<void> {
    if (claim === before) return;
    const written = await this.deps.client.update(persistentVolumeClaims, claim, { subresource: 'status', signal });
    this.claimGuard.wrote(key, written);
  }
}

function undefinedIfMissing(err: unknown): undefined {
  if (!isNotFound(err)) throw err;
  return undefined;
}
