import t from 'tap';
import { FakeClock } from '../../test/lib/fake-clock';
import type { Node } from '../api/node';
import type { Pod } from '../api/pod';
import type { ClusterEvent } from './events';
import { nodeInfo } from './node-info';
import { defaultProfile } from './plugins/default-profile';
import { podInfo } from './pod-info';
import { SchedulingQueue, unschedulableMs } from './queue';

const pod = (name: string, priority = 0) =>
  podInfo({ metadata: { name, namespace: 'a', uid: name }, spec: { priority, containers: [] } } as Pod);

const asking = (name: string, cpu: string, over: object = {}) =>
  podInfo({
    metadata: { name, namespace: 'a', uid: name },
    spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }], ...over },
  } as Pod);
const node = (spec: object = {}, cpu = '4') =>
  nodeInfo({ metadata: { name: 'n' }, spec, status: { allocatable: { cpu, pods: '9' } } } as Node);
const taint = { key: 'k', effect: 'NoSchedule' };
const added: ClusterEvent = { type: 'node-added', node: node() };
const untainted: ClusterEvent = { type: 'node-taints', node: node(), previous: node({ taints: [taint] }) };
const removed: ClusterEvent = { type: 'pod-removed', pod: asking('gone', '1') };
const scaledDown: ClusterEvent = { type: 'pod-scaled-down', pod: asking('x', '1'), previous: asking('x', '2') };

function start() {
  const clock = new FakeClock();
  const queue = new SchedulingQueue(clock, { profiles: new Map([['default-scheduler', defaultProfile]]) });
  return { clock, queue, pop: () => queue.pop()?.pod.metadata?.name };
}

t.test('priority first, then the order of arrival', async (t) => {
  const { queue, pop } = start();
  queue.add(pod('a'));
  queue.add(pod('b'));
  queue.add(pod('vip', 100));
  t.same([pop(), pop(), pop(), pop()], ['vip', 'a', 'b', undefined]);
});

t.test('a refused pod returns only after a change that may help', async (t) => {
  const { queue, pop } = start();
  queue.add(pod('a'));
  pop();
  queue.unschedulable('a/a', new Set(['NodeResourcesFit']));
  queue.changed(untainted);
  t.equal(pop(), undefined);
  queue.changed(removed);
  t.equal(pop(), 'a');
  queue.unschedulable('a/a', new Set(['TaintToleration']));
  queue.changed(added);
  t.equal(pop(), 'a', 'the pod tolerates all taints of the new node');
});

t.test('a pod for which resources lacked returns when a resize has left room', async (t) => {
  const { queue, pop } = start();
  for (const [name, plugin] of [
    ['a', 'NodeResourcesFit'],
    ['b', 'TaintToleration'],
  ] as const) {
    queue.add(asking(name, '1'));
    pop();
    queue.unschedulable(`a/${name}`, new Set([plugin]));
  }
  queue.changed(scaledDown);
  t.same([pop(), pop()], ['a', undefined]);
});

t.test('a pod that changed itself is tried at once', async (t) => {
  const { queue, pop } = start();
  queue.add(pod('a'));
  pop();
  queue.unschedulable('a/a', new Set(['NodeAffinity']));
  queue.refresh(pod('a'));
  t.equal(pop(), undefined, 'a new status changes nothing');
  queue.add(pod('a'));
  t.equal(pop(), 'a');
});

t.test('a failed write waits for its back-off, which grows', async (t) => {
  const { queue, clock, pop } = start();
  queue.add(pod('a'));
  for (const wait of [1000, 2000, 4000, 8000, 10_000, 10_000]) {
    t.equal(pop(), 'a');
    queue.failed('a/a');
    queue.changed(added);
    t.equal(pop(), undefined, 'no event shortens the back-off');
    t.same(clock.pending(), [wait]);
    clock.advance(wait);
  }
});

t.test('without an event the pod is tried again after five minutes', async (t) => {
  const { queue, clock, pop } = start();
  queue.add(pod('a'));
  pop();
  queue.unschedulable('a/a', new Set(['NodeResourcesFit']));
  t.same(clock.pending(), [unschedulableMs]);
  clock.advance(unschedulableMs);
  t.equal(pop(), 'a');
});

t.test('active pods come before pods in backoff', async (t) => {
  const { queue, pop } = start();
  queue.add(pod('old'));
  pop();
  queue.unschedulable('a/old', new Set(['NodeResourcesFit']));
  queue.changed(removed);
  queue.add(pod('new'));
  t.same([pop(), pop()], ['new', 'old']);
});

t.test('pop returns a pod only once, and never a removed pod', async (t) => {
  const { queue, pop } = start();
  queue.add(pod('a'));
  t.equal(pop(), 'a');
  queue.add(pod('a'));
  t.equal(pop(), undefined);
  queue.add(pod('b'));
  queue.remove('a/b');
  t.equal(pop(), undefined);
  t.equal(queue.size, 1);
});

t.test('ready wakes for a new pod, for a helpful change, and on abort', async (t) => {
  const { queue, pop } = start();
  const abort = new AbortController();
  const first = queue.ready(abort.signal);
  queue.add(pod('a'));
  await first;
  pop();
  queue.unschedulable('a/a', new Set(['NodeResourcesFit']));
  const second = queue.ready(abort.signal);
  queue.changed(removed);
  await second;
  pop();
  const third = queue.ready(abort.signal);
  abort.abort();
  await third;
  t.equal(queue.size, 1);
});

t.test('a change during a try is not lost', async (t) => {
  const { queue, pop } = start();
  queue.add(pod('a'));
  pop();
  queue.changed(removed);
  queue.unschedulable('a/a', new Set(['NodeResourcesFit']));
  t.equal(pop(), 'a');
  queue.unschedulable('a/a', new Set(['NodeResourcesFit']));
  t.equal(pop(), undefined, 'only once');
  await queue.ready(AbortSignal.abort());
});

t.test('a pod that changes during its try is tried again', async (t) => {
  const { queue } = start();
  queue.add(pod('a'));
  t.equal(queue.pop()?.key, 'a/a');
  queue.add(pod('a'));
  queue.unschedulable('a/a', new Set(['NodeAffinity']));
  t.equal(queue.pop()?.key, 'a/a', 'the decision does not know the change');
  queue.unschedulable('a/a', new Set(['NodeAffinity']));
  t.equal(queue.pop(), undefined, 'only once');
});
