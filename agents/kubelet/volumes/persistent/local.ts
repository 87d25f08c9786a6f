// PersistentVolumes of type local: a folder of the node is bound to the pod's folder; a block device is mounted once for the node, and
// bound from there; with volume mode Block containers get the device itself. Source: kubernetes.io "Volumes", local.
import { chmod, lstat, mkdir, realpath, rename, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { PersistentVolume } from '../../../../controlplane/api';
import { describeError } from '../../../../controlplane/base/errors';
import { openBeneath } from '../../../../dataplane/mount/beneath';
import { mountDevice } from '../../../../dataplane/mount/block-device';
import { StepError } from '../failures';
import type { SetUp, VolumeDeps } from '../plugins/plugin';
import { giveToGroup } from './give-to-group';
import { mountOptionsOf, pointOptionsOf } from './mount-options';
import { definePersistentPlugin, isBlock, type PersistentUse } from './plugin';
import { capacityBytes, isProvisioned, provisionedPath } from './provisioned';

type Use = PersistentUse<'local'>;

/** Where upstream's kubelet mounts the devices of local volumes. */
const deviceMounts = (rootDir: string): string => join(rootDir, 'plugins/kubernetes.io/local-volume/mounts');

export const local = definePersistentPlugin({
  field: 'local',
  dir: 'local-volume',
  mountsAtName: true,
  measured: 'file-system',
  mountOptions: true,
  pathOf: ({ source, volume }) => (isBlock(volume) ? source.path : undefined),
  setUp: async (use, task) => {
    const kind = await kindOf(use, task);
    if (isBlock(use.volume)) {
      if (kind === 'device') return;
      throw new StepError('MapVolume.MapBlockVolume failed', `path "${use.source.path}" is not a block device`);
    }
    const { turns } = task.deps;
    if (kind === 'folder') return turns.run(use.source.path, () => bindFolder(use.source.path, use, task));
    const target = join(deviceMounts(task.deps.rootDir), use.volume.metadata?.name ?? '');
    // One turn for both, so that no other pod's end unmounts the device in between.
    await turns.run(target, async () => {
      await ensureDevice(target, use, task);
      await bindFolder(target, use, task);
    });
  },
  sweep: unmountUnused,
});

async function kindOf({ source: { path }, volume }: Use, task: SetUp): Promise<'folder' | 'device'> {
  const step = isBlock(volume) ? 'MapVolume.NewBlockVolumeMapper' : 'MountVolume.NewMounter';
  const refuse = (message: string) => {
    throw new StepError(`${step} initialization failed`, message);
  };
  if (path.split('/').includes('..')) refuse(`invalid path: ${path} must not contain '..'`);
  await task.deps.ensureAnswers(path);
  if (isProvisioned(volume)) {
    const own = provisionedPath(volume, task.deps.rootDir);
    if (own === undefined) refuse(`path "${path}" is not in the folder of this kubelet's own volumes`);
    await ensureProvisioned(path, volume, task);
  }
  const info = await stat(path).catch((cause: NodeJS.ErrnoException) =>
    refuse(cause.code === 'ENOENT' ? `path "${path}" does not exist` : cause.message),
  );
  if (info?.isDirectory()) return 'folder';
  if (!info?.isBlockDevice()) refuse('only directory and block device are supported');
  return 'device';
}

/** A volume's own folder, which every user in a pod may write. It appears with its mode and limit, also when the kubelet is killed. */
async function ensureProvisioned(path: string, volume: PersistentVolume, { deps }: SetUp): Promise<void> {
  await deps.turns.run(path, async () => {
    if (await exists(path)) return;
    await mkdir(dirname(path), { recursive: true, mode: 0o750 });
    // No volume has such a name.
    const fresh = join(dirname(path), `.new-${basename(path)}`);
    await mkdir(fresh, { recursive: true });
    await chmod(fresh, 0o777);
    await deps.quotas.limitNew(fresh, capacityBytes(volume));
    await rename(fresh, path);
  });
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

async function bindFolder(folder: string, use: Use, task: SetUp): Promise<void> {
  const { volume, readOnly } = use;
  const { path, deps } = task;
  await mkdir(path, { recursive: true, mode: 0o750 });
  const options = pointOptionsOf(mountOptionsOf(volume, readOnly ? ['ro'] : []));
  const held = await openBeneath(folder, '');
  try {
    // Before the bind: a kubelet that is killed meanwhile finds nothing mounted, and does it again.
    if (!readOnly && !(await deps.mounts.at(path))) await giveToGroup(held, volume, task);
    await deps.mounts.ensureBind(held, path, options);
  } finally {
    await held.close();
  }
}

/** Mounts the device for all pods of this node. */
async function ensureDevice(target: string, { source, volume, readOnly }: Use, { deps, signal }: SetUp): Promise<void> {
  if (await deps.mounts.at(target)) return;
  await mkdir(target, { recursive: true, mode: 0o750 });
  const { fsType } = source;
  const options = mountOptionsOf(volume, readOnly ? ['ro'] : []);
  try {
    await mountDevice(deps.exec, { device: source.path, target, fsType, options }, signal);
  } catch (cause) {
    signal.throwIfAborted();
    const where = `failed to mount device ${source.path} at ${target} (fstype: ${fsType ?? 'ext4'})`;
    const message = `local: ${where}, error ${describeError(cause)}`;
    throw new StepError('MountVolume.MountDevice failed', message);
  }
}

/** Unmounts the devices that no pod's folder shows any more. */
async function unmountUnused(deps: VolumeDeps): Promise<void> {
  const root = await realpath(deps.rootDir);
  const folder = `${deviceMounts(root)}/`;
  const table = await deps.mounts.table();
  for (const { point, device } of table.filter((each) => each.point.startsWith(folder))) {
    await deps.turns.run(join(deviceMounts(deps.rootDir), basename(point)), async () => {
      const pods = (await deps.mounts.table()).filter((each) => each.point.startsWith(`${join(root, 'pods')}/`));
      if (pods.some((each) => each.device === device)) return;
      await deps.mounts.detach(point);
      await rmdir(point);
    });
  }
}
