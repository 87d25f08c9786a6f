// A kubelet on a test's own Docker daemon, with real wires; the API is in memory or a server of the test.
import { join } from 'node:path';
import { Kubelet } from '../../agents/kubelet/kubelet';
import { NetlinkPodNetwork } from '../../agents/kubelet/network/netlink-pod-network';
import { readMachineFacts } from '../../agents/kubelet/node/facts';
import { defaultNodePolicy, type NodePolicy } from '../../agents/kubelet/node/policy';
import type { ShutdownPeriod } from '../../agents/kubelet/node/shutdown-plan';
import { DockerRuntime } from '../../agents/kubelet/runtime/docker';
import { openStats } from '../../agents/kubelet/stats/open';
import { type Node, nodes, type Pod } from '../../controlplane/api';
import { systemClock } from '../../controlplane/base/clock';
import { createLogger, silentLogger } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import { SystemMounts } from '../../dataplane/mount/system-mounts';
import type { TestDockerd } from './dockerd';
import type { MemoryClient } from './memory-client';
import { podSources } from './pod-lab';

/** The disk of a machine with tests may be nearly full: only tests of evictions have thresholds. */
const noThresholds: NodePolicy = { ...defaultNodePolicy, thresholds: [] };

const log = process.env['TEST_LOG'] ? createLogger({ component: 'kubelet', level: 'debug' }) : silentLogger;

export async function startKubelet(
  client: Client,
  dockerd: TestDockerd,
  nodeIps = ['192.0.2.1'],
  kubeletPort = 10250,
  policy: NodePolicy = noThresholds,
  shutdownPeriods: readonly ShutdownPeriod[] = [],
) {
  const abort = new AbortController();
  let machineStops = false;
  const machine = await readMachineFacts();
  const kubelet: Kubelet = new Kubelet({
    client,
    runtime: new DockerRuntime(dockerd.host),
    network: new NetlinkPodNetwork({ log, netns: dockerd.netns, sources: podSources(dockerd.netns) }),
    mounts: new SystemMounts(),
    clock: systemClock,
    log,
    machine,
    config: {
      nodeName: 'n1',
      nodeIps,
      rootDir: join(dockerd.dir, 'kubelet'),
      pauseImage: dockerd.pauseImage,
      dns: { address: '10.96.0.10', domain: 'cluster.local' },
      resolvConf: '/etc/resolv.conf',
      memoryBytes: machine.memoryBytes,
      lowestOomScore: machine.lowestOomScore,
      allocatable: { cpu: machine.cores, memory: machine.memoryBytes },
      hasAppArmor: false,
      allowedUnsafeSysctls: [],
      labels: {},
      kubeletPort,
      kubeletVersion: 'v1.36.0-test',
      maxPods: 110,
      policy,
      cgroupRoot: dockerd.cgroupRoot,
      podsLimit: { cpuShares: 2048, memoryBytes: machine.memoryBytes },
      parallelStarts: 4,
      shutdownGraceSeconds: 2,
      shutdownPeriods,
    },
    samples: async () => (await stats.measure('all')).pods,
    machineStops: async () => machineStops,
  });
  const stats = await openStats({
    options: { nodeName: 'n1', rootDir: join(dockerd.dir, 'kubelet'), dockerHost: dockerd.host },
    machine,
    runtime: new DockerRuntime(dockerd.host),
    records: kubelet.records,
    volumes: (uid) => kubelet.volumeUsage(uid),
  });
  const done = kubelet.run(abort.signal).catch((err: unknown) => {
    if (!abort.signal.aborted) throw err;
  });
  return {
    kubelet,
    /** Rejects when the kubelet ends by itself. */
    ended: done,
    stop: async (how: 'restart' | 'machine goes down' = 'restart') => {
      machineStops = how === 'machine goes down';
      abort.abort(new Error('stopped'));
      await done;
    },
  };
}

/** Assigns the pod range, which is the work of the node-ipam controller. */
export async function assignPodCidr(client: MemoryClient): Promise<void> {
  await client.until<Node>(nodes, 'n1', (node) => node !== undefined);
  await client.patch(nodes, 'n1', 'merge', { spec: { podCIDR: '10.244.7.0/24' } });
}

export const kubeletPod = (name: string, spec: Partial<NonNullable<Pod['spec']>>): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', uid: `uid-of-${name}` },
  spec: {
    nodeName: 'n1',
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 1,
    containers: [],
    ...spec,
  } as Pod['spec'],
});

const condition = (object: Pod | undefined, type: string) =>
  object?.status?.conditions?.find((each) => each.type === type)?.status;
export const isReady = (object: Pod | undefined) => condition(object, 'Ready') === 'True';
