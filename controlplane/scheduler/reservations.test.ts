import t from 'tap';
import { NodeInfo } from './node-info';
import type { SchedulerPlugin } from './plugins/plugin';
import { podInfo } from './pod-info';
import { reserveAll } from './reservations';

const calls: string[] = [];
const plugin = (name: string, fails = false): SchedulerPlugin => ({
  name,
  helpedBy: {},
  reserve() {
    if (fails) throw new Error(`${name} is full`);
    calls.push(name);
    return () => void calls.push(`release ${name}`);
  },
});
const node = new NodeInfo('n1');
const pod = podInfo({ metadata: { name: 'p', namespace: 'a', uid: 'p' }, spec: { containers: [] } });

t.beforeEach(() => {
  calls.length = 0;
});

t.test('reservations are released once, in reverse order', async (t) => {
  const release = reserveAll([plugin('a'), { name: 'none', helpedBy: {} }, plugin('b')], pod, node);
  t.same(calls.splice(0), ['a', 'b']);
  release();
  release();
  t.same(calls, ['release b', 'release a']);
});

t.test('a plug-in that throws leaves nothing reserved', async (t) => {
  t.throws(() => reserveAll([plugin('a'), plugin('b', true), plugin('c')], pod, node), /b is full/);
  t.same(calls, ['a', 'release a']);
});
