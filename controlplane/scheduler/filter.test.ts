import t from 'tap';
import type { Node } from '../api/node';
import type { Pod } from '../api/pod';
import { finish } from '../base/steps';
import { filterNode, gatherChecks } from './filter';
import { NodeInfo } from './node-info';
import { defaultProfile } from './plugins/default-profile';
import { podInfo } from './pod-info';

type Spec = Partial<NonNullable<Pod['spec']>>;
let sequence = 0;
function pod(spec: Spec = {}, metadata: Pod['metadata'] = {}): Pod {
  const name = `p${sequence++}`;
  return {
    metadata: { name, namespace: 'a', uid: name, labels: { app: 'web' }, ...metadata },
    spec: { containers: [{ name: 'c' }], ...spec },
  };
}
const asking = (requests: Record<string, string>): Spec => ({ containers: [{ name: 'c', resources: { requests } }] });

interface NodeShape {
  labels?: Record<string, string>;
  taints?: NonNullable<NonNullable<Node['spec']>['taints']>;
  unschedulable?: boolean;
  allocatable?: Record<string, string>;
  pods?: Pod[];
}
function node(name: string, shape: NodeShape = {}): NodeInfo {
  const info = new NodeInfo(name);
  info.setNode({
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...shape.labels } },
    spec: { taints: shape.taints, unschedulable: shape.unschedulable },
    status: { allocatable: { cpu: '2', memory: '4Gi', 'ephemeral-storage': '10Gi', pods: '3', ...shape.allocatable } },
  });
  for (const each of shape.pods ?? []) info.add(podInfo(each));
  return info;
}
const namespaceLabels = (name: string) => ({ 'kubernetes.io/metadata.name': name });
/** The reasons of each node, '' for a node that fits. */
function run(incoming: Pod, ...nodes: NodeInfo[]): string[] {
  const info = podInfo(incoming);
  const checks = finish(gatherChecks(defaultProfile, { pod: info, nodes, namespaceLabels }));
  return nodes.map((each) => filterNode(checks, each)?.reasons.join(' + ') ?? '');
}
const noSchedule = (key: string, value?: string) => ({ key, value, effect: 'NoSchedule' });
const required = (...matchExpressions: object[]): Spec => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] as never },
    },
  },
});
const affinityTerm = (topologyKey: string, over: object = {}) => ({
  labelSelector: { matchLabels: { app: 'web' } },
  topologyKey,
  ...over,
});
const near = (...terms: object[]): Spec => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms as never } },
});
const apart = (...terms: object[]): Spec => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms as never } },
});
const spread = (over: object = {}): Spec => ({
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'zone',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'web' } },
      ...over,
    } as never,
  ],
});

t.test('filters that look at the node alone', async (t) => {
  const affinityMissed = "node(s) didn't match Pod's node affinity/selector";
  const ports = (hostPort: number, over: object = {}): Spec => ({
    containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort, ...over }] }],
  });
  const cases: { name: string; pod: Pod; node: NodeInfo; want: string }[] = [
    { name: 'an empty node', pod: pod(), node: node('n'), want: '' },
    { name: 'cordoned', pod: pod(), node: node('n', { unschedulable: true }), want: 'node(s) were unschedulable' },
    {
      name: 'cordoned, tolerated',
      pod: pod({
        tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' }],
      }),
      node: node('n', { unschedulable: true }),
      want: '',
    },
    {
      name: 'taint',
      pod: pod(),
      node: node('n', { taints: [noSchedule('gpu', 'yes')] }),
      want: 'node(s) had untolerated taint(s)',
    },
    {
      name: 'taint tolerated by value',
      pod: pod({ tolerations: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] }),
      node: node('n', { taints: [noSchedule('gpu', 'yes')] }),
      want: '',
    },
    {
      name: 'toleration of another value',
      pod: pod({ tolerations: [{ key: 'gpu', value: 'no' }] }),
      node: node('n', { taints: [noSchedule('gpu', 'yes')] }),
      want: 'node(s) had untolerated taint(s)',
    },
    {
      name: 'toleration of everything',
      pod: pod({ tolerations: [{ operator: 'Exists' }] }),
      node: node('n', { taints: [noSchedule('gpu')] }),
      want: '',
    },
    {
      name: 'a taint that only prefers',
      pod: pod(),
      node: node('n', { taints: [{ key: 'old', effect: 'PreferNoSchedule' }] }),
      want: '',
    },
    {
      name: 'nodeSelector',
      pod: pod({ nodeSelector: { disk: 'ssd' } }),
      node: node('n', { labels: { disk: 'ssd' } }),
      want: '',
    },
    {
      name: 'nodeSelector does not match',
      pod: pod({ nodeSelector: { disk: 'ssd' } }),
      node: node('n'),
      want: affinityMissed,
    },
    {
      name: 'affinity In',
      pod: pod(required({ key: 'disk', operator: 'In', values: ['ssd', 'nvme'] })),
      node: node('n', { labels: { disk: 'nvme' } }),
      want: '',
    },
    {
      name: 'affinity NotIn',
      pod: pod(required({ key: 'disk', operator: 'NotIn', values: ['hdd'] })),
      node: node('n', { labels: { disk: 'hdd' } }),
      want: affinityMissed,
    },
    {
      name: 'affinity Gt',
      pod: pod(required({ key: 'cores', operator: 'Gt', values: ['4'] })),
      node: node('n', { labels: { cores: '8' } }),
      want: '',
    },
    { name: 'an empty term matches nothing', pod: pod(required()), node: node('n'), want: affinityMissed },
    { name: 'host port free', pod: pod(ports(80)), node: node('n', { pods: [pod(ports(81))] }), want: '' },
    {
      name: 'host port taken',
      pod: pod(ports(80)),
      node: node('n', { pods: [pod(ports(80))] }),
      want: "node(s) didn't have free ports for the requested pod ports",
    },
    {
      name: 'host port of another protocol',
      pod: pod(ports(80, { protocol: 'UDP' })),
      node: node('n', { pods: [pod(ports(80))] }),
      want: '',
    },
    {
      name: 'host port on another address',
      pod: pod(ports(80, { hostIP: '10.0.0.1' })),
      node: node('n', { pods: [pod(ports(80, { hostIP: '10.0.0.2' }))] }),
      want: '',
    },
    {
      name: 'cpu',
      pod: pod(asking({ cpu: '500m' })),
      node: node('n', { pods: [pod(asking({ cpu: '1600m' }))] }),
      want: 'Insufficient cpu',
    },
    {
      name: 'exactly full',
      pod: pod(asking({ cpu: '500m' })),
      node: node('n', { pods: [pod(asking({ cpu: '1.5' }))] }),
      want: '',
    },
    {
      name: 'several at once',
      pod: pod(asking({ cpu: '3', memory: '5Gi', 'ephemeral-storage': '1Ti' })),
      node: node('n'),
      want: 'Insufficient cpu + Insufficient memory + Insufficient ephemeral-storage',
    },
    { name: 'number of pods', pod: pod(), node: node('n', { pods: [pod(), pod(), pod()] }), want: 'Too many pods' },
    {
      name: 'a resource the node does not have',
      pod: pod(asking({ 'example.com/gpu': '1' })),
      node: node('n'),
      want: 'Insufficient example.com/gpu',
    },
  ];
  for (const { name, pod: incoming, node: where, want } of cases) t.same(run(incoming, where), [want], name);
});

t.test('effective requests', async (t) => {
  const container = (cpu: string, over: object = {}) => ({ name: 'c', resources: { requests: { cpu } }, ...over });
  const cases: { name: string; spec: Spec; cpu: number }[] = [
    { name: 'containers together', spec: { containers: [container('100m'), container('200m')] }, cpu: 300 },
    {
      name: 'the largest init container',
      spec: { containers: [container('100m')], initContainers: [container('1'), container('500m')] },
      cpu: 1000,
    },
    {
      name: 'a sidecar runs next to all other containers',
      spec: {
        containers: [container('100m')],
        initContainers: [container('200m', { restartPolicy: 'Always' }), container('1')],
      },
      cpu: 1200,
    },
    { name: 'overhead on top', spec: { containers: [container('100m')], overhead: { cpu: '50m' } as never }, cpu: 150 },
  ];
  for (const { name, spec, cpu } of cases) t.equal(podInfo(pod(spec)).requests['cpu'], cpu, name);
});

t.test('pod affinity and anti-affinity', async (t) => {
  const zone = (name: string, value: string, ...pods: Pod[]) =>
    node(name, { labels: { zone: value }, pods, allocatable: { pods: '20' } });
  const other = (over: Pod['metadata'] = {}) => pod({}, over);
  const missed = "node(s) didn't match pod affinity rules";
  const refused = "node(s) didn't match pod anti-affinity rules";
  const cases: { name: string; pod: Pod; nodes: NodeInfo[]; want: string[] }[] = [
    {
      name: 'near: the same zone',
      pod: pod(near(affinityTerm('zone'))),
      nodes: [zone('a', 'z1', other()), zone('b', 'z1'), zone('c', 'z2')],
      want: ['', '', missed],
    },
    {
      name: 'near: the first of its group',
      pod: pod(near(affinityTerm('zone'))),
      nodes: [zone('a', 'z1'), node('b')],
      want: ['', missed],
    },
    {
      name: 'near: no matching pod',
      pod: pod(near(affinityTerm('zone')), { labels: { app: 'x' } }),
      nodes: [zone('a', 'z1')],
      want: [missed],
    },
    {
      name: 'near: other namespaces do not count',
      pod: pod(near(affinityTerm('zone')), { labels: { app: 'x' } }),
      nodes: [zone('a', 'z1', other({ namespace: 'b', name: 'q', uid: 'q', labels: { app: 'web' } }))],
      want: [missed],
    },
    {
      name: 'near: other namespaces count when selected',
      pod: pod(near(affinityTerm('zone', { namespaceSelector: {} })), { labels: { app: 'x' } }),
      nodes: [zone('a', 'z1', other({ namespace: 'b', name: 'q2', uid: 'q2', labels: { app: 'web' } }))],
      want: [''],
    },
    {
      name: 'apart: per node',
      pod: pod(apart(affinityTerm('kubernetes.io/hostname'))),
      nodes: [node('a', { pods: [other()] }), node('b')],
      want: [refused, ''],
    },
    {
      name: 'apart: per zone',
      pod: pod(apart(affinityTerm('zone'))),
      nodes: [zone('a', 'z1', other()), zone('b', 'z1'), zone('c', 'z2')],
      want: [refused, refused, ''],
    },
    {
      name: 'an existing pod refuses the new pod',
      pod: pod(),
      nodes: [zone('a', 'z1', pod(apart(affinityTerm('zone')))), zone('b', 'z1'), zone('c', 'z2')],
      want: [
        "node(s) didn't satisfy existing pods anti-affinity rules",
        "node(s) didn't satisfy existing pods anti-affinity rules",
        '',
      ],
    },
  ];
  for (const { name, pod: incoming, nodes, want } of cases) t.same(run(incoming, ...nodes), want, name);
});

t.test('topology spread', async (t) => {
  const zone = (name: string, value: string, count: number) =>
    node(name, {
      labels: { zone: value },
      allocatable: { pods: '20' },
      pods: Array.from({ length: count }, () => pod()),
    });
  const skewed = "node(s) didn't match pod topology spread constraints";
  const cases: { name: string; pod: Pod; nodes: NodeInfo[]; want: string[] }[] = [
    { name: 'even', pod: pod(spread()), nodes: [zone('a', 'z1', 1), zone('b', 'z2', 1)], want: ['', ''] },
    { name: 'skewed', pod: pod(spread()), nodes: [zone('a', 'z1', 1), zone('b', 'z2', 0)], want: [skewed, ''] },
    {
      name: 'maxSkew 2',
      pod: pod(spread({ maxSkew: 2 })),
      nodes: [zone('a', 'z1', 1), zone('b', 'z2', 0)],
      want: ['', ''],
    },
    {
      name: 'no such label',
      pod: pod(spread()),
      nodes: [zone('a', 'z1', 0), node('b')],
      want: ['', `${skewed} (missing required label)`],
    },
    {
      name: 'too few domains',
      pod: pod(spread({ minDomains: 3 })),
      nodes: [zone('a', 'z1', 1), zone('b', 'z2', 1)],
      want: [skewed, skewed],
    },
    {
      name: 'nodes that the pod may not use do not count',
      pod: pod({ ...spread(), nodeSelector: { zone: 'z1' } }),
      nodes: [zone('a', 'z1', 3), zone('b', 'z2', 0)],
      want: ['', "node(s) didn't match Pod's node affinity/selector"],
    },
    {
      name: 'a soft constraint filters nothing',
      pod: pod(spread({ whenUnsatisfiable: 'ScheduleAnyway' })),
      nodes: [zone('a', 'z1', 5), zone('b', 'z2', 0)],
      want: ['', ''],
    },
  ];
  for (const { name, pod: incoming, nodes, want } of cases) t.same(run(incoming, ...nodes), want, name);
});

t.test('a removed pod no longer counts on its node', async (t) => {
  const info = node('n');
  const one = podInfo(pod(asking({ cpu: '1' })));
  info.add(one);
  info.add(one);
  t.equal(info.requested['cpu'], 1000, 'a pod added twice counts once');
  info.remove(one.uid);
  t.equal(info.requested['cpu'], 0);
  t.same([info.pods.size, info.scoring.cpu], [0, 0]);
});
