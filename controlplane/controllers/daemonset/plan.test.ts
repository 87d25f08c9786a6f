import t from 'tap';
import type { DaemonSet } from '../../api/daemon-set';
import type { Node } from '../../api/node';
import type { Pod } from '../../api/pod';
import { renderPod } from './daemon-pod';
import { planDaemonSet } from './plan';
import type { Step } from './types';

const now = Date.parse('2026-01-01T01:00:00Z');
const at = (secondsAgo: number) => new Date(now - secondsAgo * 1000).toISOString();

const set = (spec: Partial<DaemonSet['spec'] & object> = {}, podSpec: object = {}): DaemonSet => ({
  metadata: { name: 'ds', namespace: 'a', uid: 'ds', generation: 3 },
  spec: {
    selector: { matchLabels: { app: 'x' } },
    template: { metadata: { labels: { app: 'x' } }, spec: { containers: [], ...podSpec } },
    ...spec,
  },
});
const node = (name: string, over: { labels?: Record<string, string>; taints?: object[] } = {}): Node =>
  ({ metadata: { name, labels: over.labels }, spec: { taints: over.taints } }) as Node;
interface Shape {
  hash?: string;
  ready?: number;
  phase?: string;
  deleting?: boolean;
  age?: number;
}
const pod = (name: string, on: string, { hash = 'new', ready = 60, phase, deleting, age = 100 }: Shape = {}): Pod => ({
  metadata: {
    name,
    uid: name,
    namespace: 'a',
    labels: { app: 'x', 'controller-revision-hash': hash },
    creationTimestamp: at(age) as never,
    ...(deleting ? { deletionTimestamp: at(1) as never } : {}),
  },
  spec: { nodeName: on, containers: [] },
  status: {
    phase: phase ?? 'Running',
    conditions: [{ type: 'Ready', status: ready >= 0 ? 'True' : 'False', lastTransitionTime: at(ready) as never }],
  },
});
const text = (step: Step) => (step.action === 'create' ? `create ${step.node}` : `delete ${step.pod.metadata?.name}`);
const surge = (maxSurge: number | string) =>
  set({
    updateStrategy: {
      type: 'RollingUpdate',
      rollingUpdate: { maxSurge: maxSurge as never, maxUnavailable: 0 as never },
    },
  });
const gpu = { labels: { gpu: 'yes' } };
const tainted = (effect: string) => ({ taints: [{ key: 'k', effect }] });

const cases: { name: string; set?: DaemonSet; nodes: Node[]; pods?: Pod[]; expected: string[]; status?: object }[] = [
  { name: 'one on each node', nodes: [node('n1'), node('n2')], pods: [pod('a', 'n1')], expected: ['create n2'] },
  {
    name: 'only on nodes that the selector matches; other pods are deleted',
    set: set({}, { nodeSelector: { gpu: 'yes' } }),
    nodes: [node('n1', gpu), node('n2')],
    pods: [pod('b', 'n2')],
    expected: ['delete b', 'create n1'],
    status: { desiredNumberScheduled: 1, currentNumberScheduled: 0, numberMisscheduled: 1 },
  },
  {
    name: 'not created on a tainted node, but an existing pod stays',
    nodes: [node('n1', tainted('NoSchedule')), node('n2', tainted('NoSchedule'))],
    pods: [pod('a', 'n1')],
    expected: [],
    status: { desiredNumberScheduled: 0, numberMisscheduled: 1 },
  },
  {
    name: 'NoExecute deletes the pod',
    nodes: [node('n1', tainted('NoExecute'))],
    pods: [pod('a', 'n1')],
    expected: ['delete a'],
  },
  {
    name: 'a tolerated taint has no effect',
    set: set({}, { tolerations: [{ key: 'k', operator: 'Exists' }] }),
    nodes: [node('n1', tainted('NoExecute'))],
    expected: ['create n1'],
  },
  {
    name: 'a cordoned or silent node keeps its pods',
    nodes: [
      node('n1', { taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] }),
      node('n2', { taints: [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }] }),
    ],
    pods: [pod('b', 'n2', { ready: -1 })],
    expected: ['create n1'],
  },
  { name: 'never two at the same time', nodes: [node('n1')], pods: [pod('a', 'n1', { deleting: true })], expected: [] },
  {
    name: 'of two pods the older ready pod stays',
    nodes: [node('n1')],
    pods: [pod('young', 'n1', { age: 5 }), pod('old', 'n1'), pod('broken', 'n1', { age: 500, ready: -1 })],
    expected: ['delete young', 'delete broken'],
  },
  {
    name: 'a finished pod is deleted',
    nodes: [node('n1')],
    pods: [pod('a', 'n1', { phase: 'Failed' })],
    expected: ['delete a'],
  },
  {
    name: 'an update replaces one pod at a time',
    nodes: [node('n1'), node('n2')],
    pods: [pod('a', 'n1', { hash: 'old' }), pod('b', 'n2', { hash: 'old' })],
    expected: ['delete a'],
    status: { numberReady: 2, numberAvailable: 2 },
  },
  {
    name: 'an update waits for the new pod',
    nodes: [node('n1'), node('n2')],
    pods: [pod('a', 'n1', { ready: -1 }), pod('b', 'n2', { hash: 'old' })],
    expected: [],
    status: { updatedNumberScheduled: 1, numberUnavailable: 1 },
  },
  {
    name: 'an old pod that is not ready is always replaced',
    nodes: [node('n1'), node('n2')],
    pods: [pod('a', 'n1', { ready: -1 }), pod('b', 'n2', { hash: 'old', ready: -1 })],
    expected: ['delete b'],
  },
  {
    name: 'a percentage is rounded up',
    set: set({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '40%' as never } } }),
    nodes: ['n1', 'n2', 'n3'].map((name) => node(name)),
    pods: ['n1', 'n2', 'n3'].map((name) => pod(name, name, { hash: 'old' })),
    expected: ['delete n1', 'delete n2'],
  },
  {
    name: 'a surge creates new pods before old ones go',
    set: surge(1),
    nodes: [node('n1'), node('n2')],
    pods: [pod('a', 'n1', { hash: 'old' }), pod('b', 'n2', { hash: 'old' })],
    expected: ['create n1'],
    status: { numberAvailable: 2, numberUnavailable: undefined },
  },
  {
    name: 'a surge waits for the new pod',
    set: surge(1),
    nodes: [node('n1'), node('n2')],
    pods: [pod('a', 'n1', { hash: 'old' }), pod('a2', 'n1', { ready: -1, age: 5 }), pod('b', 'n2', { hash: 'old' })],
    expected: [],
    status: { updatedNumberScheduled: undefined, numberAvailable: 2 },
  },
  {
    name: 'a surge deletes the old pod when the new one is available',
    set: surge(1),
    nodes: [node('n1'), node('n2')],
    pods: [pod('a', 'n1', { hash: 'old' }), pod('a2', 'n1', { age: 5 }), pod('b', 'n2', { hash: 'old' })],
    expected: ['delete a'],
  },
  {
    name: 'a surge deletes an old pod that is not ready when it has a successor',
    set: surge(1),
    nodes: [node('n1')],
    pods: [pod('a', 'n1', { hash: 'old', ready: -1 }), pod('a2', 'n1', { ready: -1, age: 5 })],
    expected: ['delete a'],
  },
  {
    name: 'beyond its bound a surge creates pods where the old one is not available',
    set: surge('50%'),
    nodes: ['n1', 'n2', 'n3'].map((name) => node(name)),
    pods: ['n1', 'n2', 'n3'].map((name) => pod(name, name, { hash: 'old', ready: name === 'n3' ? -1 : 60 })),
    expected: ['create n3', 'create n1', 'create n2'],
  },
  {
    name: 'a surge keeps one pod of each template on a node',
    set: surge(1),
    nodes: [node('n1')],
    pods: [
      pod('a', 'n1', { hash: 'old' }),
      pod('b', 'n1', { hash: 'old', age: 50 }),
      pod('c', 'n1', { ready: -1, age: 5 }),
      pod('d', 'n1', { ready: -1, age: 4 }),
    ],
    expected: ['delete b', 'delete d'],
  },
  {
    name: 'a surge does not wait for a pod that is being deleted',
    set: surge(1),
    nodes: [node('n1')],
    pods: [pod('a', 'n1', { deleting: true })],
    expected: ['create n1'],
  },
  {
    name: 'a node that should not run the pod any more keeps it until there are enough elsewhere',
    set: surge(1),
    nodes: [node('n1'), node('n2', tainted('NoSchedule'))],
    pods: [pod('a', 'n1', { ready: -1 }), pod('b', 'n2', { hash: 'old' })],
    expected: [],
  },
  {
    name: 'then it goes',
    set: surge(1),
    nodes: [node('n1'), node('n2', tainted('NoSchedule'))],
    pods: [pod('a', 'n1'), pod('b', 'n2', { hash: 'old' })],
    expected: ['delete b'],
  },
  {
    name: 'OnDelete replaces no pod',
    set: set({ updateStrategy: { type: 'OnDelete' } }),
    nodes: [node('n1')],
    pods: [pod('a', 'n1', { hash: 'old' })],
    expected: [],
  },
];
for (const { name, set: daemons = set(), nodes, pods = [], expected, status } of cases) {
  t.test(name, async (t) => {
    const plan = planDaemonSet({ set: daemons, nodes, pods, hash: 'new', now });
    t.same(plan.steps.map(text), expected);
    if (status) t.has(plan.status, status);
    const settled = { ...daemons, status: JSON.parse(JSON.stringify(plan.status)) };
    t.equal(
      planDaemonSet({ set: settled, nodes, pods, hash: 'new', now }).status,
      undefined,
      'an unchanged status is not written again',
    );
  });
}

t.test('the time until a pod has been ready long enough', async (t) => {
  const input = { set: set({ minReadySeconds: 90 }), nodes: [node('n1')], pods: [pod('a', 'n1')], hash: 'new', now };
  const { againInMs, status } = planDaemonSet(input);
  t.equal(againInMs, 30_000);
  t.equal(status?.numberAvailable, undefined, 'zero is left out');
  t.equal(status?.numberReady !== undefined, true, 'required counts are always written');
});

t.test('the pod for one node', async (t) => {
  const podSpec = { affinity: { podAntiAffinity: {} }, hostNetwork: true };
  const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'ds', uid: 'ds' };
  const { metadata, spec } = renderPod(set({}, podSpec), 'n1', 'h', owner);
  t.match(metadata, { generateName: 'ds-', labels: { app: 'x', 'controller-revision-hash': 'h' } });
  t.same(
    spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields,
    [{ key: 'metadata.name', operator: 'In', values: ['n1'] }],
  );
  t.ok(spec?.affinity?.podAntiAffinity, 'the rest of the affinity stays');
  t.equal(spec?.tolerations?.length, 7, 'a pod in the host network has one more toleration');
});
