// Attaches CSI volumes to the nodes of the pods that use them, by VolumeAttachment objects which the attacher of the driver carries out, and
// detaches those that nothing uses. What is attached stands in Node.status.volumesAttached: the kubelet mounts nothing else. Promises:
//   1. A volume that one node alone may use is never attached to two.
//   2. A volume is detached when no pod needs it and the node no longer mounts it; or when the node is out of service, or was not ready for
//      six minutes.
//   3. The node no longer sees a volume as attached before its detachment begins.
//   4. All is derived from objects: after a restart the work goes on. Only the six minutes begin again.

import { isReady } from '../../api/conditions';
import { type CSIDriver, csiDrivers } from '../../api/csi-driver';
import { type Node, nodes } from '../../api/node';
import { type PersistentVolume, persistentVolumes } from '../../api/persistent-volume';
import { type PersistentVolumeClaim, persistentVolumeClaims } from '../../api/persistent-volume-claim';
import { type Pod, pods } from '../../api/pod';
import { type VolumeAttachment, volumeAttachments } from '../../api/volume-attachment';
import { isNotFound } from '../../base/errors';
import type { EventRecorder } from '../../client/event-recorder';
import type { Change, TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { isDeleting, metaOf } from '../shared/owner';
import { controllerQueue, runWorkers } from '../shared/worker';
import { AttachmentNeeds } from './needs';
import { type Attachment, type AttachmentStep, about, isInUse, managedAnnotation, planAttachment } from './plan';
import { identify, planReported } from './reported';

export class AttachDetachController implements Controller {
  private readonly attachments: TrackedInformer<VolumeAttachment>;
  private readonly pods: TrackedInformer<Pod>;
  private readonly claims: TrackedInformer<PersistentVolumeClaim>;
  private readonly volumes: TrackedInformer<PersistentVolume>;
  private readonly drivers: TrackedInformer<CSIDriver>;
  private readonly nodes: TrackedInformer<Node>;
  private readonly queue: WorkQueue;
  private readonly events: EventRecorder;
  private readonly needs: AttachmentNeeds;
  /** Created by this process, until the copy shows them: two pods of one moment must not both attach a volume. */
  private readonly created = new Map<string, VolumeAttachment>();
  /** Name → uid of attachments whose deletion was requested, until the copy shows it. */
  private readonly deleted = new Map<string, string>();
  /** Names of attachments that nodes must not see any more. */
  private readonly withdrawn = new Set<string>();
  private readonly since = new Map<string, { readonly needed: boolean; readonly atMs: number }>();
  /** Name → the last Event about it. */
  private readonly told = new Map<string, string>();

  constructor(private readonly deps: Deps) {
    const { informers } = deps;
    this.attachments = informers.of(volumeAttachments);
    this.pods = informers.of(pods);
    this.claims = informers.of(persistentVolumeClaims);
    this.volumes = informers.of(persistentVolumes);
    this.drivers = informers.of(csiDrivers);
    this.nodes = informers.of(nodes);
    this.queue = controllerQueue(deps);
    this.events = deps.recorder('attachdetach-controller');
    this.needs = new AttachmentNeeds({
      claim: (key) => this.claims.get(key),
      volume: (name) => this.volumes.get(name),
      driver: (name) => this.drivers.get(name),
      node: (name) => this.nodes.get(name),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { attachments, pods, claims, volumes, drivers, nodes } = this;
    const all = [attachments, pods, claims, volumes, drivers, nodes];
    // Before the first full look a volume of a pod that is not listed yet would seem to be unused.
    await Promise.all(all.map((informer) => informer.synced(signal)));
    pods.onChange(({ type, key, object }) => this.follow(key, type === 'deleted' ? undefined : object));
    claims.onChange(({ key }) => this.again(this.needs.podsWithClaim(key)));
    volumes.onChange(({ object }) => {
      const { namespace, name } = object.spec?.claimRef ?? {};
      if (object.spec?.csi && name) this.again(this.needs.podsWithClaim(`${namespace}/${name}`));
    });
    drivers.onChange((change) => {
      if (change.type !== 'updated') this.again(this.needs.allPods());
    });
    nodes.onChange((change) => this.onNode(change));
    attachments.onChange((change) => this.onAttachment(change));
    // One worker: whether a volume may be attached depends on its attachments to other nodes.
    await runWorkers({ queue: this.queue, reconcile: (name) => this.reconcile(name, signal) }, signal);
  }

  async reconcile(name: string, signal: AbortSignal): Promise<void> {
    const existing = this.existing(name);
    const attachment = this.needs.get(name) ?? this.identify(existing);
    if (!attachment || attachment.name !== name) return this.settled(name);
    const now = this.deps.clock.now();
    const pods = this.podsOf(name);
    // Only a new attachment of such a volume depends on others: the search looks at all of them.
    const isExclusive = pods.length > 0 && !existing && !attachment.isShared;
    const elsewhere = isExclusive ? this.elsewhere(attachment) : [];
    const input = { pods, attachment, existing, elsewhere, now };
    const sinceMs = this.sinceMs(name, pods.length > 0, now);
    const step = planAttachment({ ...input, sinceMs, node: this.nodes.get(attachment.node) });
    await this.apply(step, attachment, pods, signal);
    if (!existing && pods.length === 0) this.settled(name);
  }

  private async apply(step: AttachmentStep, attachment: Attachment, pods: readonly Pod[], signal: AbortSignal) {
    const { name } = attachment;
    switch (step.action) {
      case 'wait':
        if (step.untilMs !== undefined) this.queue.addAfter(name, step.untilMs - this.deps.clock.now());
        return;
      case 'attach':
        return this.attach(attachment, signal);
      case 'refuse':
        for (const [pod, why] of step.why) {
          this.tell(`${name} ${metaOf(pod).uid}`, why, [pod], about('Multi-Attach error', attachment.pvName, why));
        }
        return;
      case 'report-failed':
        return this.reportFailed(step.message, attachment, pods);
      case 'report-attached':
        return this.reportAttached(attachment, pods, signal);
      case 'detach':
        return this.detach(attachment, step.isSafe, signal);
    }
  }

  private async attach({ name, driver, pvName, node }: Attachment, signal: AbortSignal): Promise<void> {
    const answer = await this.deps.client.create(
      volumeAttachments,
      {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'VolumeAttachment',
        metadata: { name },
        spec: { attacher: driver, nodeName: node, source: { persistentVolumeName: pvName } },
      } as VolumeAttachment,
      { signal },
    );
    this.created.set(name, answer);
    this.deleted.delete(name);
    this.withdrawn.delete(name);
    this.since.delete(name);
    // The next pass waits for the attacher, for a while.
    this.queue.add(name);
  }

  private reportFailed(message: string, attachment: Attachment, pods: readonly Pod[]): void {
    const { name, pvName } = attachment;
    const existing = this.existing(name);
    const { attachError } = existing?.status ?? {};
    const since = this.since.get(name);
    const which = JSON.stringify([message, metaOf(existing ?? {}).uid, attachError?.time ?? since?.atMs]);
    this.tell(name, which, pods, about('AttachVolume.Attach failed', pvName, `: ${message}`));
    if (attachError || isDeleting(existing ?? {})) return;
    this.since.delete(name);
    this.queue.add(name);
  }

  private async reportAttached(attachment: Attachment, pods: readonly Pod[], signal: AbortSignal): Promise<void> {
    const { name, node, pvName } = attachment;
    this.withdrawn.delete(name);
    this.since.delete(name);
    const isNews = await this.writeReported(node, signal);
    if (!isNews) return;
    const message = about('AttachVolume.Attach succeeded', pvName, '');
    for (const pod of pods) this.events.record(pod, 'Normal', 'SuccessfulAttachVolume', message);
    this.told.delete(name);
  }

  private async detach(attachment: Attachment, isSafe: boolean, signal: AbortSignal): Promise<void> {
    const { name, node, volumeName } = attachment;
    this.withdrawn.add(name);
    await this.writeReported(node, signal);
    if (isSafe && (await this.isInUseNow(node, volumeName, signal))) {
      // A pod came back: its kubelet wrote first. The change of the Node brings this key again.
      this.withdrawn.delete(name);
      await this.writeReported(node, signal);
      return;
    }
    const uid = this.existing(name)?.metadata?.uid ?? '';
    await this.deps.client
      .delete(volumeAttachments, name, { preconditions: { uid }, signal })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    this.deleted.set(name, uid);
    this.since.delete(name);
  }

  /** The copy may be older than the kubelet's last word. */
  private async isInUseNow(node: string, volumeName: string, signal: AbortSignal): Promise<boolean> {
    try {
      return isInUse(await this.deps.client.get(nodes, node, signal), volumeName);
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /** Writes Node.status.volumesAttached if it differs. Resolves to whether it did. */
  private async writeReported(name: string, signal: AbortSignal): Promise<boolean> {
    const node = this.nodes.get(name);
    if (!node) return false;
    const onNode = this.allExisting().filter(({ spec }) => spec?.nodeName === name);
    const attached = onNode.flatMap((attachment) => {
      const shown =
        attachment.status?.attached && !isDeleting(attachment) && !this.withdrawn.has(metaOf(attachment).name);
      return shown ? (this.identify(attachment) ?? []) : [];
    });
    const volumesAttached = planReported(node, attached);
    if (!volumesAttached) return false;
    // The whole list is written: without the resourceVersion, an old copy could bring back a volume that was detached.
    const { uid, resourceVersion } = metaOf(node);
    await this.deps.client.patch(
      nodes,
      name,
      'merge',
      { metadata: { uid, resourceVersion }, status: { volumesAttached } },
      { subresource: 'status', signal },
    );
    return true;
  }

  private follow(key: string, pod: Pod | undefined): void {
    for (const name of this.needs.update(key, pod)) this.queue.add(name);
  }

  private again(podKeys: readonly string[]): void {
    for (const key of podKeys) this.follow(key, this.pods.get(key));
  }

  private onNode(change: Change<Node>): void {
    const { key, object, type } = change;
    const previous = type === 'updated' ? change.previous : undefined;
    const managed = (node: Node | undefined) => node?.metadata?.annotations?.[managedAnnotation];
    if (!previous || managed(previous) !== managed(object)) this.again(this.needs.podsOn(key));
    if (previous && factsOf(previous) === factsOf(object)) return;
    for (const attachment of this.allExisting()) {
      if (attachment.spec?.nodeName === key) this.queue.add(metaOf(attachment).name);
    }
  }

  private onAttachment({ type, key, object }: Change<VolumeAttachment>): void {
    // What this process wrote before this event is now in the copy.
    if (this.created.get(key)?.metadata?.uid === object.metadata?.uid) this.created.delete(key);
    if (type === 'deleted') {
      this.deleted.delete(key);
      this.withdrawn.delete(key);
    }
    this.queue.add(key);
    const known = this.needs.get(key) ?? this.identify(object);
    // Nodes that wait for the volume.
    if (known) for (const name of this.needs.ofVolume(known.volumeName)) this.queue.add(name);
  }

  private existing(name: string): VolumeAttachment | undefined {
    const found = this.attachments.get(name) ?? this.created.get(name);
    return found && this.asDeleted(found);
  }

  private allExisting(): readonly VolumeAttachment[] {
    return [...this.attachments.list(), ...this.created.values()].map((attachment) => this.asDeleted(attachment));
  }

  /** Shows a deletion that the copy lacks. */
  private asDeleted(attachment: VolumeAttachment): VolumeAttachment {
    const { name, uid, deletionTimestamp } = metaOf(attachment);
    if (deletionTimestamp !== undefined || this.deleted.get(name) !== uid) return attachment;
    return { ...attachment, metadata: { ...attachment.metadata, deletionTimestamp: '1970-01-01T00:00:00Z' } };
  }

  private identify(attachment: VolumeAttachment | undefined): Attachment | undefined {
    const { nodeName = '', source } = attachment?.spec ?? {};
    if (!attachment) return undefined;
    return identify(attachment, this.volumes.get(source?.persistentVolumeName ?? ''), this.nodes.get(nodeName));
  }

  private elsewhere({ name, driver, handle }: Attachment) {
    return this.allExisting().flatMap((other) => {
      const { attacher, source } = other.spec ?? {};
      // Cheap comparisons first: the name of an attachment is a hash.
      if (attacher !== driver || metaOf(other).name === name) return [];
      if (this.volumes.get(source?.persistentVolumeName ?? '')?.spec?.csi?.volumeHandle !== handle) return [];
      if (!this.identify(other)) return [];
      return [{ isEnding: isDeleting(other), pods: this.podsOf(metaOf(other).name) }];
    });
  }

  private podsOf(name: string): readonly Pod[] {
    return this.needs.podsOf(name).flatMap((key) => this.pods.get(key) ?? []);
  }

  private sinceMs(name: string, needed: boolean, now: number): number {
    const known = this.since.get(name);
    if (known?.needed === needed) return known.atMs;
    this.since.set(name, { needed, atMs: now });
    return now;
  }

  /** One Event for each new fact. */
  private tell(key: string, which: string, pods: readonly Pod[], message: string): void {
    if (this.told.get(key) === which) return;
    this.told.set(key, which);
    for (const pod of pods) this.events.record(pod, 'Warning', 'FailedAttachVolume', message);
  }

  /** Neither an object nor a pod is left: nothing of the attachment is remembered. */
  private settled(name: string): void {
    this.since.delete(name);
    this.withdrawn.delete(name);
    for (const key of this.told.keys()) if (key === name || key.startsWith(`${name} `)) this.told.delete(key);
  }
}

/** What of a node decides about detachment. */
const factsOf = (node: Node): string =>
  JSON.stringify([node.status?.volumesInUse, isReady(node), node.spec?.taints?.map(({ key }) => key)]);
