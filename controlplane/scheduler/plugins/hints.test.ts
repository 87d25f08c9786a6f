// Which events wake a pod that a plug-in refused: only those whose objects may help this pod.
import t from 'tap';
import type { Node } from '../../api/node';
import type { Pod } from '../../api/pod';
import { type ClusterEvent, mayHelp } from '../events';
import { nodeInfo } from '../node-info';
import { podInfo } from '../pod-info';
import { defaultProfile } from './default-profile';

interface NodeShape {
  labels?: Record<string, string>;
  taints?: object[];
  cordoned?: boolean;
  cpu?: string;
}
const node = ({ labels, taints, cordoned, cpu = '4' }: NodeShape = {}) =>
  nodeInfo({
    metadata: { name: 'n', labels },
    spec: { taints, unschedulable: cordoned },
    status: { allocatable: { cpu, memory: '8Gi', pods: '110' } },
  } as Node);

let sequence = 0;
interface PodShape {
  labels?: Record<string, string>;
  namespace?: string;
  cpu?: string;
  port?: number;
  spec?: object;
}
function pod({ labels, namespace = 'a', cpu, port, spec }: PodShape = {}) {
  const name = `p${sequence++}`;
  const container = {
    name: 'c',
    ...(cpu ? { resources: { requests: { cpu } } } : {}),
    ...(port ? { ports: [{ containerPort: port, hostPort: port }] } : {}),
  };
  return podInfo({
    metadata: { name, namespace, uid: name, labels },
    spec: { containers: [container], ...spec },
  } as Pod);
}

const added = (shape: NodeShape): ClusterEvent => ({ type: 'node-added', node: node(shape) });
const changed = (
  type: 'node-labels' | 'node-taints' | 'node-capacity',
  before: NodeShape,
  after: NodeShape,
): ClusterEvent => ({ type, node: node(after), previous: node(before) });
const taint = { key: 'k', effect: 'NoSchedule' };
const web = { app: 'web' };
const term = (over: object = {}) => [{ topologyKey: 'zone', labelSelector: { matchLabels: web }, ...over }];
const near = { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: term() } } };
const apart = { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: term() } } };
const spread = {
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: web } },
  ],
};

type Case = readonly [what: string, plugin: string, pod: ReturnType<typeof pod>, event: ClusterEvent, helps: boolean];
const selecting = () => pod({ spec: { nodeSelector: { disk: 'ssd' } } });
const cases: readonly Case[] = [
  ['a node with the label', 'NodeAffinity', selecting(), added({ labels: { disk: 'ssd' } }), true],
  ['a node without the label', 'NodeAffinity', selecting(), added({}), false],
  ['the label comes', 'NodeAffinity', selecting(), changed('node-labels', {}, { labels: { disk: 'ssd' } }), true],
  ['another label comes', 'NodeAffinity', selecting(), changed('node-labels', {}, { labels: { x: 'y' } }), false],
  [
    'the label was there',
    'NodeAffinity',
    selecting(),
    changed('node-labels', { labels: { disk: 'ssd' } }, { labels: { disk: 'ssd', x: 'y' } }),
    false,
  ],
  [
    'a label, but cpu lacks',
    'NodeResourcesFit',
    selecting(),
    changed('node-labels', {}, { labels: { disk: 'ssd' } }),
    false,
  ],
  ['the taint goes', 'TaintToleration', pod(), changed('node-taints', { taints: [taint] }, {}), true],
  ['another taint comes', 'TaintToleration', pod(), changed('node-taints', {}, { taints: [taint] }), false],
  ['a tainted node', 'TaintToleration', pod(), added({ taints: [taint] }), false],
  ['the cordon ends', 'NodeUnschedulable', pod(), changed('node-taints', { cordoned: true }, {}), true],
  ['a cordon begins', 'NodeUnschedulable', pod(), changed('node-taints', {}, { cordoned: true }), false],
  ['a large node', 'NodeResourcesFit', pod({ cpu: '8' }), added({ cpu: '8' }), true],
  ['a small node', 'NodeResourcesFit', pod({ cpu: '8' }), added({ cpu: '4' }), false],
  ['a node grows', 'NodeResourcesFit', pod({ cpu: '3' }), changed('node-capacity', { cpu: '2' }, { cpu: '4' }), true],
  [
    'a node grows too little',
    'NodeResourcesFit',
    pod({ cpu: '8' }),
    changed('node-capacity', { cpu: '2' }, { cpu: '4' }),
    false,
  ],
  [
    'a node shrinks',
    'NodeResourcesFit',
    pod({ cpu: '1' }),
    changed('node-capacity', { cpu: '4' }, { cpu: '2' }),
    false,
  ],
  ['a pod goes', 'NodeResourcesFit', pod({ cpu: '1' }), { type: 'pod-removed', pod: pod() }, true],
  [
    'a pod needs less cpu',
    'NodeResourcesFit',
    pod({ cpu: '1' }),
    { type: 'pod-scaled-down', pod: pod(), previous: pod({ cpu: '1' }) },
    true,
  ],
  ['a pod with the port goes', 'NodePorts', pod({ port: 80 }), { type: 'pod-removed', pod: pod({ port: 80 }) }, true],
  [
    'a pod with another port goes',
    'NodePorts',
    pod({ port: 80 }),
    { type: 'pod-removed', pod: pod({ port: 81 }) },
    false,
  ],
  [
    'a matching pod comes',
    'InterPodAffinity',
    pod({ spec: near }),
    { type: 'pod-assigned', pod: pod({ labels: web }) },
    true,
  ],
  ['another pod comes', 'InterPodAffinity', pod({ spec: near }), { type: 'pod-assigned', pod: pod() }, false],
  [
    'a matching pod of another namespace comes',
    'InterPodAffinity',
    pod({ spec: near }),
    { type: 'pod-assigned', pod: pod({ labels: web, namespace: 'b' }) },
    false,
  ],
  [
    'a hated pod goes',
    'InterPodAffinity',
    pod({ spec: apart }),
    { type: 'pod-removed', pod: pod({ labels: web }) },
    true,
  ],
  [
    'a pod that hates it goes',
    'InterPodAffinity',
    pod({ labels: web }),
    { type: 'pod-removed', pod: pod({ spec: apart }) },
    true,
  ],
  ['another pod goes', 'InterPodAffinity', pod({ spec: apart }), { type: 'pod-removed', pod: pod() }, false],
  [
    'a hated pod loses its label',
    'InterPodAffinity',
    pod({ spec: apart }),
    { type: 'pod-labels', pod: pod(), previous: pod({ labels: web }) },
    true,
  ],
  [
    'a like pod goes',
    'PodTopologySpread',
    pod({ spec: spread }),
    { type: 'pod-removed', pod: pod({ labels: web }) },
    true,
  ],
  ['an unlike pod goes', 'PodTopologySpread', pod({ spec: spread }), { type: 'pod-removed', pod: pod() }, false],
  ['a node with a domain', 'PodTopologySpread', pod({ spec: spread }), added({ labels: { zone: 'a' } }), true],
  ['a node without one', 'PodTopologySpread', pod({ spec: spread }), added({}), false],
  [
    'a node moves',
    'PodTopologySpread',
    pod({ spec: spread }),
    changed('node-labels', { labels: { zone: 'a' } }, { labels: { zone: 'b' } }),
    true,
  ],
  [
    'a node gets another label',
    'PodTopologySpread',
    pod({ spec: spread }),
    changed('node-labels', { labels: { zone: 'a' } }, { labels: { zone: 'a', x: 'y' } }),
    false,
  ],
];

for (const [what, name, waiting, event, helps] of cases) {
  t.test(`${name}: ${what}`, async (t) => {
    const plugin = defaultProfile.find((each) => each.name === name)!;
    t.equal(mayHelp(plugin.helpedBy, waiting, event), helps);
  });
}

t.test('a pod with very many terms is tried again instead of compared, after each event that may matter', async (t) => {
  const selector = (i: number) => ({ topologyKey: 'zone', labelSelector: { matchLabels: { [`k${i}`]: 'x' } } });
  const terms = Array.from({ length: 51 }, (_, i) => selector(i));
  const expressions = terms.map((_, i) => ({ matchExpressions: [{ key: `k${i}`, operator: 'Exists' }] }));
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const refused = {
    InterPodAffinity: pod({ spec: { affinity: { podAffinity: { [required]: terms } } } }),
    NodeAffinity: pod({ spec: { affinity: { nodeAffinity: { [required]: { nodeSelectorTerms: expressions } } } } }),
  };
  const helps = (plugin: keyof typeof refused, event: ClusterEvent) =>
    mayHelp(defaultProfile.find(({ name }) => name === plugin)!.helpedBy, refused[plugin], event);
  t.ok(helps('InterPodAffinity', { type: 'pod-assigned', pod: pod() }));
  t.ok(helps('InterPodAffinity', { type: 'pod-labels', pod: pod({ labels: web }), previous: pod() }));
  t.ok(helps('NodeAffinity', added({})));
  t.ok(helps('NodeAffinity', changed('node-labels', {}, { labels: { a: 'b' } })));
});
