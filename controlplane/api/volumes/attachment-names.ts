// Names of CSI volumes and of their attachments, as upstream writes them: the attacher of a driver, the controller and the kubelet find the
// same objects by them. Pure.
import { createHash } from 'node:crypto';

/** The name of a CSI volume in Node.status.volumesAttached and volumesInUse. */
export const attachedVolumeName = (driver: string, handle: string): string => `kubernetes.io/csi/${driver}^${handle}`;

/** The inverse; undefined for the name of another source. A driver's name has no `^`. */
export function parseAttachedVolumeName(
  name: string,
): { readonly driver: string; readonly handle: string } | undefined {
  const found = /^kubernetes\.io\/csi\/([^/^]+)\^(.*)$/s.exec(name);
  return found ? { driver: found[1]!, handle: found[2]! } : undefined;
}

/** The name of the VolumeAttachment of a volume on a node. */
export const attachmentName = (driver: string, handle: string, node: string): string =>
  `csi-${createHash('sha256').update(`${handle}${driver}${node}`).digest('hex')}`;
