// Translates ContainerSpec to the body of Docker's create call, and Docker's inspection to ContainerRecord. Pure.
import type Docker from 'dockerode';
import type { ContainerRecord, ContainerResources, ContainerSpec, ImageRecord, NamespaceRef } from './runtime';

const logConfig = { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '5' } };

export function toCreateBody(spec: ContainerSpec): Docker.ContainerCreateOptions {
  const body: Docker.ContainerCreateOptions = {
    name: spec.name,
    Image: spec.image,
    Labels: { ...spec.labels },
    Env: [...spec.env],
    OpenStdin: spec.stdin ?? false,
    StdinOnce: spec.stdinOnce ?? false,
    Tty: spec.tty ?? false,
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    // The kubelet runs the probes. Nothing reads the result of an image's HEALTHCHECK.
    Healthcheck: { Test: ['NONE'] },
    HostConfig: toHostConfig(spec),
  };
  if (spec.entrypoint) body.Entrypoint = [...spec.entrypoint];
  if (spec.args) body.Cmd = [...spec.args];
  if (spec.workingDir) body.WorkingDir = spec.workingDir;
  if (spec.user) body.User = spec.user;
  if (spec.hostname) body.Hostname = spec.hostname;
  return body;
}

function toHostConfig(spec: ContainerSpec): Docker.HostConfig {
  const securityOpt = [
    ...(spec.noNewPrivileges ? ['no-new-privileges'] : []),
    ...(spec.seccomp ? [`seccomp=${spec.seccomp}`] : []),
    ...(spec.appArmor ? [`apparmor=${spec.appArmor}`] : []),
  ];
  const host: Docker.HostConfig = {
    NetworkMode: networkMode(spec.network),
    IpcMode: ipcMode(spec.ipc),
    Mounts: spec.mounts.map((mount) => ({
      Type: 'bind' as const,
      Source: mount.hostPath,
      Target: mount.containerPath,
      ReadOnly: mount.readOnly,
      ...(mount.propagation ? { BindOptions: { Propagation: mount.propagation } } : {}),
    })),
    LogConfig: spec.keepLog === false ? { Type: 'none', Config: {} } : logConfig,
    Privileged: spec.privileged ?? false,
    ReadonlyRootfs: spec.readOnlyRoot ?? false,
    RestartPolicy: { Name: '' },
  };
  if (spec.pid !== 'own') host.PidMode = typeof spec.pid === 'string' ? spec.pid : `container:${spec.pid.container}`;
  if (spec.runtime) host.Runtime = spec.runtime;
  if (spec.cgroupParent) host.CgroupParent = spec.cgroupParent;
  Object.assign(host, toUpdateBody(spec));
  if (spec.shmBytes) host.ShmSize = spec.shmBytes;
  if (spec.groups?.length) host.GroupAdd = [...spec.groups];
  // Docker hides its usual paths unless it gets lists.
  if (spec.unmaskedProc) Object.assign(host, { MaskedPaths: [], ReadonlyPaths: [] });
  if (securityOpt.length > 0) host.SecurityOpt = securityOpt;
  if (spec.addCapabilities?.length) host.CapAdd = [...spec.addCapabilities];
  if (spec.dropCapabilities?.length) host.CapDrop = [...spec.dropCapabilities];
  if (spec.devices?.length) {
    host.Devices = spec.devices.map(({ hostPath, containerPath, readOnly, permissions }) => ({
      PathOnHost: hostPath,
      PathInContainer: containerPath,
      // Upstream's: read, write and mknod, or read alone.
      CgroupPermissions: permissions || (readOnly ? 'r' : 'mrw'),
    }));
  }
  if (spec.sysctls && Object.keys(spec.sysctls).length > 0) host.Sysctls = { ...spec.sysctls };
  if (spec.oomScoreAdj !== undefined) host.OomScoreAdj = spec.oomScoreAdj;
  return host;
}

/** The part of a container's configuration that Docker can change while it runs. */
export function toUpdateBody({
  cpuShares,
  cpuQuotaMicros,
  cpuPeriodMicros = 100_000,
  memoryBytes,
}: ContainerResources) {
  return {
    ...(cpuShares ? { CpuShares: cpuShares } : {}),
    ...(cpuQuotaMicros ? { CpuQuota: cpuQuotaMicros, CpuPeriod: cpuPeriodMicros } : {}),
    // Both together: Docker refuses a limit above the old sum of memory and swap.
    ...(memoryBytes ? { Memory: memoryBytes, MemorySwap: memoryBytes } : {}),
  };
}

/** Docker shows an amount that is not limited as 0. */
function toResources(host: Docker.HostConfig | undefined): ContainerResources | undefined {
  if (!host) return undefined;
  return {
    ...(host.CpuShares ? { cpuShares: host.CpuShares } : {}),
    ...(host.CpuQuota && host.CpuQuota > 0
      ? { cpuQuotaMicros: host.CpuQuota, cpuPeriodMicros: host.CpuPeriod || 100_000 }
      : {}),
    ...(host.Memory ? { memoryBytes: host.Memory } : {}),
  };
}

function networkMode(ref: NamespaceRef): string {
  if (ref === 'own') return 'none';
  return ref === 'host' ? 'host' : `container:${ref.container}`;
}

function ipcMode(ref: NamespaceRef): string {
  if (ref === 'own') return 'shareable';
  return ref === 'host' ? 'host' : `container:${ref.container}`;
}

const zeroTime = '0001-01-01T00:00:00Z';
const timeOf = (text: string | undefined): number | undefined =>
  text === undefined || text === '' || text === zeroTime ? undefined : Date.parse(text);

/** Docker's states as the three that the kubelet needs. Containers that are `dead` or `removing` have ended. */
export function toState(status: string): ContainerRecord['state'] {
  if (status === 'created') return 'created';
  return status === 'running' || status === 'paused' || status === 'restarting' ? 'running' : 'exited';
}

export function toRecord(info: Docker.ContainerInspectInfo): ContainerRecord {
  const state = toState(info.State.Status);
  return {
    id: info.Id,
    name: info.Name.replace(/^\//, ''),
    labels: info.Config.Labels ?? {},
    image: info.Config.Image,
    imageId: info.Image,
    state,
    createdAtMs: Date.parse(info.Created),
    startedAtMs: timeOf(info.State.StartedAt),
    finishedAtMs: state === 'exited' ? timeOf(info.State.FinishedAt) : undefined,
    exitCode: state === 'exited' ? info.State.ExitCode : undefined,
    oomKilled: info.State.OOMKilled,
    pid: info.State.Pid > 0 ? info.State.Pid : undefined,
    resources: toResources(info.HostConfig),
    ...(info.LogPath ? { logPath: info.LogPath } : {}),
    ...toLayerPath(info.GraphDriver),
  };
}

/** Only the driver overlay2 tells the folder. */
function toLayerPath(driver: Docker.ContainerInspectInfo['GraphDriver'] | undefined): { readonly layerPath?: string } {
  const path = driver?.Name === 'overlay2' ? (driver.Data as { readonly UpperDir?: string }).UpperDir : undefined;
  return path ? { layerPath: path } : {};
}

export function toImage(info: Docker.ImageInspectInfo): ImageRecord {
  const layers = toLayers(info.GraphDriver);
  return {
    id: info.Id,
    tags: info.RepoTags ?? [],
    digests: info.RepoDigests ?? [],
    sizeBytes: info.Size,
    user: info.Config?.User ?? '',
    ...(layers ? { layers } : {}),
  };
}

/** Only Docker's driver overlay2 keeps each layer in a folder that overlayfs can show. */
function toLayers(driver: Docker.ImageInspectInfo['GraphDriver'] | undefined): readonly string[] | undefined {
  if (driver?.Name !== 'overlay2') return undefined;
  const { UpperDir, LowerDir } = driver.Data as { readonly UpperDir?: string; readonly LowerDir?: string };
  return UpperDir ? [UpperDir, ...(LowerDir ? LowerDir.split(':') : [])] : undefined;
}
