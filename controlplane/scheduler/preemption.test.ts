import t from 'tap';
import type { Node } from '../api/node';
import type { Pod } from '../api/pod';
import { finish } from '../base/steps';
import { choose } from './choose';
import { NodeInfo } from './node-info';
import { defaultProfile } from './plugins/default-profile';
import { podInfo } from './pod-info';
import { type PreemptionInput, planPreemption } from './preemption';

const now = Date.parse('2026-01-01T01:00:00Z');

interface Shape {
  cpu?: string;
  priority?: number;
  /** Seconds since the pod started. */
  age?: number;
  policy?: string;
  nominated?: string;
  labels?: Record<string, string>;
  antiAffinity?: Record<string, string>;
}
const pod = (name: string, shape: Shape = {}): Pod => ({
  metadata: { name, namespace: 'a', uid: name, labels: shape.labels },
  spec: {
    priority: shape.priority ?? 0,
    preemptionPolicy: shape.policy,
    containers: [{ name: 'c', resources: { requests: { cpu: shape.cpu ?? '1' } } }],
    ...(shape.antiAffinity
      ? {
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: shape.antiAffinity } },
              ],
            },
          },
        }
      : {}),
  },
  status: {
    nominatedNodeName: shape.nominated,
    startTime: new Date(now - (shape.age ?? 60) * 1000).toISOString() as never,
  },
});
function node(name: string, pods: Pod[], over: { cpu?: string; cordoned?: boolean } = {}): NodeInfo {
  const info = new NodeInfo(name);
  info.setNode({
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    spec: { unschedulable: over.cordoned },
    status: { allocatable: { cpu: over.cpu ?? '4', memory: '8Gi', pods: '110' } },
  } as Node);
  for (const each of pods) info.add(podInfo(each));
  return info;
}

function preempt(incoming: Pod, nodes: NodeInfo[], over: Partial<PreemptionInput> = {}) {
  const base = { plugins: defaultProfile, pod: podInfo(incoming), nodes, namespaceLabels: () => undefined, offset: 0 };
  const nominated = over.nominated ?? (() => []);
  const choice = finish(choose({ ...base, random: () => 0, nominated }));
  if (choice.node) return `fits on ${choice.node.name}`;
  const { refusals } = choice;
  const plan = finish(
    planPreemption({ ...base, refusals, nominated, isVictim: () => false, budgets: [], now, ...over }),
  );
  return plan.node === undefined ? plan.message : `${plan.node}: ${plan.victims.map(({ key }) => key.slice(2)).join()}`;
}

const cases: { name: string; nodes: NodeInfo[]; incoming?: Shape; expected: string }[] = [
  {
    name: 'only as many pods as needed are evicted, the least important first',
    nodes: [node('n1', [pod('x', { cpu: '2', priority: 1 }), pod('y'), pod('z', { priority: 2 })])],
    incoming: { cpu: '1' },
    expected: 'n1: y',
  },
  {
    name: 'of equal pods the youngest is evicted',
    nodes: [node('n1', [pod('old', { cpu: '2', age: 500 }), pod('young', { cpu: '2', age: 5 })])],
    incoming: { cpu: '2' },
    expected: 'n1: young',
  },
  {
    name: 'a small pod stays next to a large victim',
    nodes: [node('n1', [pod('large', { cpu: '3', priority: 5 }), pod('small', { cpu: '1', priority: 4 })])],
    incoming: { cpu: '3' },
    expected: 'n1: large',
  },
  {
    name: 'the node whose most important victim is least important',
    nodes: [
      node('n1', [pod('a', { cpu: '4', priority: 9 })]),
      node('n2', [pod('b', { cpu: '2', priority: 8 }), pod('c', { cpu: '2' })]),
    ],
    incoming: { cpu: '4' },
    expected: 'n2: b,c',
  },
  {
    name: 'then the smaller sum of priorities, which counts pods of priority 0 too',
    nodes: [node('n1', [pod('a', { cpu: '2' }), pod('b', { cpu: '2' })]), node('n2', [pod('c', { cpu: '4' })])],
    incoming: { cpu: '4' },
    expected: 'n2: c',
  },
  {
    name: 'then the node whose victims have run for the shortest time',
    nodes: [node('n1', [pod('a', { cpu: '4', age: 90 })]), node('n2', [pod('b', { cpu: '4', age: 30 })])],
    incoming: { cpu: '4' },
    expected: 'n2: b',
  },
  {
    name: 'a pod whose anti-affinity refuses the new pod can be a victim',
    nodes: [node('n1', [pod('loner', { labels: { app: 'db' } }), pod('other')])],
    incoming: { antiAffinity: { app: 'db' } },
    expected: 'n1: loner',
  },
  {
    name: 'no pod is less important',
    nodes: [node('n1', [pod('a', { cpu: '4', priority: 10 })]), node('n2', [pod('b', { cpu: '4', priority: 11 })])],
    expected: '0/2 nodes are available: 2 No preemption victims found for incoming pod.',
  },
  {
    name: 'removals would not help: too small, cordoned, and still too full',
    nodes: [
      node('n1', [], { cpu: '1' }),
      node('n2', [], { cordoned: true }),
      node('n3', [pod('a', { cpu: '1' }), pod('b', { cpu: '3', priority: 10 })]),
    ],
    incoming: { cpu: '2' },
    expected: '0/3 nodes are available: 1 Insufficient cpu, 2 Preemption is not helpful for scheduling.',
  },
  {
    name: 'its preemptionPolicy is Never',
    nodes: [node('n1', [pod('a', { cpu: '4' })])],
    incoming: { policy: 'Never' },
    expected: 'not eligible due to preemptionPolicy=Never.',
  },
];
for (const { name, nodes, incoming, expected } of cases) {
  t.test(name, async (t) => t.equal(preempt(pod('p', { priority: 10, ...incoming }), nodes), expected));
}

t.test('one preemption at a time', async (t) => {
  const nodes = [node('n1', [pod('going', { cpu: '4' })]), node('n2', [pod('b', { cpu: '4' })])];
  const isVictim = ({ uid }: { uid: string }) => uid === 'going';
  const waiting = pod('p', { priority: 10, nominated: 'n1' });
  t.equal(preempt(waiting, nodes, { isVictim }), 'not eligible due to a terminating pod on the nominated node.');
  t.equal(
    preempt(pod('p', { priority: 10 }), nodes, { isVictim }),
    'n1: going',
    'a victim of another preemption may make room too',
  );
});

t.test('a nominated pod keeps its room against pods that are not more important', async (t) => {
  const nodes = [node('n1', [])];
  const nominated = () => [podInfo(pod('first', { cpu: '4', priority: 10, nominated: 'n1' }))];
  t.equal(
    preempt(pod('late', { priority: 10 }), nodes, { nominated }),
    '0/1 nodes are available: 1 No preemption victims found for incoming pod.',
  );
  t.equal(preempt(pod('greater', { priority: 11 }), nodes, { nominated }), 'fits on n1');
  t.equal(preempt(pod('first', { cpu: '4', priority: 10, nominated: 'n1' }), nodes, { nominated }), 'fits on n1');
});

t.test('the nominated node is tried first when the pod fits there', async (t) => {
  const nodes = [node('n1', []), node('n2', [pod('a')])];
  t.equal(preempt(pod('p', { nominated: 'n2' }), nodes), 'fits on n2');
});

t.test('budgets are respected when other victims exist', async (t) => {
  const budget = (allowed: number, ...disrupted: string[]) => ({
    namespace: 'a',
    selector: [{ key: 'app', operator: 'In' as const, values: ['db'] }],
    allowed,
    disrupted: new Set(disrupted),
  });
  const db = (name: string) => pod(name, { cpu: '2', labels: { app: 'db' } });
  const incoming = (cpu: string) => pod('p', { priority: 10, cpu });
  const one = [node('n1', [db('x'), pod('y', { cpu: '2', priority: 5 })])];
  t.equal(preempt(incoming('2'), one, { budgets: [budget(1)] }), 'n1: x');
  t.equal(
    preempt(incoming('2'), one, { budgets: [budget(0)] }),
    'n1: y',
    'a more important pod without a budget is the victim',
  );
  t.equal(
    preempt(incoming('2'), one, { budgets: [budget(0, 'x')] }),
    'n1: x',
    'the budget counts the pod as evicted already',
  );
  const two = [node('n1', [db('a'), db('b')]), node('n2', [pod('c', { cpu: '4', priority: 9 })])];
  t.equal(
    preempt(incoming('4'), two, { budgets: [budget(1)] }),
    'n2: c',
    'another node, although its victim is more important',
  );
  t.equal(
    preempt(incoming('4'), two.slice(0, 1), { budgets: [budget(0)] }),
    'n1: a,b',
    'without other victims the budget is violated',
  );
});
