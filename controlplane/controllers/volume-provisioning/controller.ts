// Makes a PersistentVolume for each claim of the provisioner k8ts.io/directory: a directory on one node. The node's kubelet makes the
// directory when a pod first mounts the volume, and removes it and the finalizer k8ts.io/directory when the volume is deleted. When the
// Node object is gone, this controller removes that finalizer. The controller persistentvolume-binder asks for the volume, binds it and
// deletes it.
import {
  type Node,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type StorageClass,
  storageClasses,
} from '../../api/index';
import { objectKey } from '../../api/types';
import {
  directoryProvisioner,
  nodeLabel,
  provisionedBy,
  selectedNode,
  volumesDirectory,
} from '../../api/volumes/binding';
import { classOf } from '../../api/volumes/class-name';
import { isAlreadyExists, isNotFound } from '../../base/errors';
import type { EventRecorder } from '../../client/event-recorder';
import type { Change, TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { KeyGroups } from '../shared/key-groups';
import { metaOf } from '../shared/owner';
import { writeProtection } from '../shared/protection';
import { Reports } from '../shared/reports';
import { controllerQueue, runWorkers } from '../shared/worker';
import { WriteGuard } from '../shared/write-guard';
import { type ProvisioningStep, planProvisioning, volumeNameFor, waitsForNode, wantsDirectory } from './plan';

export class VolumeProvisioningController implements Controller {
  private readonly claims: TrackedInformer<PersistentVolumeClaim>;
  private readonly volumes: TrackedInformer<PersistentVolume>;
  private readonly classes: TrackedInformer<StorageClass>;
  private readonly nodes: TrackedInformer<Node>;
  /** Claims that want a volume, by their class. */
  private readonly waiting = new KeyGroups();
  /** Volumes of the provisioner, by their node. */
  private readonly onNode = new KeyGroups();
  private readonly claimQueue: WorkQueue;
  private readonly volumeQueue: WorkQueue;
  private readonly guard: WriteGuard<PersistentVolumeClaim>;
  private readonly recorder: EventRecorder;
  private readonly reports: Reports;

  constructor(private readonly deps: Deps) {
    const { informers } = deps;
    this.claims = informers.of(persistentVolumeClaims);
    this.volumes = informers.of(persistentVolumes);
    this.classes = informers.of(storageClasses);
    this.nodes = informers.of(nodes);
    this.claimQueue = controllerQueue(deps);
    this.volumeQueue = controllerQueue({ ...deps, queueName: 'volume-provisioning-cleanup' });
    this.guard = new WriteGuard(this.claims);
    this.recorder = deps.recorder(directoryProvisioner);
    this.reports = new Reports(this.recorder, deps.clock);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.claims.onChange(({ type, key, object }) => {
      const wants = type !== 'deleted' && wantsDirectory(object);
      const before = this.waiting.set(key, wants ? ['all', `class ${classOf(object) ?? ''}`] : []);
      if (wants || before.length > 0) this.claimQueue.add(key);
    });
    this.classes.onChange(({ key }) => this.addWaiting(`class ${key}`));
    this.nodes.onChange((change) => this.followNode(change));
    this.volumes.onChange(({ type, key, object }) => {
      const isOurs = object.metadata?.annotations?.[provisionedBy] === directoryProvisioner;
      const node = object.metadata?.labels?.[nodeLabel];
      this.onNode.set(key, type !== 'deleted' && isOurs && node !== undefined ? [node] : []);
      if (type !== 'deleted' && waitsForNode(object)) this.volumeQueue.add(key);
    });
    const all = [this.claims, this.volumes, this.classes, this.nodes];
    await Promise.all(all.map((informer) => informer.synced(signal)));
    await Promise.all([
      runWorkers({ queue: this.claimQueue, reconcile: (key) => this.provision(key, signal) }, signal),
      runWorkers({ queue: this.volumeQueue, reconcile: (key) => this.cleanUp(key, signal) }, signal),
    ]);
  }

  private followNode({ type, key, object, ...change }: Change<Node>): void {
    const previous = 'previous' in change ? change.previous : undefined;
    if (type === 'updated' && previous && facts(previous) === facts(object)) return;
    this.addWaiting('all');
    if (type === 'deleted') for (const volume of this.onNode.in(key)) this.volumeQueue.add(volume);
  }

  private addWaiting(group: string): void {
    for (const key of this.waiting.in(group)) this.claimQueue.add(key);
  }

  private async provision(key: string, signal: AbortSignal): Promise<void> {
    const claim = this.claims.get(key);
    if (!claim || !wantsDirectory(claim)) {
      this.reports.forget(key);
      return this.guard.forget(key);
    }
    // The binder has not seen the volume yet.
    if (!this.guard.isCurrent(key) || this.volumes.get(volumeNameFor(claim))) return;
    const step = planProvisioning({
      claim,
      storageClass: this.classes.get(classOf(claim) ?? ''),
      nodes: this.nodes.list(),
      volumesOn: (node) => this.onNode.in(node).length,
    });
    await this.apply(key, claim, step, signal);
  }

  private async apply(
    key: string,
    claim: PersistentVolumeClaim,
    step: ProvisioningStep,
    signal: AbortSignal,
  ): Promise<void> {
    if (step.action === 'nothing') return;
    if (step.action === 'create') {
      const { name } = metaOf(step.volume);
      const isNew = await this.create(step.volume, signal);
      const message = `Successfully provisioned volume ${name} using ${directoryProvisioner}`;
      if (isNew) this.recorder.record(claim, 'Normal', 'ProvisioningSucceeded', message);
      return;
    }
    const report = { type: 'Warning', reason: 'ProvisioningFailed', message: step.message } as const;
    this.claimQueue.addAfter(key, this.reports.record(key, claim, report));
    if (!step.reschedule) return;
    // As upstream: without the annotation, the scheduler chooses a node again.
    const { [selectedNode]: _node, ...annotations } = claim.metadata?.annotations ?? {};
    const free = { ...claim, metadata: { ...claim.metadata, annotations } };
    this.guard.wrote(key, await this.deps.client.update(persistentVolumeClaims, free, { signal }));
  }

  /** False: it exists, since an earlier pass made it. Its name has the uid of the claim. */
  private async create(volume: PersistentVolume, signal: AbortSignal): Promise<boolean> {
    try {
      await this.deps.client.create(persistentVolumes, volume, { signal });
      return true;
    } catch (err) {
      if (isAlreadyExists(err)) return false;
      throw err;
    }
  }

  /** The directory of a deleted volume is gone with its node. The API is asked: a copy may lack a new Node. */
  private async cleanUp(key: string, signal: AbortSignal): Promise<void> {
    const volume = this.volumes.get(key);
    const waits = volume && waitsForNode(volume);
    if (!waits || this.nodes.get(waits.node)) return;
    const node = await this.deps.client.get(nodes, waits.node, signal).catch((err: unknown) => {
      if (!isNotFound(err)) throw err;
      return undefined;
    });
    if (node) return;
    const write = { client: this.deps.client, kind: persistentVolumes, finalizer: directoryProvisioner };
    await writeProtection(write, volume, 'release', signal);
    this.deps.log.info('a volume is gone with its node', { volume: objectKey(volume), node: waits.node });
  }
}

/** What decisions about volumes depend on. */
const facts = ({ metadata, spec, status }: Node): string =>
  JSON.stringify([
    metadata?.labels,
    metadata?.annotations?.[volumesDirectory],
    spec?.unschedulable,
    status?.conditions?.find(({ type }) => type === 'Ready')?.status,
  ]);
