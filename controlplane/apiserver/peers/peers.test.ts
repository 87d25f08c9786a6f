// Several servers behind Service default/kubernetes, over one store.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { countingClient } from '../../../test/lib/counting-client';
import { FakeClock } from '../../../test/lib/fake-clock';
import { type EndpointSlice, type Endpoints, endpointSlices, endpoints } from '../../api/index';
import { type Lease, leases } from '../../api/lease';
import { Conflict, Unavailable } from '../../base/errors';
import { silentLogger as log } from '../../base/logger';
import type { Client } from '../../client/client';
import { createClient } from '../../client/rest-client';
import { openStore } from '../../store/open';
import { Peers, renewMs, retryMs } from './peers';

const key = 'default/kubernetes';
const [a, b, c] = ['192.0.2.1', '192.0.2.2', '192.0.2.3'] as const;

/** One API server whose own address is loopback, so that only the servers of the test write. */
class Cluster {
  readonly clock = new FakeClock(Date.now());
  readonly writes: string[] = [];
  private running = 0;

  constructor(
    readonly server: TestServer,
    readonly client: Client,
  ) {}

  /** `down`: its requests fail, as if it were dead. */
  join(advertiseAddress: string, wrap: (client: Client) => Client = (client) => client) {
    const state = { down: false };
    const failing = new Proxy(this.client, {
      get: (target, name: keyof Client) =>
        state.down
          ? async () => {
              throw new Unavailable('down');
            }
          : (target[name] as (...args: unknown[]) => unknown).bind(target),
    });
    const client = wrap(countingClient(failing, (what) => this.writes.push(what)));
    const identity = { hostname: 'host', advertiseAddress, instance: advertiseAddress };
    const peers = new Peers({ client, cache: this.server.cache, clock: this.clock, log, identity, port: 6443 });
    return {
      open: async () => {
        await peers.open();
        this.running++;
        await this.settled();
      },
      leave: async () => {
        this.running--;
        await peers.leave();
      },
      state,
    };
  }

  /** All loops of the servers sleep: what they had to do is done. */
  async settled(): Promise<void> {
    while (this.clock.pending().filter((ms) => ms === retryMs).length < this.running)
      await new Promise((resolve) => setImmediate(resolve));
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += retryMs) {
      this.clock.advance(retryMs);
      await this.settled();
    }
  }

  async addresses(): Promise<readonly string[]> {
    const { subsets } = await this.client.get<Endpoints>(endpoints, key);
    const slice = await this.client.get<EndpointSlice>(endpointSlices, key);
    const listed = subsets?.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip)) ?? [];
    t.strictSame(
      (slice.endpoints ?? []).flatMap(({ addresses }) => addresses),
      listed,
      'both objects agree',
    );
    return listed;
  }

  async versions(): Promise<readonly unknown[]> {
    const found = [await this.client.get(endpoints, key), await this.client.get(endpointSlices, key)];
    return found.map(({ metadata }) => [metadata?.uid, metadata?.resourceVersion]);
  }

  async leases(): Promise<readonly Lease[]> {
    const labelSelector = 'apiserver.kubernetes.io/identity=kube-apiserver';
    const { items } = await this.client.list(leases, { namespace: 'kube-system', labelSelector });
    return items.filter(({ metadata }) => metadata?.annotations?.['k8ts.io/advertise-address'] !== undefined);
  }
}

t.setTimeout(120_000);
let server: TestServer;
t.before(async () => {
  server = await startApiServer({ advertiseAddress: '127.0.0.1' });
});
t.teardown(() => server.close());

/** Without what the test before left. */
async function start(): Promise<Cluster> {
  const transport = server.api.transport({ name: 'system:apiserver', groups: ['system:masters'] });
  const cluster = new Cluster(server, createClient(transport));
  for (const { metadata } of await cluster.leases())
    await cluster.client.delete(leases, `kube-system/${metadata?.name}`);
  await cluster.client.delete(endpoints, key).catch(() => {});
  await cluster.client.delete(endpointSlices, key).catch(() => {});
  return cluster;
}

t.test('a server at a loopback address has a Lease and writes no endpoints', async (t) => {
  const { client } = await start();
  await t.rejects(client.get(endpoints, key), { code: 'NotFound' });
  const { items } = await client.list(leases, { namespace: 'kube-system' });
  t.match(items, [{ metadata: { name: /^apiserver-/ } }]);
});

t.test('servers join, one dies, one stops', async (t) => {
  const cluster = await start();
  const [first, second, third] = [cluster.join(a), cluster.join(b), cluster.join(c)];
  t.teardown(() => Promise.all([first, second, third].map((server) => server.leave())));
  await first.open();
  t.strictSame(await cluster.addresses(), [a]);
  await third.open();
  await second.open();
  t.strictSame(await cluster.addresses(), [a, b, c], 'no server removes another one');
  t.equal((await cluster.leases()).length, 3);
  await cluster.pass(60_000);
  t.strictSame(await cluster.addresses(), [a, b, c]);
  second.state.down = true;
  await cluster.pass(26_000);
  t.strictSame(await cluster.addresses(), [a, c], 'the dead one is removed');
  second.state.down = false;
  await cluster.pass(retryMs);
  t.strictSame(await cluster.addresses(), [a, b, c], 'and comes back');
  await third.leave();
  t.strictSame(await cluster.addresses(), [a, b], 'at once');
  t.equal((await cluster.leases()).length, 2);
  await cluster.pass(30_000);
  t.strictSame(await cluster.addresses(), [a, b]);
});

t.test('without a change only the Leases are written', async (t) => {
  const cluster = await start();
  const servers = [cluster.join(a), cluster.join(b)];
  t.teardown(() => Promise.all(servers.map((server) => server.leave())));
  for (const server of servers) await server.open();
  await cluster.pass(renewMs);
  cluster.writes.length = 0;
  const before = await cluster.versions();
  await cluster.pass(6 * renewMs);
  t.strictSame(await cluster.versions(), before);
  t.ok(
    cluster.writes.every((what) => what.includes('leases')),
    cluster.writes.join('\n'),
  );
  t.equal(cluster.writes.length, 12, 'each Lease every ten seconds');
});

t.test('the only server stops and starts: nothing changes', async (t) => {
  const cluster = await start();
  const first = cluster.join(a);
  await first.open();
  const before = await cluster.versions();
  const [lease] = await cluster.leases();
  await first.leave();
  t.strictSame(await cluster.versions(), before);
  const again = cluster.join(a);
  await again.open();
  t.teardown(() => again.leave());
  await cluster.pass(60_000);
  t.strictSame(await cluster.versions(), before);
  t.strictSame(
    (await cluster.leases()).map(({ metadata }) => metadata?.uid),
    [lease?.metadata?.uid],
  );
});

t.test('all servers lose their store for a minute: no server removes another one', async (t) => {
  const cluster = await start();
  const servers = [cluster.join(a), cluster.join(b), cluster.join(c)];
  t.teardown(() => Promise.all(servers.map((server) => server.leave())));
  for (const server of servers) {
    await server.open();
    await cluster.pass(3_000);
  }
  const before = await cluster.versions();
  for (const lostMs of [60_000, 8_000, 13_000, 4_000]) {
    for (const { state } of servers) state.down = true;
    await cluster.pass(lostMs);
    for (const { state } of servers) {
      state.down = false;
      await cluster.pass(retryMs);
    }
    await cluster.pass(30_000);
    t.strictSame(await cluster.versions(), before, `${lostMs} ms`);
  }
});

t.test('a frozen process does not judge the others when it wakes', async (t) => {
  const cluster = await start();
  const servers = [cluster.join(a), cluster.join(b)];
  t.teardown(() => Promise.all(servers.map((server) => server.leave())));
  for (const server of servers) await server.open();
  await cluster.pass(renewMs);
  const before = await cluster.versions();
  for (const jumpMs of [9_000, 60_000, 3_600_000]) {
    cluster.clock.jump(jumpMs);
    cluster.clock.advance(0);
    await cluster.settled();
    await cluster.pass(retryMs);
    await cluster.pass(20_000);
    t.strictSame(await cluster.versions(), before, `${jumpMs} ms`);
  }
});

t.test('objects that a client changes or deletes are repaired', async (t) => {
  const cluster = await start();
  const first = cluster.join(a);
  await first.open();
  t.teardown(() => first.leave());
  await cluster.client.delete(endpoints, key);
  await cluster.client.delete(endpointSlices, key);
  await cluster.pass(renewMs);
  t.strictSame(await cluster.addresses(), [a]);
  const found = await cluster.client.get<Endpoints>(endpoints, key);
  await cluster.client.update<Endpoints>(endpoints, { ...found, subsets: [{ addresses: [{ ip: '192.0.2.66' }] }] });
  await cluster.pass(renewMs);
  t.strictSame(await cluster.addresses(), [a]);
});

t.test('a write that another server was faster with begins again', async (t) => {
  const cluster = await start();
  const first = cluster.join(a);
  await first.open();
  let conflicts = 0;
  const second = cluster.join(b, (client) =>
    Object.assign(Object.create(client), {
      update: async (...args: Parameters<Client['update']>) => {
        if (args[0].plural === 'endpointslices' && conflicts++ === 0) throw new Conflict('another write');
        return client.update(...args);
      },
    }),
  );
  t.teardown(() => Promise.all([first, second].map((server) => server.leave())));
  await second.open();
  t.equal(conflicts, 2);
  t.strictSame(await cluster.addresses(), [a, b]);
});

t.test('a Lease elsewhere with the name of a server says nothing', async (t) => {
  const cluster = await start();
  const servers = [cluster.join(a), cluster.join(b)];
  t.teardown(() => Promise.all(servers.map((server) => server.leave())));
  for (const server of servers) await server.open();
  for (const { metadata } of await cluster.leases()) {
    const copy = { metadata: { namespace: 'default', name: metadata?.name } };
    await cluster.client.create<Lease>(leases, copy);
    await cluster.client.delete(leases, `default/${copy.metadata.name}`);
  }
  await cluster.pass(renewMs);
  t.strictSame(await cluster.addresses(), [a, b]);
});

t.test('a Lease that was not renewed for an hour is removed', async (t) => {
  const cluster = await start();
  const old = cluster.join(b);
  await old.open();
  old.state.down = true;
  const first = cluster.join(a);
  await first.open();
  t.teardown(() => first.leave());
  await cluster.pass(60_000);
  t.equal((await cluster.leases()).length, 2);
  await old.leave();
  cluster.clock.jump(3_600_000);
  await cluster.pass(40_000);
  t.strictSame(
    (await cluster.leases()).map(({ metadata }) => metadata?.annotations?.['k8ts.io/advertise-address']),
    [a],
  );
});

t.test('two API servers over one store', async (t) => {
  const store = await openStore({ kind: 'memory' });
  t.teardown(() => store.close());
  const first = await startApiServer({ store, advertiseAddress: a });
  t.teardown(() => first.close());
  const second = await startApiServer({ store, advertiseAddress: b });
  const { json } = await first.call('GET', '/api/v1/namespaces/default/endpoints/kubernetes');
  t.strictSame(json.subsets[0].addresses, [{ ip: a }, { ip: b }]);
  const watch = await first.watch(
    `/api/v1/namespaces/default/endpoints?watch=1&resourceVersion=${json.metadata.resourceVersion}`,
  );
  t.teardown(() => watch.close());
  await second.close();
  // The servers of this test have different ports, which each of them writes.
  let left: unknown[] = [];
  while (left.length !== 1) left = (await watch.next()).object.subsets[0].addresses;
  t.strictSame(left, [{ ip: a }]);
});
