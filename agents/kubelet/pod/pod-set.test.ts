import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { type Pod, pods } from '../../../controlplane/api';
import { container, mounting } from '../spec/pod.fixture';
import { runtimeGraceMs } from './pod-set';
import { setUp } from './pod-set.fixture';
import { settleMs } from './wire-keeper';

t.test('a restarted kubelet keeps the containers of a pod that has ended: their logs are still read', async (t) => {
  const { create, ready, until, runtime, restart } = await setUp(t);
  await create('job', { restartPolicy: 'Never', containers: [container('app')] });
  await ready('job');
  runtime.end(runtime.byName('uid-job', 'app')!.record.id, 0);
  await until('job', (pod) => pod?.status?.phase === 'Succeeded');
  await restart();
  await create('new', { containers: [container('app')] });
  await ready('new');
  t.equal(runtime.byName('uid-job', 'app')?.record.state, 'exited');
});

t.test('a restarted kubelet restarts no container, and removes pods that the API no longer has', async (t) => {
  const { create, ready, until, runtime, client, restart, network } = await setUp(t);
  await create('stays', { containers: [container('app')] });
  await create('goes', { containers: [container('app')] });
  await Promise.all([ready('stays'), ready('goes')]);
  const before = (await ready('stays'))?.status;
  const calls = runtime.calls.length;
  network.taken.clear();
  const pending = restart();
  await client.delete(pods, 'shop/goes', { gracePeriodSeconds: 0 });
  await pending;
  await until('goes', (pod) => pod === undefined);
  while (runtime.byName('uid-goes', 'POD')) await new Promise((resolve) => setImmediate(resolve));
  await create('new', { containers: [container('app')] });
  const fresh = await ready('new');
  const after = (await ready('stays'))?.status;
  t.equal(after?.podIP, before?.podIP);
  t.same(after?.containerStatuses?.[0]?.containerID, before?.containerStatuses?.[0]?.containerID);
  t.not(fresh?.status?.podIP, after?.podIP);
  t.notOk(runtime.calls.slice(calls).some((call) => /_stays_/.test(call)));
});

t.test('after a restart with another pod range, a pod gets a new sandbox with an address of it', async (t) => {
  const { create, ready, until, restart, network } = await setUp(t);
  await create('web', { containers: [container('app')] });
  await create('stays', { containers: [container('app')] });
  const before = (await ready('web'))!.status!;
  const stays = (await ready('stays'))!.status!;
  network.outside.add(before.podIP!);
  await restart();
  const again = await until('web', ({ status } = {}) => status?.containerStatuses?.[0]?.restartCount === 1);
  t.ok(again?.status?.podIP);
  t.not(again?.status?.podIP, before.podIP);
  t.same((await ready('stays'))?.status?.containerStatuses, stays.containerStatuses, 'others go on');
});

t.test('after a restart of the kubelet a ready container stays ready until its probe fails', async (t) => {
  const { create, ready, runtime, restart, client, clock } = await setUp(t);
  let healthy = true;
  runtime.onExec = () => ({ output: 'no', code: healthy ? 0 : 1 });
  const probe = { exec: { command: ['check'] }, periodSeconds: 1, failureThreshold: 2, timeoutSeconds: 60 };
  await create('web', { containers: [container('app', { startupProbe: probe, readinessProbe: probe })] });
  await clock.armed(1_000);
  clock.advance(1_000);
  await ready('web');
  const before = await client.get<Pod>(pods, 'shop/web');
  healthy = false;
  await restart();
  await create('new', { containers: [container('app')] });
  await ready('new');
  const after = await client.get<Pod>(pods, 'shop/web');
  t.strictSame(after.status?.conditions, before.status?.conditions);
  t.equal(after.status?.containerStatuses?.[0]?.started, true);
});

t.test('wires are completed after a restart, and repaired when they are damaged', async (t) => {
  const { create, ready, until, restart, network, clock, reasons } = await setUp(t);
  await create('web', { containers: [container('app')] });
  const ip = (await ready('web'))!.status!.podIP!;
  network.attached.clear();
  await restart();
  await create('new', { containers: [container('app')] });
  await ready('new');
  t.ok(network.attached.has(ip), 'the kubelet may have ended before the wire was created');
  network.attached.delete(ip);
  network.damage(ip);
  await clock.armed(settleMs);
  clock.advance(settleMs);
  while (!network.attached.has(ip)) await new Promise((resolve) => setImmediate(resolve));
  t.ok((await reasons()).includes('NetworkRestored'));
  const repairs = network.repairs;
  network.damage(undefined);
  await clock.armed(settleMs);
  clock.advance(settleMs);
  while (network.repairs === repairs) await new Promise((resolve) => setImmediate(resolve));
  t.ok(await until('web', (pod) => pod?.status?.podIP === ip));
});

t.test('a short outage of Docker is not reported, a long one is', async (t) => {
  const { runtime, problems, clock } = await setUp(t);
  while (problems.length === 0) await new Promise((resolve) => setImmediate(resolve));
  runtime.disconnect();
  await clock.armed(runtimeGraceMs);
  runtime.reconnect();
  while (problems.length < 2) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(runtimeGraceMs);
  t.strictSame(problems, [undefined, undefined]);
  runtime.disconnect();
  await clock.armed(runtimeGraceMs);
  clock.advance(runtimeGraceMs);
  t.match(problems.at(-1), /container runtime is down/);
});

t.test('a pod whose name is a path is ignored', async (t) => {
  const { create, client, ready, rootDir } = await setUp(t);
  const beside = join(rootDir, 'beside');
  await mkdir(beside);
  const spec = { nodeName: 'n1', containers: [container('app')] };
  await client.create<Pod>(pods, { metadata: { name: 'uid', namespace: 'shop', uid: '../beside' }, spec });
  const name = '../../../../beside/v';
  await create('volume', { containers: [mounting('app', [name])], volumes: [{ name, emptyDir: {} }] });
  await create('container', { containers: [container('../x')] });
  await create('web', { containers: [container('app')] });
  await ready('web');
  await client.delete(pods, 'shop/uid', { gracePeriodSeconds: 0 });
  await client.delete(pods, 'shop/web', { gracePeriodSeconds: 0 });
  while ((await readdir(join(rootDir, 'pods'))).length > 0) await new Promise((resolve) => setImmediate(resolve));
  t.same(await readdir(beside), []);
});
