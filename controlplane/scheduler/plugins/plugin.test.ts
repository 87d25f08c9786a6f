// A plug-in that the scheduler does not know, through all its parts: filter, score, reserve, preBind.
import t, { type Test } from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { MemoryClient } from '../../../test/lib/memory-client';
import type { KindRef } from '../../api/kind';
import { type Node, nodes } from '../../api/node';
import { type Pod, pods } from '../../api/pod';
import { silentLogger } from '../../base/logger';
import { runScheduler } from '../main';
import { defaultProfile } from './default-profile';
import { never, type SchedulerPlugin } from './plugin';

/** Binds pods as the API server does. */
class BindingClient extends MemoryClient {
  override async post<A>(kind: KindRef, key: string, subresource: string, body: unknown): Promise<A> {
    const { target } = body as { target: { name: string } };
    await this.patch(pods, key, 'merge', { spec: { nodeName: target.name } });
    return super.post(kind, key, subresource, body);
  }
}

const pod: Pod = { metadata: { name: 'p', namespace: 'a' }, spec: { containers: [{ name: 'c' }] } };
const node = (name: string): Node => ({
  metadata: { name },
  status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110' } },
});

/** A scheduler with the default plug-ins and this one. It has these nodes before any pod is added. Closed with the test. */
async function start(test: Test, plugin: SchedulerPlugin, ...names: string[]) {
  const client = new BindingClient();
  for (const name of names) await client.create(nodes, node(name));
  const clock = new FakeClock();
  const abort = new AbortController();
  const plugins = [...defaultProfile, plugin];
  const running = runScheduler({ client, clock, log: silentLogger, plugins, random: () => 0 }, abort.signal);
  test.teardown(async () => {
    abort.abort(new Error('test over'));
    await running;
  });
  return { client, clock };
}
const isBound = (found: Pod | undefined) => found?.spec?.nodeName !== undefined;
const scheduled = (found: Pod | undefined) => found?.status?.conditions?.find(({ type }) => type === 'PodScheduled');

t.test('its refusal is reported, and the change that it names leads to the next try', async (t) => {
  const licensed: SchedulerPlugin = {
    name: 'License',
    helpedBy: { 'node-labels': (_, { node }) => node.labels['license'] !== undefined },
    filter:
      () =>
      ({ labels }) =>
        labels['license'] ? undefined : never('node(s) had no license'),
  };
  const { client } = await start(t, licensed, 'n1');
  await client.create(pods, pod);
  const refused = await client.until(pods, 'a/p', (found) => scheduled(found) !== undefined);
  t.match(scheduled(refused)?.message, /^0\/1 nodes are available: 1 node\(s\) had no license\./);
  await client.patch(nodes, 'n1', 'merge', { metadata: { labels: { license: 'yes' } } });
  t.equal((await client.until(pods, 'a/p', isBound))?.spec?.nodeName, 'n1');
});

t.test('its score counts with its weight', async (t) => {
  const last: SchedulerPlugin = {
    name: 'Last',
    helpedBy: {},
    score: { weight: 1000, rate: (_, feasible) => feasible.map(({ name }) => (name === 'n3' ? 100 : 0)) },
  };
  const { client } = await start(t, last, 'n1', 'n2', 'n3');
  await client.create(pods, pod);
  t.equal((await client.until(pods, 'a/p', isBound))?.spec?.nodeName, 'n3');
});

t.test('a reservation is released when preBind fails, and repeated at the next try', async (t) => {
  const calls: string[] = [];
  let failures = 1;
  const disk: SchedulerPlugin = {
    name: 'Disk',
    helpedBy: {},
    reserve({ key }, on) {
      calls.push(`reserve ${key} on ${on.name}`);
      return () => void calls.push('release');
    },
    async preBind({ key }, on) {
      calls.push(`preBind ${key} on ${on}`);
      if (failures-- > 0) throw new Error('the disk is busy');
    },
  };
  const { client, clock } = await start(t, disk, 'n1');
  await client.create(pods, pod);
  const failed = await client.until(pods, 'a/p', (found) => scheduled(found)?.reason === 'SchedulerError');
  t.match(scheduled(failed)?.message, /the disk is busy/);
  t.equal(failed?.spec?.nodeName, undefined, 'a pod whose preBind failed is not bound');
  t.same(calls.splice(0), ['reserve a/p on n1', 'preBind a/p on n1', 'release']);
  clock.advance(1000);
  await client.until(pods, 'a/p', isBound);
  t.same(calls, ['reserve a/p on n1', 'preBind a/p on n1']);
});

t.test('while a decision waits, its pod or its node may go', async (t) => {
  const asked: Array<{ readonly pod: string; readonly go: () => void }> = [];
  let more = Promise.withResolvers<void>();
  const slow: SchedulerPlugin = {
    name: 'Slow',
    helpedBy: {},
    *filter({ pod: { key } }) {
      const { promise, resolve } = Promise.withResolvers<void>();
      asked.push({ pod: key, go: resolve });
      more.resolve();
      yield promise;
      return undefined;
    },
  };
  const next = async () => {
    while (asked.length === 0) {
      await more.promise;
      more = Promise.withResolvers();
    }
    return asked.shift()!;
  };
  const { client, clock } = await start(t, slow, 'n1');
  await client.create(pods, pod);
  const first = await next();
  await client.delete(pods, 'a/p');
  const other = { ...pod, metadata: { name: 'q', namespace: 'a' } };
  await client.create(pods, other);
  first.go();
  const second = await next();
  t.same([first.pod, second.pod], ['a/p', 'a/q'], 'no node is given to the pod that is gone');
  await client.delete(nodes, 'n1');
  await client.create(nodes, node('n2'));
  second.go();
  const again = next();
  clock.advance(1000);
  (await again).go();
  t.equal((await client.until(pods, 'a/q', isBound))?.spec?.nodeName, 'n2');
});
