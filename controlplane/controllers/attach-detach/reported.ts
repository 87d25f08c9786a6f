// Which volume a VolumeAttachment stands for, and what a Node shows as attached. Pure.
import type { Node } from '../../api/node';
import type { PersistentVolume } from '../../api/persistent-volume';
import type { VolumeAttachment } from '../../api/volume-attachment';
import { attachmentName, parseAttachedVolumeName } from '../../api/volumes/attachment-names';
import { type Attachment, attachmentOf } from './plan';

/**
 * Undefined for an attachment that this controller would not name so: it belongs to another program. Of a volume that is gone, only the
 * node's status still has the name.
 */
export function identify(
  { metadata, spec }: VolumeAttachment,
  volume: PersistentVolume | undefined,
  node: Node | undefined,
): Attachment | undefined {
  const { nodeName = '', attacher = '', source } = spec ?? {};
  const own = volume && attachmentOf(volume, nodeName);
  if (own) return own.name === metadata?.name ? own : undefined;
  const { volumesAttached = [], volumesInUse = [] } = node?.status ?? {};
  for (const volumeName of [...volumesAttached.map(({ name }) => name), ...volumesInUse]) {
    const parsed = parseAttachedVolumeName(volumeName);
    if (!parsed || attachmentName(parsed.driver, parsed.handle, nodeName) !== metadata?.name) continue;
    const pvName = source?.persistentVolumeName ?? '';
    return { name: metadata.name, ...parsed, volumeName, pvName, node: nodeName, isShared: false };
  }
  const isOurs = /^csi-[0-9a-f]{64}$/.test(metadata?.name ?? '') && source?.persistentVolumeName !== undefined;
  // Neither mounted nor known: it can be detached, whatever its handle was.
  return isOurs && !volume
    ? {
        name: metadata?.name ?? '',
        driver: attacher,
        handle: '',
        volumeName: '',
        pvName: source?.persistentVolumeName ?? '',
        node: nodeName,
        isShared: false,
      }
    : undefined;
}

/** The new Node.status.volumesAttached, sorted; undefined when it is so already. */
export function planReported(node: Node, attached: readonly Attachment[]) {
  const names = [...new Set(attached.map(({ volumeName }) => volumeName))].filter((name) => name !== '').sort();
  const before = (node.status?.volumesAttached ?? []).map(({ name }) => name).sort();
  // Volumes of other sources than CSI are attached by other programs.
  const foreign = before.filter((name) => !parseAttachedVolumeName(name));
  const desired = [...foreign, ...names].sort();
  if (JSON.stringify(desired) === JSON.stringify(before)) return undefined;
  return desired.map((name) => ({ name, devicePath: '' }));
}
