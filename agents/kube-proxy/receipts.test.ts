// Receipts are written seldom, and never without need: with an API in memory and a clock that the test moves.
import t, { type Test } from 'tap';
import { type EndpointSlice, endpointSlices, leases, nodes, type Service, services } from '../../controlplane/api';
import { parseReceipt, type Receipt } from '../../controlplane/api/services/programmed';
import { silentLogger } from '../../controlplane/base/logger';
import { createInformer } from '../../controlplane/client/informer';
import { FakeClock } from '../../test/lib/fake-clock';
import { MemoryClient } from '../../test/lib/memory-client';
import { Receipts } from './receipts';

const log = silentLogger;
const key = 'kube-node-lease/kube-proxy-n1';
const service = (name: string, status: Service['status'] = {}): Service => ({
  metadata: { name, namespace: 'shop', generation: 1 },
  spec: { clusterIP: '10.96.0.7' },
  status,
});
const isTrue = { type: 'Programmed', status: 'True', observedGeneration: 1 } as never;
const slice: EndpointSlice = {
  metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  endpoints: [],
};

async function start(test: Test, client: MemoryClient) {
  const stop = new AbortController();
  const clock = new FakeClock();
  const informers = {
    services: createInformer(client, services, { log }),
    slices: createInformer(client, endpointSlices, { log }),
    nodes: createInformer(client, nodes, { log }),
  };
  const receipts = new Receipts({ client, nodeName: 'n1', ...informers, clock, log });
  const running = [...Object.values(informers), receipts].map((part) => part.run(stop.signal));
  const end = async () => {
    stop.abort(new Error('test over'));
    await Promise.allSettled(running);
  };
  test.teardown(end);
  await Promise.all(Object.values(informers).map((informer) => informer.synced(stop.signal)));
  return {
    clock,
    end,
    /** One write of everything that exists, once the informers have it. */
    async sync(revision: number): Promise<void> {
      while (informers.services.revision < revision && informers.slices.revision < revision) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      receipts.taken();
      receipts.written();
    },
    async pass(ms: number): Promise<void> {
      await clock.armed(ms);
      clock.advance(ms);
    },
  };
}

const revisionOf = ({ metadata }: { metadata?: { resourceVersion?: string } }) => Number(metadata?.resourceVersion);
const receiptOf = async (client: MemoryClient, holds: (receipt: Receipt) => boolean) => {
  const lease = await client.until(leases, key, (one) => {
    const receipt = one && parseReceipt(one);
    return receipt !== undefined && holds(receipt);
  });
  return parseReceipt(lease!);
};
const writes = (client: MemoryClient) => client.requests.filter((one) => /^(patch|create) leases/.test(one)).length;

t.test('the first receipt comes by itself, later ones when a Service awaits them', async (t) => {
  const client = new MemoryClient();
  await client.create(nodes, { metadata: { name: 'n1', uid: 'u1' } });
  const first = await client.create(services, service('web'));
  const proxy = await start(t, client);
  await proxy.sync(revisionOf(first));
  await proxy.pass(50);
  t.match(await receiptOf(client, () => true), { node: 'n1', services: revisionOf(first) });
  t.match((await client.get(leases, key)).metadata?.ownerReferences, [{ name: 'n1', uid: 'u1' }]);

  // Ten changes, each in the kernel at once: one write after the pause.
  const before = writes(client);
  let last = first;
  for (let i = 0; i < 10; i++) {
    last = await client.create(services, service(`more-${i}`));
    await proxy.sync(revisionOf(last));
  }
  await proxy.pass(500);
  await proxy.pass(50);
  await receiptOf(client, (receipt) => receipt.services === revisionOf(last));
  t.equal(writes(client), before + 1);

  // A Service that is already programmed gets no receipt for a change of its status or of one of its slices.
  await proxy.pass(500);
  const done = await client.update(services, { ...first, status: { conditions: [isTrue] } });
  await proxy.sync(revisionOf(done));
  const changed = await client.create(endpointSlices, slice);
  await proxy.sync(revisionOf(changed));
  await new Promise((resolve) => setImmediate(resolve));
  t.same(proxy.clock.pending(), [], 'nothing is planned');
  t.equal(writes(client), before + 1);
});

t.test('a restart writes nothing unless a Service waits', async (t) => {
  const client = new MemoryClient();
  const web = await client.create(services, service('web'));
  const one = await start(t, client);
  await one.sync(revisionOf(web));
  await one.pass(50);
  await receiptOf(client, () => true);
  await one.end();
  await client.update(services, { ...web, status: { conditions: [isTrue] } });
  const before = writes(client);
  const two = await start(t, client);
  await two.sync(revisionOf(web));
  await two.pass(50);
  await two.clock.armed(500);
  t.equal(writes(client), before);
  t.ok(client.requests.includes(`get leases ${key}`), 'it has read its stored receipt');
});

t.test('the changes of a failed synchronisation are not reported; a failed write is tried again', async (t) => {
  const client = new MemoryClient();
  const web = await client.create(services, service('web'));
  const proxy = await start(t, client);
  t.same(proxy.clock.pending(), [], 'nothing is in the kernel yet');
  client.down = true;
  await proxy.sync(revisionOf(web));
  await proxy.pass(50);
  await proxy.clock.armed(500);
  t.equal(writes(client), 0);
  client.down = false;
  await proxy.pass(500);
  await proxy.pass(50);
  t.match(await receiptOf(client, () => true), { services: revisionOf(web) });
});
