// PersistentVolumes of type nfs, and their like in a pod's own volumes. fsGroup does not apply: the server decides, as upstream.
import { mkdir, rmdir } from 'node:fs/promises';
import { runMount } from '../../../../dataplane/mount/mount-program';
import type { SetUp } from '../plugins/plugin';
import { mountOptionsOf } from './mount-options';
import { type NfsSource, nfsMount } from './nfs-mount';
import { definePersistentPlugin } from './plugin';

export const nfs = definePersistentPlugin({
  field: 'nfs',
  dir: 'nfs',
  mountsAtName: true,
  measured: 'file-system',
  mountOptions: true,
  setUp: ({ source, volume, readOnly }, task) =>
    mountExport(source, mountOptionsOf(volume, readOnly ? ['ro'] : []), task),
});

/** Mounts the export at `task.path`, unless something is mounted there already. @throws what runMount throws */
export async function mountExport(
  source: NfsSource,
  options: readonly string[],
  { path, deps, signal }: Pick<SetUp, 'path' | 'deps' | 'signal'>,
): Promise<void> {
  if (await deps.mounts.at(path)) return;
  await mkdir(path, { recursive: true, mode: 0o750 });
  try {
    await runMount(deps.exec, nfsMount(source, path, options), signal);
  } catch (err) {
    if (!(await deps.mounts.at(path))) await rmdir(path).catch(() => {});
    throw err;
  }
}
