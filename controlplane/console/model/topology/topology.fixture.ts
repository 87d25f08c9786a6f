// A small shop: two nodes, an Ingress, a Service with two pods, a client, a policy.
import type { NodeTrafficStatus, TrafficEdge } from '../../../base/traffic';
import { type ClusterObjects, noObjects, type Pod, type ReplicaSet } from './objects';

export const pod = (
  name: string,
  node: string,
  ip: string,
  more: Partial<Pod['metadata']> = {},
  ready = true,
): Pod => ({
  metadata: { namespace: 'shop', name, labels: { app: name.split('-')[0]! }, ...more },
  spec: { nodeName: node },
  status: { phase: 'Running', podIP: ip, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

export const ofDeployment = (
  name: string,
  hash: string,
  createdAt = '2026-01-01T00:00:00Z',
): Partial<Pod['metadata']> => ({
  labels: { app: name, 'pod-template-hash': hash },
  creationTimestamp: createdAt,
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${name}-${hash}`, controller: true }],
});

export const replicaSet = (deployment: string, hash: string, revision: number): ReplicaSet => ({
  metadata: {
    namespace: 'shop',
    name: `${deployment}-${hash}`,
    labels: { 'pod-template-hash': hash },
    annotations: { 'deployment.kubernetes.io/revision': String(revision) },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: deployment, controller: true }],
  },
  spec: { template: { metadata: { labels: { app: deployment } } } },
});

const node = (name: string, address: string, podCIDR: string) => ({
  metadata: { name },
  spec: { podCIDRs: [podCIDR] },
  status: {
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: name },
    ],
  },
});

export const shop: ClusterObjects = {
  ...noObjects,
  nodes: [node('n1', '192.168.0.1', '10.244.0.0/24'), node('n2', '192.168.0.2', '10.244.1.0/24')],
  pods: [
    pod('web-1a-x', 'n1', '10.244.0.5', ofDeployment('web', '1a')),
    pod('web-1a-y', 'n2', '10.244.1.5', ofDeployment('web', '1a'), false),
    pod('client', 'n1', '10.244.0.9'),
    { ...pod('done', 'n1', '10.244.0.7'), status: { phase: 'Succeeded' } },
  ],
  services: [
    {
      metadata: { namespace: 'shop', name: 'web' },
      spec: { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ports: [{ name: 'http', port: 80, nodePort: 30080 }] },
    },
    { metadata: { namespace: 'shop', name: 'alone' }, spec: { clusterIP: 'None', ports: [{ port: 1 }] } },
  ],
  slices: [
    {
      metadata: { namespace: 'shop', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
      endpoints: [
        { addresses: ['10.244.0.5'], targetRef: { kind: 'Pod', namespace: 'shop', name: 'web-1a-x' } },
        {
          addresses: ['10.244.1.5'],
          conditions: { ready: false },
          targetRef: { kind: 'Pod', namespace: 'shop', name: 'web-1a-y' },
        },
      ],
    },
  ],
  ingresses: [
    {
      metadata: { namespace: 'shop', name: 'front' },
      spec: { rules: [{ host: 'shop.local', http: { paths: [{ backend: { service: { name: 'web' } } }] } }] },
    },
  ],
  policies: [
    { metadata: { namespace: 'shop', name: 'only-client' }, spec: { podSelector: { matchLabels: { app: 'web' } } } },
  ],
};

export const webBox = 'workload/shop/ReplicaSet/web-1a';
export const clientBox = 'workload/shop/Pod/client';

export const edge = (source: string, destination: string, more: Partial<TrafficEdge> = {}): TrafficEdge => {
  const [address = '', port] = destination.split(' ');
  return {
    protocol: 'tcp',
    source,
    destination: { address, ...(port === undefined ? {} : { port: Number(port) }) },
    opened: 1,
    open: 1,
    unanswered: 0,
    uncounted: 0,
    request: { packets: 0, bytes: 0 },
    answer: { packets: 0, bytes: 0 },
    ...more,
  };
};

export const status = (atSeconds: number, more: Partial<NodeTrafficStatus>): NodeTrafficStatus => ({
  collector: 'c',
  time: new Date(atSeconds * 1000).toISOString(),
  readAt: allAt(new Date(atSeconds * 1000).toISOString()),
  accounting: true,
  connections: { count: 0, max: 0 },
  edges: [],
  omittedEdges: 0,
  pods: [],
  stopped: [],
  refused: [],
  requests: [],
  problems: [],
  cost: { cpuMs: 0, ageMs: 0 },
  ...more,
});

const allAt = (time: string) => ({ connections: time, pods: time, stopped: time, refused: time, requests: time });
