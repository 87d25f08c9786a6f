import t from 'tap';
import { atMs, cgroup, nodeSample } from './node-sample.fixture';
import { summaryOf } from './summary';

const time = '2026-01-02T03:04:05Z';
const base = {
  atMs: atMs - 4_000,
  counters: new Map([['node', { atMs: atMs - 4_000, usageNanoseconds: 5e9, startedAtMs: 0 }]]),
};

t.test('the node', async (t) => {
  const { node } = summaryOf(nodeSample, base);
  t.match(node, {
    nodeName: 'n1',
    cpu: { time, usageNanoCores: 1e9, usageCoreNanoSeconds: 9e9 },
    memory: { availableBytes: 1100, usageBytes: 1800, workingSetBytes: 900, rssBytes: 450, pageFaults: 60 },
    swap: { swapAvailableBytes: 47, swapUsageBytes: 3 },
    fs: { availableBytes: 4000, capacityBytes: 10_000, usedBytes: 5000, inodes: 100, inodesFree: 60, inodesUsed: 40 },
    runtime: { imageFs: { usedBytes: 5000 }, containerFs: { usedBytes: 5000 } },
    rlimit: { time, maxpid: 32_768, curproc: 80 },
    systemContainers: [{ name: 'kubelet', memory: { workingSetBytes: 80 } }],
  });
});

t.test('a pod without a group of its own is the sum of its containers, the sandbox included', async (t) => {
  const [pod] = summaryOf(nodeSample, base).pods;
  t.match(pod, {
    podRef: { name: 'web', namespace: 'shop', uid: 'u' },
    cpu: { usageCoreNanoSeconds: 2e9, usageNanoCores: 1e8 },
    memory: { workingSetBytes: 110, usageBytes: 220 },
    network: { name: 'eth0', rxBytes: 1, txErrors: 7, interfaces: [{ name: 'eth0' }, { name: 'net1' }] },
    'ephemeral-storage': { usedBytes: 400, inodesUsed: 8, capacityBytes: 10_000 },
    process_stats: { process_count: 4 },
    volume: [
      { name: 'data', usedBytes: 7, pvcRef: { name: 'c', namespace: 'shop' } },
      { name: 'cache', usedBytes: 60 },
    ],
  });
  t.equal(pod?.memory.availableBytes, undefined, 'the sandbox is not limited, so the pod is not');
  t.equal(pod?.containers.length, 1, 'the sandbox is no container of the pod');
  t.match(pod?.containers[0], {
    name: 'app',
    startTime: '2026-01-02T03:03:55Z',
    cpu: { usageNanoCores: 2e8 },
    memory: { availableBytes: 300 },
    rootfs: { usedBytes: 300, inodesUsed: 5, capacityBytes: 10_000 },
    logs: { usedBytes: 40, inodesUsed: 1 },
    swap: { swapAvailableBytes: 0 },
  });
});

t.test('a pod with a group of its own is that group', async (t) => {
  const [pod] = nodeSample.pods;
  const sample = { ...nodeSample, pods: [{ ...pod!, group: { path: '/kubepods/podu', sample: cgroup(4, 700) } }] };
  t.match(summaryOf(sample, base).pods[0], { cpu: { usageCoreNanoSeconds: 4e9 }, memory: { workingSetBytes: 700 } });
});

t.test('without an earlier snapshot there is no rate', async (t) => {
  t.equal(summaryOf(nodeSample, undefined).node.cpu.usageNanoCores, 0);
});
