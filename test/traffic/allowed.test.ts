import t from 'tap';
import type { EndedPod, Fault, FaultKind, Move, RequestEnd, Run } from './accounts';
import { announceMs, endingMs, judge, moveMs, nodeGraceMs, noticeMs, unansweredMs } from './allowed';

const pod: EndedPod = { name: 'web-1', address: '10.244.1.5', at: 10_000 };
const lost = (fields: Partial<RequestEnd>): RequestEnd => ({
  at: 11_000,
  tookMs: 100,
  way: 'ClusterIP',
  from: 'pod',
  connection: 'new',
  outcome: 'refused',
  ...fields,
});
const fault = (fields: Partial<Fault>): Fault => ({
  kind: 'pod-kill',
  node: '',
  from: 10_000,
  until: 15_000,
  ...fields,
});
const kill = fault({ killed: [pod] });
const loss = fault({ kind: 'node-loss', node: 'worker-1', until: 80_000, killed: [pod] });

const cases: readonly {
  readonly name: string;
  readonly request: Partial<RequestEnd>;
  readonly faults?: readonly Fault[];
  readonly ended?: readonly EndedPod[];
  readonly moves?: readonly Move[];
  /** Part of the excuse; false: it is not allowed. */
  readonly excuse: string | false;
}[] = [
  { name: 'nothing happened', request: {}, excuse: false },
  { name: 'a fault alone is no excuse', request: {}, faults: [fault({ kind: 'rollout' })], excuse: false },
  {
    name: 'an API server that is down is no excuse',
    request: {},
    faults: [fault({ kind: 'api-down' })],
    excuse: false,
  },
  {
    name: 'a killed kubelet is no excuse',
    request: {},
    faults: [fault({ kind: 'kubelet', node: 'a' })],
    excuse: false,
  },
  { name: 'a killed engine is no excuse', request: {}, faults: [fault({ kind: 'docker', node: 'a' })], excuse: false },
  {
    name: 'a lookup while no dns listens',
    request: { way: 'DNS', via: 'a', outcome: 'timed out' },
    faults: [fault({ kind: 'dns', node: 'a' })],
    excuse: 'through the killed dns',
  },
  {
    name: 'a lookup that began before: its second attempt must be answered',
    request: { way: 'DNS', via: 'a', outcome: 'timed out', at: 9_999, tookMs: 10_000 },
    faults: [fault({ kind: 'dns', node: 'a' })],
    excuse: false,
  },
  {
    name: 'a lookup that began after the dns said that it is ready',
    request: { way: 'DNS', via: 'a', outcome: 'timed out', at: 15_001 },
    faults: [fault({ kind: 'dns', node: 'a' })],
    excuse: false,
  },
  {
    name: 'a wrong answer of the next dns',
    request: { way: 'DNS', via: 'a', outcome: 'wrong answer' },
    faults: [fault({ kind: 'dns', node: 'a' })],
    excuse: false,
  },
  {
    name: 'not the lookup but the pod refuses',
    request: { way: 'headless name', via: 'a', outcome: 'refused', target: '10.244.1.9' },
    faults: [fault({ kind: 'dns', node: 'a' })],
    excuse: false,
  },
  {
    name: 'the dns of another node',
    request: { way: 'DNS', via: 'a', outcome: 'refused' },
    faults: [fault({ kind: 'dns', node: 'b' })],
    excuse: false,
  },

  { name: 'to the killed pod', request: { target: pod.address }, faults: [kill], excuse: 'killed without grace' },
  { name: 'to another pod', request: { target: '10.244.1.6' }, faults: [kill], excuse: false },
  { name: 'to a pod that is not known', request: {}, faults: [kill], excuse: false },
  { name: 'before it was killed', request: { target: pod.address, at: 9_000 }, faults: [kill], excuse: false },
  { name: 'while it was killed', request: { target: pod.address, at: 9_950 }, faults: [kill], excuse: 'killed' },
  {
    name: 'after the kernel has forgotten it',
    request: { target: pod.address, at: 15_001 + noticeMs + unansweredMs },
    faults: [kill],
    excuse: false,
  },
  {
    name: 'to a pod of the lost node, before the controller says that it is not ready',
    request: { target: pod.address, at: 10_000 + nodeGraceMs },
    faults: [{ ...loss, until: 20_000 }],
    excuse: 'killed',
  },
  {
    name: 'to a pod of the lost node, later',
    request: { target: pod.address, at: 10_001 + nodeGraceMs + unansweredMs },
    faults: [{ ...loss, until: 20_000 }],
    excuse: false,
  },
  {
    name: 'on a kept connection to it',
    request: { connection: 'kept', outcome: 'reset', pod: pod.name },
    faults: [kill],
    excuse: 'killed without grace',
  },
  {
    name: 'sent again after a kept connection to it ended',
    request: { connection: 'kept', outcome: 'ok', sentAgain: true, pod: pod.name },
    faults: [kill],
    excuse: 'killed without grace',
  },
  {
    name: 'the Ingress had no answer from it',
    request: { way: 'Ingress', via: 'control', outcome: 'wrong answer', detail: 'status 502 bad gateway' },
    faults: [kill],
    excuse: 'the Ingress sent it',
  },
  {
    name: 'the Ingress got no answer from it in time',
    request: { way: 'Ingress', via: 'control', connection: 'kept', outcome: 'timed out' },
    faults: [kill],
    excuse: 'the Ingress sent it',
  },
  {
    name: 'an ingress that was killed and started again knows no routes',
    request: { way: 'Ingress', via: 'a', outcome: 'wrong answer', detail: 'status 503 just started' },
    faults: [fault({ kind: 'ingress', node: 'a' })],
    excuse: false,
  },
  {
    name: 'the Ingress has no route',
    request: { way: 'Ingress', via: 'control', outcome: 'wrong answer', detail: 'status 404 no rule' },
    faults: [kill],
    excuse: false,
  },
  {
    name: 'a connection to the Ingress is none to the pod',
    request: { way: 'Ingress', via: 'control', connection: 'kept', outcome: 'reset', pod: pod.name },
    faults: [kill],
    excuse: false,
  },

  {
    name: 'refused by the node whose ingress was killed',
    request: { way: 'Ingress', via: 'a' },
    faults: [fault({ kind: 'ingress', node: 'a' })],
    excuse: 'through the killed ingress',
  },
  {
    name: 'refused by another node',
    request: { way: 'Ingress', via: 'b' },
    faults: [fault({ kind: 'ingress', node: 'a' })],
    excuse: false,
  },
  {
    name: 'after the ingress said that it is ready',
    request: { way: 'Ingress', via: 'a', at: 15_001 },
    faults: [fault({ kind: 'ingress', node: 'a' })],
    excuse: false,
  },
  {
    name: 'a node port needs no ingress',
    request: { way: 'NodePort', via: 'a' },
    faults: [fault({ kind: 'ingress', node: 'a' })],
    excuse: false,
  },

  {
    name: 'through the lost node',
    request: { way: 'NodePort', via: 'worker-1', at: 70_000 },
    faults: [loss],
    excuse: 'through the lost node',
  },
  {
    name: 'through another node',
    request: { way: 'NodePort', via: 'control', at: 70_000 },
    faults: [loss],
    excuse: false,
  },
  {
    name: 'to a pod of the lost node',
    request: { at: 45_000, target: pod.address },
    faults: [loss],
    excuse: 'killed without grace',
  },

  {
    name: "the balancer's node is lost, until the next node answers",
    request: { way: 'LoadBalancer', outcome: 'timed out', at: 10_100 },
    faults: [loss],
    moves: [{ at: 12_000, from: 'worker-1', to: 'control' }],
    excuse: 'address moves',
  },
  {
    name: 'the next node answers',
    request: { way: 'LoadBalancer', outcome: 'timed out', at: 12_001 + moveMs },
    faults: [loss],
    moves: [{ at: 12_000, from: 'worker-1', to: 'control' }],
    excuse: false,
  },
  {
    name: 'the next node takes too long',
    request: { way: 'LoadBalancer', outcome: 'timed out', at: 10_001 + announceMs },
    faults: [loss],
    moves: [{ at: 10_001 + announceMs, from: 'worker-1', to: 'control' }],
    excuse: false,
  },
  {
    name: 'another node is lost',
    request: { way: 'LoadBalancer', outcome: 'timed out' },
    faults: [loss],
    moves: [{ at: 11_000, from: 'worker-2', to: 'control' }],
    excuse: false,
  },
  {
    name: 'the kube-proxy that announces is killed: at the move',
    request: { way: 'LoadBalancer', connection: 'kept', outcome: 'reset' },
    faults: [fault({ kind: 'kube-proxy', node: 'a' })],
    moves: [{ at: 11_500, from: 'a', to: 'b' }],
    excuse: 'address moves',
  },
  {
    name: 'the kube-proxy that announces is killed: long before the move',
    request: { way: 'LoadBalancer', connection: 'kept', outcome: 'reset', at: 10_100 },
    faults: [fault({ kind: 'kube-proxy', node: 'a' })],
    moves: [{ at: 13_000, from: 'a', to: 'b' }],
    excuse: false,
  },
  {
    name: 'the address moves back',
    request: { way: 'LoadBalancer', connection: 'kept', outcome: 'reset', at: 17_000 },
    faults: [fault({ kind: 'kube-proxy', node: 'a' })],
    moves: [{ at: 17_200, from: 'b', to: 'a' }],
    excuse: 'address moves',
  },
  {
    name: 'the address moves back when the API server is back',
    request: { way: 'LoadBalancer', connection: 'kept', outcome: 'reset', at: 60_000 },
    faults: [fault({ kind: 'kube-proxy', node: 'a' }), fault({ kind: 'api-down', until: 58_000 })],
    moves: [{ at: 60_200, from: 'b', to: 'a' }],
    excuse: 'address moves',
  },
  {
    name: 'the address moves back without a reason',
    request: { way: 'LoadBalancer', connection: 'kept', outcome: 'reset', at: 60_000 },
    faults: [fault({ kind: 'kube-proxy', node: 'a' }), fault({ kind: 'api-down', from: 16_000, until: 58_000 })],
    moves: [{ at: 60_200, from: 'b', to: 'a' }],
    excuse: false,
  },
  {
    name: 'the address moves without a reason',
    request: { way: 'LoadBalancer', connection: 'kept', outcome: 'reset' },
    faults: [fault({ kind: 'kubelet', node: 'a' })],
    moves: [{ at: 11_000, from: 'a', to: 'b' }],
    excuse: false,
  },
  {
    name: 'the address does not move',
    request: { way: 'LoadBalancer', connection: 'kept', outcome: 'reset' },
    faults: [fault({ kind: 'kube-proxy', node: 'a' })],
    excuse: false,
  },
  {
    name: 'a killed kube-proxy breaks no kept connection of a node port',
    request: { way: 'NodePort', via: 'a', connection: 'kept', outcome: 'reset' },
    faults: [fault({ kind: 'kube-proxy', node: 'a' })],
    moves: [{ at: 11_000, from: 'a', to: 'b' }],
    excuse: false,
  },

  {
    name: 'sent again when an ending pod closed',
    request: { connection: 'kept', outcome: 'ok', sentAgain: true, pod: pod.name },
    ended: [pod],
    excuse: 'ending pod',
  },
  {
    name: 'sent again long after the end',
    request: { connection: 'kept', outcome: 'ok', sentAgain: true, pod: pod.name, at: 10_001 + endingMs },
    ended: [pod],
    excuse: false,
  },
  {
    name: 'sent again when another pod ended',
    request: { connection: 'kept', outcome: 'ok', sentAgain: true, pod: 'web-2' },
    ended: [pod],
    excuse: false,
  },
  {
    name: 'reset by an ending pod in the middle of an answer',
    request: { connection: 'kept', outcome: 'reset', pod: pod.name },
    ended: [pod],
    excuse: false,
  },
  {
    name: 'the Ingress closes no connection for an ending pod',
    request: { way: 'Ingress', via: 'a', connection: 'kept', outcome: 'ok', sentAgain: true, pod: pod.name },
    ended: [pod],
    excuse: false,
  },
];

for (const { name, request, faults = [], ended = [], moves = [], excuse } of cases) {
  t.test(name, async (t) => {
    const run: Run = { requests: [], faults, ended, moves };
    const found = judge(lost(request), run);
    if (excuse === false) t.equal(found, undefined);
    else t.match(found?.why, excuse);
  });
}

t.test('an excuse names the fault that is the reason', async (t) => {
  const run = (fields: Partial<Run>): Run => ({ requests: [], faults: [], ended: [], moves: [], ...fields });
  const faultOf = (request: Partial<RequestEnd>, fields: Partial<Run>): FaultKind | undefined =>
    judge(lost(request), run(fields))?.fault;
  t.equal(faultOf({ target: pod.address }, { faults: [fault({ kind: 'dns', node: 'a' }), kill] }), 'pod-kill');
  t.equal(
    faultOf({ way: 'NodePort', via: 'worker-1' }, { faults: [fault({ kind: 'dns', node: 'a' }), loss] }),
    'node-loss',
  );
  const again = { connection: 'kept', outcome: 'ok', sentAgain: true, pod: pod.name } as const;
  t.equal(faultOf(again, { ended: [pod], faults: [fault({ kind: 'drain', node: 'a' })] }), 'drain');
  t.equal(faultOf(again, { ended: [pod] }), 'rollout');
});
