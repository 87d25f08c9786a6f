// A measurement for tests: one pod with a container that is limited, and a sandbox with a network.
import type { NodeSample } from './node-sample';
import type { CgroupSample } from './samples';

export const atMs = Date.parse('2026-01-02T03:04:05.678Z');

export const cgroup = (cores: number, bytes: number, more: Partial<CgroupSample> = {}): CgroupSample => ({
  atMs,
  cpu: {
    usageNanoseconds: cores * 1e9,
    userNanoseconds: cores * 6e8,
    systemNanoseconds: cores * 4e8,
    periods: 10,
    throttledPeriods: 4,
    throttledNanoseconds: 5e8,
  },
  memory: {
    usageBytes: bytes * 2,
    workingSetBytes: bytes,
    rssBytes: bytes / 2,
    cacheBytes: bytes,
    mappedFileBytes: 1,
    activeFileBytes: 2,
    inactiveFileBytes: bytes,
    swapBytes: 3,
    kernelBytes: 4,
    maxUsageBytes: bytes * 3,
    failures: 5,
    pageFaults: 60,
    majorPageFaults: 7,
  },
  limits: {},
  devices: [],
  pressure: {},
  ...more,
});

const disk = {
  atMs,
  device: '/dev/vda',
  capacityBytes: 10_000,
  availableBytes: 4_000,
  usedBytes: 5_000,
  inodes: 100,
  inodesFree: 60,
};
const eth0 = {
  name: 'eth0',
  rxBytes: 1,
  rxPackets: 2,
  rxErrors: 3,
  rxDropped: 4,
  txBytes: 5,
  txPackets: 6,
  txErrors: 7,
  txDropped: 8,
};

export const nodeSample: NodeSample = {
  atMs,
  nodeName: 'n1',
  bootAtMs: atMs - 1_000_000,
  machine: { cores: 2, memoryBytes: 2000, swapBytes: 50, machineId: 'm', systemUuid: 's', bootId: 'b' },
  root: cgroup(9, 900),
  fs: disk,
  imageFs: disk,
  rlimit: { maxPids: 32_768, processes: 80 },
  system: [
    { name: 'kubelet', group: '/system.slice/kubelet.service', startedAtMs: atMs - 500_000, sample: cgroup(1, 80) },
  ],
  pods: [
    {
      ref: { namespace: 'shop', name: 'web', uid: 'u' },
      startedAtMs: atMs - 20_000,
      sandbox: {
        name: '',
        runtimeName: 'k8s_POD_web',
        image: 'pause:3.10',
        group: '/docker/pause',
        startedAtMs: atMs - 20_000,
        sample: cgroup(0, 10, { processes: 1, threads: 1 }),
      },
      network: { atMs, interfaces: [eth0, { ...eth0, name: 'net1' }] },
      containers: [
        {
          name: 'app',
          runtimeName: 'k8s_app_web',
          image: 'registry.local/app:1',
          group: '/docker/app',
          startedAtMs: atMs - 10_000,
          sample: cgroup(2, 100, {
            processes: 3,
            threads: 9,
            oomKills: 1,
            limits: {
              cpuShares: 512,
              cpuPeriodMicros: 100_000,
              cpuQuotaMicros: 50_000,
              memoryBytes: 400,
              swapBytes: 0,
            },
            devices: [{ major: 254, minor: 0, readBytes: 11, writeBytes: 12, reads: 13, writes: 14 }],
          }),
          layer: { bytes: 300, inodes: 5 },
          log: { bytes: 40, inodes: 1 },
        },
      ],
      volumes: [
        {
          name: 'data',
          atMs,
          used: { bytes: 7, inodes: 1 },
          claim: { namespace: 'shop', name: 'c' },
          ephemeral: false,
        },
        { name: 'cache', atMs, used: { bytes: 60, inodes: 2 }, ephemeral: true },
      ],
    },
  ],
};
