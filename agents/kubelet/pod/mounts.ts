// The bind mounts of one container: its volumeMounts, and the files that every container of a pod has.
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Pod } from '../../../controlplane/api';
import type { Device, Mount } from '../runtime/runtime';
import { ConfigError, type Container } from '../spec/container';
import { formatPod, identityOf } from '../spec/container-spec';
import { expand, missingNames } from '../spec/expand';
import type { Volume } from '../volumes/payload';
import type { PodDeps } from './deps';
import { hostsPath, resolvConfPath } from './sandbox';

const propagations: Readonly<Record<string, Mount['propagation']>> = {
  HostToContainer: 'rslave',
  Bidirectional: 'rshared',
};

export interface ContainerMounts {
  readonly mounts: readonly Mount[];
  readonly devices: readonly Device[];
  /** Host path of the termination message file. */
  readonly terminationLog: string;
}

/** Binds subPaths, with folders for those that are missing, and creates the termination message file. @throws ConfigError */
export async function prepareMounts(
  deps: PodDeps,
  pod: Pod,
  container: Container,
  env: ReadonlyMap<string, string>,
): Promise<ContainerMounts> {
  const uid = pod.metadata?.uid ?? '';
  const mounts = await Promise.all(
    (container.volumeMounts ?? []).map((desired, index) => volumeMount(deps, { pod, container, desired, index, env })),
  );
  const taken = new Set(mounts.map((mount) => mount.containerPath));
  const add = (hostPath: string, containerPath: string) => {
    if (taken.has(containerPath)) return;
    taken.add(containerPath);
    mounts.push({ hostPath, containerPath, readOnly: false });
  };
  const terminationLog = await makeTerminationLog(deps, uid, container.name);
  const { terminationMessagePath = '/dev/termination-log' } = container;
  // Before the other files of the kubelet: a message file at the path of one of them hides that file, as upstream.
  if (terminationMessagePath !== '') add(terminationLog, absolute(terminationMessagePath));
  add(hostsPath(deps, uid), '/etc/hosts');
  add(resolvConfPath(deps, uid), '/etc/resolv.conf');
  return { mounts, devices: (container.volumeDevices ?? []).map((each) => device(deps, pod, each)), terminationLog };
}

type VolumeDevice = NonNullable<Container['volumeDevices']>[number];

function device(deps: PodDeps, pod: Pod, { name, devicePath }: VolumeDevice): Device {
  const volume = pod.spec?.volumes?.find((each) => each.name === name);
  if (!volume) throw new ConfigError(`cannot find volume "${name}" to pass into container`);
  const uid = pod.metadata?.uid ?? '';
  const { readOnly } = deps.volumes.content(uid, volume);
  return { hostPath: deps.volumes.path(uid, volume), containerPath: absolute(devicePath), readOnly: readOnly === true };
}

/** The path inside the container, without a slash at its end. */
const absolute = (path: string): string => posix.join('/', path, '.');

type VolumeMount = NonNullable<Container['volumeMounts']>[number];
interface DesiredMount {
  readonly pod: Pod;
  readonly container: Container;
  readonly desired: VolumeMount;
  readonly index: number;
  readonly env: ReadonlyMap<string, string>;
}

async function volumeMount(deps: PodDeps, mount: DesiredMount): Promise<Mount> {
  const { pod, desired } = mount;
  const volume = pod.spec?.volumes?.find(({ name }) => name === desired.name);
  if (!volume) throw new ConfigError(`cannot find volume "${desired.name}" to mount into container`);
  const subPath = subPathOf(mount);
  const hostPath =
    subPath === ''
      ? deps.volumes.path(pod.metadata?.uid ?? '', volume)
      : await bindSubPath(deps, mount, { volume, subPath });
  const { readOnly } = deps.volumes.content(pod.metadata?.uid ?? '', volume);
  checkRecursive(desired);
  const propagation = propagations[desired.mountPropagation ?? ''];
  return {
    hostPath,
    containerPath: absolute(desired.mountPath),
    readOnly: readOnly === true || (desired.readOnly === true && readOnly !== 'mounted'),
    // Otherwise Docker chooses: private, or rslave for a mount that contains Docker's own folder, such as /.
    ...(propagation ? { propagation } : {}),
  };
}

/**
 * Docker before release 25 makes only the mount itself read-only, not what is mounted below it. So the Node does not declare this for its
 * runtime, and IfPossible changes nothing. @throws ConfigError with upstream's message
 */
function checkRecursive({
  name,
  readOnly,
  recursiveReadOnly = 'Disabled',
  mountPropagation = 'None',
}: VolumeMount): void {
  if (recursiveReadOnly === 'Disabled') return;
  const refuse = (why: string) => {
    const message = `volume "${name}" requested recursive read-only mode, but it is ${why}`;
    throw new ConfigError(`failed to resolve recursive read-only mode: ${message}`);
  };
  if (!readOnly) refuse('not read-only');
  if (mountPropagation !== 'None') refuse(`not compatible with propagation "${mountPropagation}"`);
  if (recursiveReadOnly === 'Enabled') refuse('not supported by the runtime');
}

/** PATH_MAX of the kernel. */
const maxPathLength = 4096;

/** '' when the mount has no subPath. @throws ConfigError with upstream's message */
function subPathOf({ desired, env }: DesiredMount): string {
  const { subPathExpr } = desired;
  const missing = subPathExpr ? missingNames(subPathExpr, env) : [];
  if (missing.length > 0) throw new ConfigError(`missing value for ${missing.join(', ')}`);
  const subPath = subPathExpr ? expand(subPathExpr, env) : (desired.subPath ?? '');
  // The kernel would refuse it; a few words of the spec may stand for megabytes.
  if (subPath.length > maxPathLength) throw new ConfigError(`subPath is longer than ${maxPathLength} characters`);
  if (posix.isAbsolute(subPath)) throw new ConfigError(`error SubPath \`${subPath}\` must not be an absolute path`);
  if (subPath.split('/').includes('..')) {
    throw new ConfigError(`unable to provision SubPath \`${subPath}\`: must not contain '..'`);
  }
  return subPath;
}

async function bindSubPath(
  deps: PodDeps,
  { pod, container, desired, index }: DesiredMount,
  { volume, subPath }: { readonly volume: Volume; readonly subPath: string },
): Promise<string> {
  try {
    return await deps.volumes.subPath(pod, volume, { container: container.name, index, subPath });
  } catch (error) {
    // Only the node's log gets the cause, because the cause may show which paths exist on the host.
    deps.log.warn('subPath cannot be mounted; the container waits', {
      pod: formatPod(identityOf(pod)),
      container: container.name,
      subPath,
      error,
    });
    throw new ConfigError(
      `failed to prepare subPath for volumeMount "${desired.name}" of container "${container.name}"`,
    );
  }
}

async function makeTerminationLog(deps: PodDeps, podUid: string, container: string): Promise<string> {
  const dir = join(deps.volumes.podDir(podUid), 'containers', container);
  await mkdir(dir, { recursive: true, mode: 0o750 });
  const path = join(dir, randomBytes(4).toString('hex'));
  await writeFile(path, '', { flag: 'wx' });
  // Writable for every user of the container. Explicit, because the umask clears bits.
  await chmod(path, 0o666);
  return path;
}
