// Volumes that the cluster itself has provisioned: a folder for each in the kubelet's own folder. Pure.
import { dirname, join } from 'node:path';
import type { PersistentVolume } from '../../../../controlplane/api';

/** The provisioner of the default StorageClass, and the finalizer that keeps a PersistentVolume until its folder is gone. */
export const directoryProvisioner = 'k8ts.io/directory';
const provisionedBy = 'pv.kubernetes.io/provisioned-by';

/** The folder that the Node's annotation k8ts.io/volumes-directory names. */
export const volumesDirectory = (rootDir: string): string => join(rootDir, 'persistent-volumes');

/**
 * The folder of a provisioned volume; undefined for any other volume. It lies directly in this kubelet's folder: a path that an object of
 * the API gives must not lead elsewhere, because the kubelet creates and deletes it.
 */
export function provisionedPath({ metadata, spec }: PersistentVolume, rootDir: string): string | undefined {
  const path = spec?.local?.path;
  if (path === undefined || metadata?.annotations?.[provisionedBy] !== directoryProvisioner) return undefined;
  const folder = volumesDirectory(rootDir);
  const isPlain = path === join(folder, metadata.name ?? '') && dirname(path) === folder;
  return isPlain ? path : undefined;
}
