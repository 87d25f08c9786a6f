import t from 'tap';
import type { Node } from '../api/node';
import type { Pod } from '../api/pod';
import { finish } from '../base/steps';
import { choose, feasibleLimit } from './choose';
import { notHelpful, noVictims, renderPreemption, renderUnschedulable } from './message';
import { NodeInfo } from './node-info';
import { defaultProfile } from './plugins/default-profile';
import { podInfo } from './pod-info';

let sequence = 0;
function pod(cpu = '100m', over: { spec?: object; owner?: string; labels?: Record<string, string> } = {}): Pod {
  const name = `p${sequence++}`;
  const ownerReferences = over.owner
    ? [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: over.owner, controller: true }]
    : undefined;
  return {
    metadata: { name, namespace: 'a', uid: name, ownerReferences, labels: over.labels },
    spec: {
      containers: [{ name: 'c', image: 'app:1', resources: { requests: { cpu, memory: '100Mi' } } }],
      ...over.spec,
    },
  };
}
function node(
  name: string,
  over: { labels?: Record<string, string>; taints?: object[]; pods?: Pod[]; images?: object[]; cpu?: string } = {},
): NodeInfo {
  const info = new NodeInfo(name);
  info.setNode({
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...over.labels } },
    spec: { taints: over.taints },
    status: { allocatable: { cpu: over.cpu ?? '4', memory: '8Gi', pods: '110' }, images: over.images },
  } as Node);
  for (const each of over.pods ?? []) info.add(podInfo(each));
  return info;
}
const pick = (incoming: Pod, nodes: NodeInfo[]) =>
  finish(
    choose({
      plugins: defaultProfile,
      pod: podInfo(incoming),
      nodes,
      namespaceLabels: () => undefined,
      offset: 0,
      random: () => 0,
    }),
  ).node?.name;

t.test('which node has the highest score', async (t) => {
  const prefer = {
    affinity: {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 10, preference: { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] } },
        ],
      },
    },
  };
  const towards = (kind: 'podAffinity' | 'podAntiAffinity') => ({
    affinity: {
      [kind]: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 50,
            podAffinityTerm: { labelSelector: { matchLabels: { app: 'db' } }, topologyKey: 'kubernetes.io/hostname' },
          },
        ],
      },
    },
  });
  const soft = {
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'zone',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: { app: 'web' } },
      },
    ],
  };
  const gigabyte = [{ names: ['app:1'], sizeBytes: 1e9 }];
  const cases: { name: string; pod: Pod; nodes: NodeInfo[]; want: string }[] = [
    { name: 'least allocated', pod: pod(), nodes: [node('a', { pods: [pod('2')] }), node('b')], want: 'b' },
    { name: 'a larger node', pod: pod('1'), nodes: [node('a', { cpu: '2' }), node('b', { cpu: '16' })], want: 'b' },
    {
      name: 'preferred node affinity',
      pod: pod('100m', { spec: prefer }),
      nodes: [node('a'), node('b', { labels: { disk: 'ssd' } })],
      want: 'b',
    },
    {
      name: 'a taint PreferNoSchedule',
      pod: pod(),
      nodes: [node('a', { taints: [{ key: 'old', effect: 'PreferNoSchedule' }] }), node('b')],
      want: 'b',
    },
    {
      name: 'preferred pod affinity',
      pod: pod('100m', { spec: towards('podAffinity') }),
      nodes: [node('a'), node('b', { pods: [pod('100m', { labels: { app: 'db' } })] })],
      want: 'b',
    },
    {
      name: 'preferred pod anti-affinity',
      pod: pod('100m', { spec: towards('podAntiAffinity') }),
      nodes: [node('a', { pods: [pod('10m', { labels: { app: 'db' } })] }), node('b', { pods: [pod('300m')] })],
      want: 'b',
    },
    {
      name: 'soft topology spread over zones',
      pod: pod('100m', { spec: soft, labels: { app: 'web' } }),
      nodes: [
        node('a', { labels: { zone: 'z1' }, pods: [pod('10m', { labels: { app: 'web' } })] }),
        node('b', { labels: { zone: 'z2' }, pods: [pod('200m')] }),
      ],
      want: 'b',
    },
    { name: 'the node has the image', pod: pod(), nodes: [node('a'), node('b', { images: gigabyte })], want: 'b' },
    {
      name: 'replicas of one controller are spread without a constraint',
      pod: pod('100m', { owner: 'rs' }),
      nodes: [node('a', { pods: [pod('100m', { owner: 'rs' })] }), node('b', { pods: [pod('300m')] })],
      want: 'b',
    },
  ];
  for (const { name, pod: incoming, nodes, want } of cases) {
    t.equal(pick(incoming, nodes), want, name);
    t.equal(pick(incoming, [...nodes].reverse()), want, `${name}, in the other order`);
  }
});

t.test('nine replicas on three nodes: three on each', async (t) => {
  const nodes = [node('a'), node('b'), node('c')];
  for (let i = 0; i < 9; i++) {
    const next = podInfo(pod('100m', { owner: 'rs' }));
    const choice = finish(
      choose({
        plugins: defaultProfile,
        pod: next,
        nodes,
        namespaceLabels: () => undefined,
        offset: i,
        random: () => 0.7,
      }),
    );
    choice.node!.add(next);
  }
  t.same(
    nodes.map(({ pods }) => pods.size),
    [3, 3, 3],
  );
});

t.test('only a part of a large cluster is searched', async (t) => {
  t.same(
    [3, 100, 200, 1000, 5000].map((count) => feasibleLimit(count)),
    [3, 100, 100, 420, 500],
  );
  t.same([feasibleLimit(1000, 30), feasibleLimit(1000, 1)], [300, 100], 'the part that a profile says');
  const nodes = Array.from({ length: 300 }, (_, i) => node(`n${i}`));
  const choice = finish(
    choose({
      plugins: defaultProfile,
      pod: podInfo(pod()),
      nodes,
      namespaceLabels: () => undefined,
      offset: 290,
      random: () => 0,
    }),
  );
  t.equal(choice.examined, 144);
  t.equal(choice.node?.name, 'n290', 'a decision starts at the offset and continues at the start of the list');
});

t.test('the message when no node fits', async (t) => {
  const nodes = [
    node('a', { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] }),
    node('b', { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] }),
    node('c', { cpu: '1' }),
  ];
  const choice = finish(
    choose({
      plugins: defaultProfile,
      pod: podInfo(pod('2')),
      nodes,
      namespaceLabels: () => undefined,
      offset: 0,
      random: () => 0,
    }),
  );
  t.equal(choice.node, undefined);
  if (choice.node) return;
  const preemption = renderPreemption(3, [notHelpful, notHelpful, noVictims]);
  t.equal(
    renderUnschedulable({ nodeCount: 3, refusals: choice.refusals.values() }, preemption),
    '0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/3 nodes are available: ' +
      '1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.',
  );
  t.equal(renderUnschedulable({ nodeCount: 0, refusals: [] }), 'no nodes available to schedule pods');
});
