// How many pods a second the scheduler decides on, alone: choose and assume on 100 nodes, without the API and its writes.
// usage: node -r ts-node/register hack/benchmarks/scheduler.ts
import type { Node } from '../../controlplane/api/node';
import type { Pod } from '../../controlplane/api/pod';
import { choose } from '../../controlplane/scheduler/choose';
import { defaultProfile } from '../../controlplane/scheduler/plugins/default-profile';
import { podInfo } from '../../controlplane/scheduler/pod-info';
import { ClusterState } from '../../controlplane/scheduler/state';
import { type BenchRow, renderRows } from './row';

const nodeCount = 100;
const podCount = 3000;

function node(name: string): Node {
  const labels = { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': `z${name.length % 3}` };
  const allocatable = { cpu: '32', memory: '64Gi', pods: '110' };
  return { metadata: { name, labels }, status: { allocatable } };
}

function pod(i: number): Pod {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: `rs-${i % 30}`, controller: true };
  const resources = { requests: { cpu: '100m', memory: '128Mi' } };
  return {
    metadata: { name: `p${i}`, namespace: 'a', uid: `p${i}`, labels: { app: `a${i % 30}` }, ownerReferences: [owner] },
    spec: { containers: [{ name: 'c', image: 'app:1', resources }] },
  };
}

export async function run(): Promise<BenchRow[]> {
  const state = new ClusterState();
  for (let i = 0; i < nodeCount; i++) state.setNode(`n${i}`, node(`n${i}`));
  // CPU time, not the wall clock's: the loop never waits, and a busy machine must not change the figure.
  const start = process.cpuUsage();
  let placed = 0;
  let offset = 0;
  for (let i = 0; i < podCount; i++) {
    const info = podInfo(pod(i));
    const choice = choose({
      plugins: defaultProfile,
      pod: info,
      nodes: state.nodes(),
      namespaceLabels: () => undefined,
      offset,
      random: Math.random,
    });
    offset = (offset + choice.examined) % nodeCount;
    if (!choice.node) continue;
    state.assume(info, choice.node.name);
    placed++;
  }
  const { user, system } = process.cpuUsage(start);
  const seconds = (user + system) / 1e6;
  const note = `${podCount} pods of 30 controllers on ${nodeCount} nodes, decisions only`;
  return [{ what: 'scheduling decisions', unit: 'pods/s of one core', ours: placed / seconds, note }];
}

if (require.main === module) void run().then((rows) => process.stdout.write(renderRows(rows)));
