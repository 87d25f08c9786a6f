// What one VolumeAttachment needs next: to be created, reported to the node, or deleted. Pure.
import { isReady } from '../../api/conditions';
import type { CSIDriver } from '../../api/csi-driver';
import type { Node } from '../../api/node';
import { outOfServiceTaint } from '../../api/node-taints';
import type { PersistentVolume } from '../../api/persistent-volume';
import type { PersistentVolumeClaim } from '../../api/persistent-volume-claim';
import type { Pod } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import type { VolumeAttachment } from '../../api/volume-attachment';
import { attachedVolumeName, attachmentName } from '../../api/volumes/attachment-names';
import { isDeleting } from '../shared/owner';

/** Nodes whose kubelet leaves attaching to this controller. Kubelets write it when they register. */
export const managedAnnotation = 'volumes.kubernetes.io/controller-managed-attach-detach';
/** After this time a node that is not ready counts as one that uses its volumes no more. As upstream. */
export const maxUnmountMs = 6 * 60_000;
/** How long an attacher may take before pods get an Event about it. As upstream. */
export const attachTimeoutMs = 2 * 60_000;

/** A CSI volume that pods of one node need there. */
export interface Attachment {
  /** Of the VolumeAttachment. */
  readonly name: string;
  readonly driver: string;
  readonly handle: string;
  /** As Node.status names the volume. */
  readonly volumeName: string;
  readonly pvName: string;
  readonly node: string;
  /** The access modes allow, or may allow, several nodes at the same time. */
  readonly isShared: boolean;
}

export interface Lookup {
  readonly claim: (key: string) => PersistentVolumeClaim | undefined;
  readonly volume: (name: string) => PersistentVolume | undefined;
  readonly driver: (name: string) => CSIDriver | undefined;
  readonly node: (name: string) => Node | undefined;
}

/** Keys of the claims in a pod's volumes. */
export function claimKeysOf({ metadata, spec }: Pod): readonly string[] {
  return (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim) return [`${metadata?.namespace}/${persistentVolumeClaim.claimName}`];
    return ephemeral ? [`${metadata?.namespace}/${metadata?.name}-${name}`] : [];
  });
}

/** The attachments that a pod needs now. */
export function attachmentsOf(pod: Pod, lookup: Lookup): readonly Attachment[] {
  const node = pod.spec?.nodeName;
  if (!node || hasEnded(pod)) return [];
  if (lookup.node(node)?.metadata?.annotations?.[managedAnnotation] !== 'true') return [];
  const found = new Map<string, Attachment>();
  for (const key of claimKeysOf(pod)) {
    const claim = lookup.claim(key);
    const volume = claim?.spec?.volumeName ? lookup.volume(claim.spec.volumeName) : undefined;
    // Both sides must say so: a user who may write claims names any volume in one.
    if (!claim || !volume || volume.spec?.claimRef?.uid !== claim.metadata?.uid) continue;
    const attachment = attachmentOf(volume, node);
    if (attachment && lookup.driver(attachment.driver)?.spec?.attachRequired !== false) {
      found.set(attachment.name, attachment);
    }
  }
  return [...found.values()];
}

/** Undefined for a volume of another source than CSI. */
export function attachmentOf({ metadata, spec }: PersistentVolume, node: string): Attachment | undefined {
  const { driver, volumeHandle: handle } = spec?.csi ?? {};
  if (!driver || !handle) return undefined;
  const modes = spec?.accessModes ?? [];
  return {
    name: attachmentName(driver, handle, node),
    driver,
    handle,
    volumeName: attachedVolumeName(driver, handle),
    pvName: metadata?.name ?? '',
    node,
    isShared: modes.length === 0 || modes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany'),
  };
}

/** Its kubelet will unmount its volumes: as upstream's IsPodTerminated. */
export function hasEnded(pod: Pod): boolean {
  if (isTerminal(pod)) return true;
  if (!isDeleting(pod)) return false;
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  return [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].every(
    ({ state }) => state?.terminated || state?.waiting,
  );
}

export interface AttachmentInput {
  /** The pods that need the volume on the node; none: it is to be detached. */
  readonly pods: readonly Pod[];
  readonly attachment: Attachment;
  readonly existing: VolumeAttachment | undefined;
  /** Other nodes to which the volume is attached, or is about to be; with the pods that need it there. */
  readonly elsewhere: readonly { readonly isEnding: boolean; readonly pods: readonly Pod[] }[];
  readonly node: Node | undefined;
  /** Since when no pod needs it, or since when the attacher has work, in ms since the epoch. */
  readonly sinceMs: number;
  readonly now: number;
}

export type AttachmentStep =
  /** Nothing to do before another event, or before this time. */
  | { readonly action: 'wait'; readonly untilMs?: number }
  | { readonly action: 'attach' }
  /** `why` by pod. */
  | { readonly action: 'refuse'; readonly why: readonly (readonly [Pod, string])[] }
  | { readonly action: 'report-attached' }
  | { readonly action: 'report-failed'; readonly message: string }
  /** Report to the node that it is no longer attached, then delete. `isSafe`: unless the node says meanwhile that it uses the volume. */
  | { readonly action: 'detach'; readonly isSafe: boolean };

export function planAttachment(input: AttachmentInput): AttachmentStep {
  return input.pods.length > 0 ? planAttach(input) : planDetach(input);
}

function planAttach({ pods, attachment, existing, elsewhere, sinceMs, now }: AttachmentInput): AttachmentStep {
  if (existing) {
    const { attached, attachError } = existing.status ?? {};
    if (isDeleting(existing)) return { action: 'report-failed', message: 'volume attachment is being deleted' };
    if (attached) return { action: 'report-attached' };
    if (attachError?.message) return { action: 'report-failed', message: attachError.message };
    const untilMs = sinceMs + attachTimeoutMs;
    if (now < untilMs) return { action: 'wait', untilMs };
    const { driver, handle } = attachment;
    const message = `timed out waiting for external-attacher of ${driver} CSI driver to attach volume ${handle}`;
    return { action: 'report-failed', message };
  }
  if (attachment.isShared || elsewhere.length === 0) return { action: 'attach' };
  // One that is being detached needs only time.
  if (elsewhere.some(({ isEnding }) => isEnding)) return { action: 'wait' };
  const others = elsewhere.flatMap(({ pods }) => pods);
  return { action: 'refuse', why: pods.map((pod) => [pod, multiAttachMessage(pod, others)] as const) };
}

function multiAttachMessage(pod: Pod, others: readonly Pod[]): string {
  if (others.length === 0) {
    return "Volume is already exclusively attached to one node and can't be attached to another";
  }
  const isNear = ({ metadata }: Pod) => metadata?.namespace === pod.metadata?.namespace;
  const names = others.filter(isNear).map(({ metadata }) => metadata?.name);
  const far = others.length - names.length;
  if (names.length === 0) return `Volume is already used by ${far} pod(s) in different namespaces`;
  const shown = `Volume is already used by pod(s) ${names.join(', ')}`;
  return far === 0 ? shown : `${shown} and ${far} pod(s) in different namespaces`;
}

function planDetach({ attachment, existing, node, sinceMs, now }: AttachmentInput): AttachmentStep {
  if (!existing || isDeleting(existing)) return { action: 'wait' };
  const isLate = now - sinceMs > maxUnmountMs;
  const isOutOfService = node?.spec?.taints?.some(({ key }) => key === outOfServiceTaint) ?? false;
  const isForced = isOutOfService || (isLate && !isReady(node ?? {}));
  if (isInUse(node, attachment.volumeName) && !isForced) {
    return isLate ? { action: 'wait' } : { action: 'wait', untilMs: sinceMs + maxUnmountMs + 1 };
  }
  return { action: 'detach', isSafe: !isForced };
}

/** Whether the node says that the volume is, or is about to be, mounted there. */
export const isInUse = (node: Node | undefined, volumeName: string): boolean =>
  node?.status?.volumesInUse?.includes(volumeName) ?? false;

/** The text of an Event about a volume. */
export const about = (what: string, pvName: string, suffix: string): string =>
  `${what} for volume ${JSON.stringify(pvName)} ${suffix}`;
