// The container runtime of a pod with a RuntimeClass: all its containers have the one of its sandbox.
import t from 'tap';
import { events, runtimeClasses } from '../../../controlplane/api';
import type { ContainerSpec } from '../runtime/runtime';
import { container } from '../spec/pod.fixture';
import { setUp } from './pod-set.fixture';

async function open(t: Parameters<typeof setUp>[0]) {
  const lab = await setUp(t);
  lab.runtime.runtimes.add('kata');
  const created: ContainerSpec[] = [];
  const create = lab.runtime.create.bind(lab.runtime);
  lab.runtime.create = (spec) => {
    created.push(spec);
    return create(spec);
  };
  return {
    ...lab,
    makeClass: (handler: string) => lab.client.create(runtimeClasses, { metadata: { name: 'c' }, handler }),
    handlers: () => created.map(({ name, runtime }) => [name.split('_')[1], runtime]),
  };
}
const spec = { runtimeClassName: 'c', containers: [container('app')] };

t.test('the containers of a pod have the handler of its class', async (t) => {
  const { create, ready, makeClass, handlers, client } = await open(t);
  await makeClass('kata');
  await create('web', spec);
  await ready('web');
  t.same(handlers(), [
    ['POD', 'kata'],
    ['app', 'kata'],
  ]);
  t.same(
    client.requests.filter((request) => request.includes('runtimeclasses')),
    ['create runtimeclasses c', 'get runtimeclasses c'],
  );
});

t.test('a container that is started again has the handler of its sandbox, though the class is gone', async (t) => {
  const { create, ready, until, makeClass, handlers, client, runtime, clock, restart } = await open(t);
  await makeClass('kata');
  await create('web', spec);
  await ready('web');
  await client.delete(runtimeClasses, 'c');
  await restart();
  await ready('web');
  runtime.end(runtime.byName('uid-web', 'app')!.record.id, 1);
  await until('web', (pod) => pod?.status?.containerStatuses?.[0]?.lastState?.terminated !== undefined);
  clock.advance(60_000);
  await until('web', (pod) => pod?.status?.containerStatuses?.[0]?.restartCount === 1);
  t.same(handlers().at(-1), ['app', 'kata']);
  t.equal(handlers().length, 3);
});

t.test('without a class nothing is asked, and Docker chooses', async (t) => {
  const { create, ready, handlers, client } = await open(t);
  await create('web', { containers: [container('app')] });
  await ready('web');
  t.same(handlers(), [
    ['POD', undefined],
    ['app', undefined],
  ]);
  t.notOk(client.requests.some((request) => request.includes('runtimeclasses')));
});

t.test('a class that does not exist is reported, and looked up again', async (t) => {
  const { create, ready, makeClass, handlers, reasons, network, clock } = await open(t);
  await create('web', spec);
  while (!(await reasons()).includes('FailedCreatePodSandBox')) await new Promise((resolve) => setImmediate(resolve));
  t.same(handlers(), [], 'nothing runs in a runtime that the pod did not ask for');
  t.equal(network.taken.size, 0, 'its address is free again');
  await makeClass('kata');
  clock.advance(60_000);
  await ready('web');
  t.same(handlers(), [
    ['POD', 'kata'],
    ['app', 'kata'],
  ]);
});

t.test('a runtime that the node does not have is reported', async (t) => {
  const { create, makeClass, client, reasons, clock, ready, runtime } = await open(t);
  await makeClass('gvisor');
  await create('web', spec);
  while (!(await reasons()).includes('FailedCreatePodSandBox')) await new Promise((resolve) => setImmediate(resolve));
  const event = (await client.list(events)).items.find(({ reason }) => reason === 'FailedCreatePodSandBox');
  t.equal(event?.message, 'Failed to create pod sandbox: unknown or invalid runtime name: gvisor');
  runtime.runtimes.add('gvisor');
  clock.advance(60_000);
  await ready('web');
});
