// The bind mounts of one container: its volumeMounts and the files every container of a pod has.
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, realpath, writeFile } from 'node:fs/promises';
import { join, normalize, posix } from 'node:path';
import type { Pod } from '../../../controlplane/api';
import type { Mount } from '../runtime/runtime';
import type { PodDeps } from './deps';
import { ConfigError, type Container } from './env';
import { expand } from './expand';
import { hostsPath, resolvConfPath } from './sandbox';

const propagations: Readonly<Record<string, Mount['propagation']>> = {
  HostToContainer: 'rslave',
  Bidirectional: 'rshared',
};

export interface ContainerMounts {
  readonly mounts: readonly Mount[];
  /** Host path of the termination message file. */
  readonly terminationLog: string;
}

/** Creates missing subPath folders and the termination message file. @throws ConfigError */
export async function prepareMounts(
  deps: PodDeps,
  pod: Pod,
  container: Container,
  env: ReadonlyMap<string, string>,
): Promise<ContainerMounts> {
  const uid = pod.metadata?.uid ?? '';
  const mounts = await Promise.all((container.volumeMounts ?? []).map((wanted) => volumeMount(deps, pod, wanted, env)));
  const taken = new Set(mounts.map((mount) => mount.containerPath));
  const add = (hostPath: string, containerPath: string) => {
    if (!taken.has(containerPath)) mounts.push({ hostPath, containerPath, readOnly: false });
  };
  add(hostsPath(deps, uid), '/etc/hosts');
  add(resolvConfPath(deps, uid), '/etc/resolv.conf');
  const terminationLog = await makeTerminationLog(deps, uid, container.name);
  add(terminationLog, container.terminationMessagePath ?? '/dev/termination-log');
  return { mounts, terminationLog };
}

type VolumeMount = NonNullable<Container['volumeMounts']>[number];
async function volumeMount(
  deps: PodDeps,
  pod: Pod,
  wanted: VolumeMount,
  env: ReadonlyMap<string, string>,
): Promise<Mount> {
  const volume = pod.spec?.volumes?.find(({ name }) => name === wanted.name);
  if (!volume) throw new ConfigError(`cannot find volume "${wanted.name}" to mount into container`);
  const root = deps.volumes.path(pod.metadata?.uid ?? '', volume);
  const subPath = wanted.subPathExpr ? expand(wanted.subPathExpr, env) : (wanted.subPath ?? '');
  const hostPath = subPath === '' ? root : await resolveSubPath(root, subPath, wanted.name);
  const propagation = propagations[wanted.mountPropagation ?? ''];
  const projected = volume.configMap || volume.secret || volume.downwardAPI || volume.projected;
  return {
    hostPath,
    containerPath: posix.normalize(posix.isAbsolute(wanted.mountPath) ? wanted.mountPath : `/${wanted.mountPath}`),
    readOnly: wanted.readOnly === true || projected !== undefined,
    // Where none is asked for Docker decides: private, or rslave for a mount that holds Docker's own folder, such as /.
    ...(propagation ? { propagation } : {}),
  };
}

/** A subPath may not lead out of its volume, also not through a link that a container has laid there. */
async function resolveSubPath(root: string, subPath: string, volume: string): Promise<string> {
  const clean = normalize(subPath);
  if (clean.startsWith('/') || clean.split('/').includes('..')) {
    throw new ConfigError(`failed to prepare subPath for volumeMount "${volume}": must not contain ".."`);
  }
  const path = join(root, clean);
  const there = await lstat(path).catch(() => undefined);
  if (!there) await mkdir(path, { recursive: true, mode: 0o777 });
  const real = await realpath(path);
  const realRoot = await realpath(root);
  if (real !== realRoot && !real.startsWith(`${realRoot}/`)) {
    throw new ConfigError(`failed to prepare subPath for volumeMount "${volume}": it leads out of the volume`);
  }
  return real;
}

async function makeTerminationLog(deps: PodDeps, podUid: string, container: string): Promise<string> {
  const dir = join(deps.volumes.podDir(podUid), 'containers', container);
  await mkdir(dir, { recursive: true, mode: 0o750 });
  const path = join(dir, randomBytes(4).toString('hex'));
  // Writable for whatever user the container runs as.
  await writeFile(path, '', { mode: 0o666 });
  return path;
}
