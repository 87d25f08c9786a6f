// When the files of a PersistentVolume are given to a pod's fsGroup: before the first pod of this node mounts it. Long work is reported.
import type { FileHandle } from 'node:fs/promises';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { PersistentVolume } from '../../../../controlplane/api';
import { applyFsGroup, type ChangePolicy } from '../fs-group';
import type { SetUp } from '../plugins/plugin';

/** As upstream: the first Event after this time, then one in each period. */
const firstReportMs = 30_000;
const periodMs = 60_000;

/** `held`: an O_PATH handle of the volume's folder. @throws what applyFsGroup throws */
export async function giveToGroup(held: FileHandle, volume: PersistentVolume, task: SetUp): Promise<void> {
  const { pod, deps, signal } = task;
  const { fsGroup: gid, fsGroupChangePolicy } = pod.spec?.securityContext ?? {};
  if (gid === undefined) return;
  const name = volume.metadata?.name ?? '';
  if (await isMountedByPods(name, task)) {
    const { gid: group } = await held.stat();
    const asked = `The requested fsGroup is ${gid}, but the volume ${name} has GID ${group}`;
    if (group !== gid) deps.warn(pod, 'AlreadyMountedVolume', `${asked}. The volume may not be shareable.`);
    return;
  }
  const report = reportProgress(task);
  try {
    const options = { gid, policy: (fsGroupChangePolicy ?? 'Always') as ChangePolicy, signal };
    await applyFsGroup(held, { ...options, onFile: report.onFile });
  } finally {
    report.stop();
  }
}

async function isMountedByPods(name: string, { deps }: SetUp): Promise<boolean> {
  const pods = `${join(await realpath(deps.rootDir), 'pods')}/`;
  const end = `/volumes/kubernetes.io~local-volume/${name}`;
  return (await deps.mounts.table()).some(({ point }) => point.startsWith(pods) && point.endsWith(end));
}

function reportProgress({ pod, path, deps }: SetUp) {
  const uid = pod.metadata?.uid ?? '';
  const shown = path.slice(Math.max(0, path.indexOf(uid)));
  let files = 0;
  let stop = () => {};
  const say = (message: string) => {
    deps.warn(pod, 'VolumePermissionChangeInProgress', message);
    stop = deps.clock.after(periodMs, () => say(`Setting volume ownership for ${shown}, processed ${files} files.`));
  };
  const advice =
    'is taking longer than expected, consider using OnRootMismatch - https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#configure-volume-permission-and-ownership-change-policy-for-pods';
  stop = deps.clock.after(firstReportMs, () => say(`Setting volume ownership for ${shown} ${advice}`));
  return {
    onFile: (count: number) => {
      files = count;
    },
    stop: () => stop(),
  };
}
