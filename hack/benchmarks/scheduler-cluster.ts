// A made-up cluster for the scheduler's benchmark: nodes that renew their Leases, and pods that wait for a node. The server is the built
// bundle; it is filled first without a scheduler, then the scheduler starts and everything is there.
import { formatMicroTime } from '../../controlplane/base/clock';
import type { ConnectionOptions } from '../../controlplane/client/kubeconfig';
import { ApiConnection, type Call } from './api-connection';

const connections = 16;
/** As a kubelet. */
const renewMs = 10_000;
const controllers = 100;

export interface ClusterSize {
  readonly nodes: number;
  readonly pods: number;
}

const node = (i: number) => ({
  metadata: {
    name: `node-${i}`,
    labels: { 'kubernetes.io/hostname': `node-${i}`, 'topology.kubernetes.io/zone': `zone-${i % 5}` },
  },
  spec: { podCIDR: `10.${100 + (i >> 8)}.${i & 255}.0/24` },
});
const resources = { cpu: '32', memory: '64Gi', pods: '110' };
const nodeStatus = () => {
  const now = new Date().toISOString().replace(/\.\d+Z/, 'Z');
  const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'ready' };
  return {
    spec: { taints: null },
    status: {
      capacity: resources,
      allocatable: resources,
      conditions: [{ ...ready, lastHeartbeatTime: now, lastTransitionTime: now }],
    },
  };
};
const pod = (i: number) => {
  const app = `app-${i % controllers}`;
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: app, uid: `uid-${app}`, controller: true };
  return {
    metadata: { name: `pod-${i}`, labels: { app }, ownerReferences: [owner] },
    spec: {
      automountServiceAccountToken: false,
      containers: [{ name: 'c', image: 'app:1', resources: { requests: { cpu: '100m', memory: '128Mi' } } }],
    },
  };
};
const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
const lease = (i: number) => ({
  metadata: { name: `node-${i}` },
  spec: { holderIdentity: `node-${i}`, leaseDurationSeconds: 40, renewTime: formatMicroTime(Date.now()) },
});
const podsPath = '/api/v1/namespaces/load/pods';

/** Creates the nodes and the pods. @throws Unavailable when the server refuses one */
export async function fillCluster(connection: ConnectionOptions, { nodes, pods }: ClusterSize): Promise<void> {
  const merge = 'application/merge-patch+json';
  await each(connection, 1, 1, () => [
    { method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: 'load' } } },
    {
      method: 'POST',
      path: '/api/v1/namespaces/load/serviceaccounts',
      body: { metadata: { name: 'default' } },
    },
  ]);
  await each(connection, connections, nodes, (i) => [
    { method: 'POST', path: '/api/v1/nodes', body: node(i) },
    { method: 'PATCH', path: `/api/v1/nodes/node-${i}`, body: { spec: nodeStatus().spec }, type: merge },
    { method: 'PATCH', path: `/api/v1/nodes/node-${i}/status`, body: { status: nodeStatus().status }, type: merge },
    { method: 'POST', path: leases, body: lease(i) },
  ]);
  await each(connection, connections, pods, (i) => [{ method: 'POST', path: podsPath, body: pod(i) }]);
}

/** Renews the Lease of each node every ten seconds, evenly spread over time, until the signal is aborted. */
export async function renewLeases(connection: ConnectionOptions, nodes: number, signal: AbortSignal): Promise<void> {
  const open = await ApiConnection.open(connection);
  const began = performance.now();
  for (let sent = 0; !signal.aborted; sent++) {
    const dueMs = began + (sent * renewMs) / nodes - performance.now();
    if (dueMs > 1) await new Promise((resolve) => setTimeout(resolve, dueMs));
    const i = sent % nodes;
    const { spec } = lease(i);
    await open.send({
      method: 'PATCH',
      path: `${leases}/node-${i}`,
      body: { spec },
      type: 'application/merge-patch+json',
    });
  }
  open.close();
}

/** Runs the calls of each index, on so many connections. */
async function each(
  connection: ConnectionOptions,
  count: number,
  total: number,
  calls: (i: number) => readonly Call[],
): Promise<void> {
  let next = 0;
  const work = async () => {
    const open = await ApiConnection.open(connection);
    for (let i = next++; i < total; i = next++) {
      for (const call of calls(i)) await open.send(call);
    }
    open.close();
  };
  await Promise.all(Array.from({ length: count }, work));
}

/** The sum of a counter with these labels in a text of /metrics. */
export function readCounter(metrics: string, name: string, label: string): number {
  return metrics
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
