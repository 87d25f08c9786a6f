// Volumes that the cluster itself has provisioned: a folder for each in the kubelet's own folder. Pure.
import { dirname, join } from 'node:path';
import type { PersistentVolume } from '../../../../controlplane/api';
import { unitValue } from '../../../../controlplane/api/quantity';
import { annotationOf, directoryProvisioner, provisionedBy } from '../../../../controlplane/api/volumes/binding';

export const capacityBytes = ({ spec }: PersistentVolume): number => unitValue(spec?.capacity?.['storage'] ?? '0');

/** The folder that the Node's annotation names: the provisioner puts the paths of its volumes there. */
export const volumesFolder = (rootDir: string): string => join(rootDir, 'persistent-volumes');

/**
 * The path of such a volume is made of what a Node says of itself. So the kubelet takes it only where it makes the folder itself: elsewhere
 * a node that lies could lead other nodes to a link that a container has made.
 */
export const isProvisioned = (volume: PersistentVolume): boolean =>
  annotationOf(volume, provisionedBy) === directoryProvisioner;

/**
 * The folder of a provisioned volume; undefined for any other volume. It lies directly in this kubelet's folder: a path that an object of
 * the API gives must not lead elsewhere, because the kubelet creates and deletes it.
 */
export function provisionedPath(volume: PersistentVolume, rootDir: string): string | undefined {
  const path = volume.spec?.local?.path;
  if (path === undefined || !isProvisioned(volume)) return undefined;
  const folder = volumesFolder(rootDir);
  const isPlain = path === join(folder, volume.metadata?.name ?? '') && dirname(path) === folder;
  return isPlain ? path : undefined;
}
