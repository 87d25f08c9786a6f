// Pods near the bounds of the API: a decision about one gives way to other work, however large the cluster is.
import t, { type Test } from 'tap';
import type { Node } from '../api/node';
import type { Pod } from '../api/pod';
import { eventLoop } from '../base/event-loop';
import { finish, type Steps } from '../base/steps';
import { choose } from './choose';
import { NodeInfo } from './node-info';
import { defaultProfile } from './plugins/default-profile';
import { podInfo } from './pod-info';
import { defaultMinCandidates, planPreemption } from './preemption';

const required = 'requiredDuringSchedulingIgnoredDuringExecution';
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';
const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

const pod = (name: string, spec: object = {}): Pod => ({
  metadata: { name, namespace: 'a', uid: name, labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1' } } }], ...spec },
});
const nodes = (spec: object = {}): NodeInfo[] =>
  many(20, (i) => {
    const info = new NodeInfo(`n${i}`);
    info.setNode({
      metadata: { name: `n${i}`, labels: { 'kubernetes.io/hostname': `n${i}` } },
      status: { allocatable: { cpu: '11', memory: '8Gi', pods: '110' } },
    } as Node);
    for (let j = 0; j < 10; j++) info.add(podInfo(pod(`p${i}-${j}`, spec)));
    return info;
  });
const term = (i: number) => ({
  topologyKey: 'kubernetes.io/hostname',
  labelSelector: { matchLabels: { [`key${i}`]: 'x' } },
});
const base = (incoming: Pod, over: object = {}) => ({
  plugins: defaultProfile,
  pod: podInfo(incoming),
  nodes: nodes(),
  namespaceLabels: () => undefined,
  offset: 0,
  random: () => 0,
  ...over,
});

/** The result, and how often the steps waited, if each look at the clock says that the turn has been long. */
function drive<T>(t: Test, steps: Steps<T>): { readonly waits: number; readonly result: T } {
  const looks = t.capture(eventLoop, 'pause', () => Promise.resolve());
  for (let waits = 0; ; waits++) {
    const step = steps.next();
    if (!step.done) continue;
    looks.restore();
    return { waits, result: step.value };
  }
}

const apart = (kind: object) => ({ affinity: { podAntiAffinity: kind } });
const cases: Array<[name: string, incoming: Pod, over: object, waits: number]> = [
  ['a plain pod', pod('plain'), {}, 0],
  [
    'terms of node affinity',
    pod('node-terms', {
      affinity: {
        nodeAffinity: {
          [required]: {
            nodeSelectorTerms: many(1000, (i) => ({ matchExpressions: [{ key: `k${i}`, operator: 'Exists' }] })),
          },
        },
      },
    }),
    {},
    10,
  ],
  [
    'preferred terms of node affinity',
    pod('rather-there', {
      affinity: {
        nodeAffinity: {
          [preferred]: many(1000, (i) => ({
            weight: 1,
            preference: { matchExpressions: [{ key: `k${i}`, operator: 'Exists' }] },
          })),
        },
      },
    }),
    {},
    10,
  ],
  ['terms of anti-affinity', pod('apart', apart({ [required]: many(1000, term) })), {}, 110],
  [
    'preferred terms of anti-affinity',
    pod('rather-apart', apart({ [preferred]: many(1000, (i) => ({ weight: 1, podAffinityTerm: term(i) })) })),
    {},
    100,
  ],
  ['terms of pods that have a node', pod('newcomer'), { nodes: nodes(apart({ [required]: many(100, term) })) }, 20],
];
for (const [name, incoming, over, waits] of cases) {
  t.test(name, async (t) => {
    const found = drive(t, choose(base(incoming, over)));
    t.equal(found.waits, waits);
    t.equal(found.result.node?.name, name === 'terms of node affinity' ? undefined : 'n0');
  });
}

t.test('a preemption gives way before each try', async (t) => {
  const input = base(
    pod('important', { priority: 5, containers: [{ name: 'c', resources: { requests: { cpu: '3' } } }] }),
  );
  const choice = finish(choose(input));
  t.equal(choice.node, undefined, 'it does not fit without a preemption');
  if (choice.node) return;
  const { refusals } = choice;
  const more = { nominated: () => [], isVictim: () => false, minCandidates: defaultMinCandidates, now: 0 };
  const { waits, result } = drive(t, planPreemption({ ...input, ...more, refusals, budgets: [] }));
  t.equal(waits, 20 * 11, 'a node without its pods, and each of them again');
  t.match(result, { node: 'n0', victims: { length: 2 } });
});
