// Puts together what measures this node.
import { systemClock } from '../../../controlplane/base/clock';
import type { MachineFacts } from '../node/facts';
import type { Options } from '../options';
import type { PodRecords } from '../pod/pod-records';
import type { ContainerRuntime } from '../runtime/runtime';
import { CgroupReader } from './cgroup-reader';
import { DiskUsage } from './disk-usage';
import { FileSystems } from './file-systems';
import { NodeStats, type NodeStatsDeps } from './node-stats';
import { SystemContainers } from './system-containers';

interface OpenStatsDeps {
  readonly options: Pick<Options, 'nodeName' | 'rootDir' | 'dockerHost'>;
  readonly machine: MachineFacts;
  readonly runtime: Pick<ContainerRuntime, 'info' | 'inspect'>;
  readonly records: PodRecords;
  readonly pod?: NodeStatsDeps['pod'];
  readonly volumes?: NodeStatsDeps['volumes'];
}

export async function openStats({
  options,
  machine,
  runtime,
  records,
  pod,
  volumes,
}: OpenStatsDeps): Promise<NodeStats> {
  const cgroups = await CgroupReader.open();
  const { cores, memoryBytes, machineId, systemUuid, bootId } = machine;
  let imageDir: string | undefined;
  return new NodeStats({
    nodeName: options.nodeName,
    machine: { cores, memoryBytes, machineId, systemUuid, bootId },
    records,
    inspect: (id) => runtime.inspect(id),
    cgroups,
    system: new SystemContainers({ cgroups, kubeletPid: process.pid, ...runtimeOf(options.dockerHost) }),
    disk: new DiskUsage(systemClock),
    fileSystems: new FileSystems(),
    rootDir: options.rootDir,
    imageDir: async () => {
      imageDir ??= (await runtime.info()).rootDir;
      return imageDir;
    },
    ...(pod ? { pod } : {}),
    ...(volumes ? { volumes } : {}),
    clock: systemClock,
  });
}

const socketPrefix = 'unix://';

const runtimeOf = (dockerHost: string) =>
  dockerHost.startsWith(socketPrefix)
    ? { runtime: { socket: dockerHost.slice(socketPrefix.length), process: 'dockerd' } }
    : {};
