// The end of a pod's persistent volumes. It works from the folders on the disk, because the kubelet may have been started again since, and
// the objects of the API may be gone.
import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { VolumeDeps } from '../plugins/plugin';
import { persistentPlugins } from './list';

interface PodFolder {
  readonly podUid: string;
  readonly podDir: string;
  readonly deps: VolumeDeps;
}

/** The folders of a pod that hold its volumes. */
export const volumeKinds = ['volumes', 'volumeDevices'] as const;

/** Calls release() of the plug-in for each persistent volume in the pod's folder. Repeatable. */
export async function releaseVolumes({ podUid, podDir, deps }: PodFolder): Promise<void> {
  for (const plugin of persistentPlugins) {
    for (const kind of volumeKinds) {
      const folder = join(podDir, kind, `kubernetes.io~${plugin.dir}`);
      for (const name of await namesIn(folder)) {
        await plugin.release({ podUid, name, path: join(folder, name), deps });
      }
    }
  }
}

/**
 * Deletes the folders at which persistent volumes were mounted, and only empty ones: if a mount is left, or content for any other
 * reason, this fails before the pod's folder is deleted with all that is in it. @throws ENOTEMPTY, EBUSY
 */
export async function removeMountPoints(podDir: string): Promise<void> {
  for (const { dir, mountsAtName } of persistentPlugins) {
    if (!mountsAtName) continue;
    const folder = join(podDir, 'volumes', `kubernetes.io~${dir}`);
    for (const name of await namesIn(folder)) await rmdir(join(folder, name));
  }
}

/** After a pod's folder is gone. Repeatable. */
export async function sweepVolumes(deps: VolumeDeps): Promise<void> {
  for (const plugin of persistentPlugins) await plugin.sweep(deps);
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((err: NodeJS.ErrnoException) => {
    if (err.code === 'ENOENT') return [];
    throw err;
  });
}
