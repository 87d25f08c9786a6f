import t from 'tap';
import { FakeClock } from '../../test/lib/fake-clock';
import type { Lease } from '../api/lease';
import { AlreadyExists, Conflict, NotFound, Unavailable } from '../base/errors';
import { silentLogger } from '../base/logger';
import type { Client } from './client';
import { runWithLease } from './leader-election';

/** One Lease with optimistic locking. */
class LeaseServer {
  lease: Lease | undefined;
  down = false;
  private revision = 0;

  client(): Client {
    const guard = () => {
      if (this.down) throw new Unavailable('down');
    };
    const store = (lease: Lease) => {
      this.lease = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(++this.revision) } };
      return this.lease;
    };
    const methods = {
      get: async () => {
        guard();
        if (!this.lease) throw new NotFound('no lease');
        return this.lease;
      },
      create: async (_kind: unknown, lease: Lease) => {
        guard();
        if (this.lease) throw new AlreadyExists('there');
        return store(lease);
      },
      update: async (_kind: unknown, lease: Lease) => {
        guard();
        if (lease.metadata?.resourceVersion !== this.lease?.metadata?.resourceVersion) throw new Conflict('stale');
        return store(lease);
      },
    };
    return methods as unknown as Client;
  }
}

function candidate(server: LeaseServer, clock: FakeClock, identity: string) {
  const abort = new AbortController();
  const leading = Promise.withResolvers<AbortSignal>();
  let terms = 0;
  const done = runWithLease(
    { client: server.client(), lease: 'kube-system/test', identity, log: silentLogger, clock },
    abort.signal,
    async (term) => {
      terms++;
      leading.resolve(term);
      await new Promise<void>((resolve) => term.addEventListener('abort', () => resolve(), { once: true }));
    },
  );
  return { abort, done, leading: leading.promise, terms: () => terms };
}
const settle = () => new Promise(setImmediate);

t.test('a free lease is taken at once, and released at the end', async (t) => {
  const server = new LeaseServer();
  const a = candidate(server, new FakeClock(), 'a');
  await a.leading;
  t.match(server.lease?.spec, { holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 });
  a.abort.abort(new Error('stop'));
  await a.done;
  t.equal(server.lease?.spec?.holderIdentity, '');
});

t.test('a second candidate waits while the leader renews, and leads when it stops', async (t) => {
  const server = new LeaseServer();
  const clock = new FakeClock();
  const a = candidate(server, clock, 'a');
  await a.leading;
  const b = candidate(server, clock, 'b');
  for (let i = 0; i < 20; i++) {
    await settle();
    clock.advance(2000);
  }
  await settle();
  t.equal(b.terms(), 0, 'forty seconds, renewed all the time');
  a.abort.abort(new Error('stop'));
  await a.done;
  clock.advance(2000);
  await b.leading;
  t.match(server.lease?.spec, { holderIdentity: 'b', leaseTransitions: 1 });
  b.abort.abort(new Error('stop'));
  await b.done;
});

t.test('when a leader vanishes, the next one leads after the lease has expired', async (t) => {
  const server = new LeaseServer();
  const clock = new FakeClock();
  server.lease = { metadata: { resourceVersion: '0' }, spec: { holderIdentity: 'gone', leaseDurationSeconds: 15 } };
  const b = candidate(server, clock, 'b');
  for (let i = 0; i < 7; i++) {
    await settle();
    clock.advance(2000);
  }
  await settle();
  t.equal(b.terms(), 0, 'its renewal time is not trusted: 15 seconds count from when the lease was first seen');
  clock.advance(2000);
  await b.leading;
  b.abort.abort(new Error('stop'));
  await b.done;
});

t.test('a clock that is set on or back takes no lease and loses none', async (t) => {
  const server = new LeaseServer();
  const clock = new FakeClock();
  const a = candidate(server, clock, 'a');
  await a.leading;
  const b = candidate(server, clock, 'b');
  for (const step of [3_600_000, -7_200_000]) {
    await settle();
    clock.step(step);
    for (let i = 0; i < 3; i++) {
      await settle();
      clock.advance(2000);
    }
  }
  await settle();
  t.same([a.terms(), b.terms()], [1, 0]);
  t.equal((await a.leading).aborted, false);
  for (const one of [a, b]) {
    one.abort.abort(new Error('stop'));
    await one.done;
  }
});

t.test('a process that restarts under the same name leads at once', async (t) => {
  const server = new LeaseServer();
  server.lease = {
    metadata: { resourceVersion: '0' },
    spec: { holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 4 },
  };
  const a = candidate(server, new FakeClock(), 'a');
  await a.leading;
  t.equal(server.lease.spec?.leaseTransitions, 4);
  a.abort.abort(new Error('stop'));
  await a.done;
});

t.test('a leader that cannot renew stops leading in time, and competes again', async (t) => {
  const server = new LeaseServer();
  const clock = new FakeClock();
  const a = candidate(server, clock, 'a');
  const term = await a.leading;
  server.down = true;
  for (let i = 0; i < 6 && !term.aborted; i++) {
    await settle();
    clock.advance(2000);
  }
  await settle();
  t.ok(term.aborted, 'before another process can take the lease');
  server.down = false;
  for (let i = 0; i < 3 && a.terms() < 2; i++) {
    await settle();
    clock.advance(2000);
  }
  await settle();
  t.equal(a.terms(), 2);
  a.abort.abort(new Error('stop'));
  await a.done;
});

t.test('a leader that was frozen for longer than its lease writes nothing when it wakes', async (t) => {
  const server = new LeaseServer();
  const clock = new FakeClock();
  const writes: string[] = [];
  const client = Object.assign(server.client(), {
    delete: async (_kind: unknown, key: string) => {
      writes.push(key);
    },
  });
  const abort = new AbortController();
  const leading = Promise.withResolvers<{ term: AbortSignal; client: Client }>();
  const options = { client, lease: 'kube-system/test', identity: 'a', log: silentLogger, clock };
  const done = runWithLease(options, abort.signal, async (term, client) => {
    leading.resolve({ term, client });
    await new Promise<void>((resolve) => term.addEventListener('abort', () => resolve(), { once: true }));
  });
  const leader = await leading.promise;
  const kind = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
  await leader.client.delete(kind, 'team/before');
  clock.jump(9_000);
  await leader.client.delete(kind, 'team/short-pause');
  t.strictSame(writes, ['team/before', 'team/short-pause'], 'no other process can lead yet');
  clock.advance(0);
  await settle();
  clock.jump(20_000);
  server.lease = { metadata: { resourceVersion: '99' }, spec: { holderIdentity: 'b', leaseDurationSeconds: 15 } };
  const late = leader.client.delete(kind, 'team/late');
  const refused = t.rejects(late, { code: 'Unavailable' });
  clock.advance(0);
  await refused;
  t.ok(leader.term.aborted);
  await t.rejects(leader.client.delete(kind, 'team/later'), { code: 'Unavailable' });
  t.strictSame(writes, ['team/before', 'team/short-pause']);
  abort.abort(new Error('stop'));
  await done;
});

t.test('a leader that was frozen and is still the leader writes after the next renewal', async (t) => {
  const server = new LeaseServer();
  const clock = new FakeClock();
  const order: string[] = [];
  const client = server.client();
  const { update } = client;
  Object.assign(client, {
    update: async (...args: Parameters<Client['update']>) => {
      order.push('renewal');
      return update(...args);
    },
    delete: async (_kind: unknown, key: string) => order.push(key),
  });
  const abort = new AbortController();
  const leading = Promise.withResolvers<Client>();
  const options = { client, lease: 'kube-system/test', identity: 'a', log: silentLogger, clock };
  const done = runWithLease(options, abort.signal, async (term, client) => {
    leading.resolve(client);
    await new Promise<void>((resolve) => term.addEventListener('abort', () => resolve(), { once: true }));
  });
  const leader = await leading.promise;
  clock.jump(60_000);
  const kind = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
  const waiting = leader.delete(kind, 'team/a');
  clock.advance(0);
  await waiting;
  t.strictSame(order, ['renewal', 'team/a']);
  abort.abort(new Error('stop'));
  await done;
});

t.test('after the clock went back, a write waits for the next renewal', async (t) => {
  const server = new LeaseServer();
  const clock = new FakeClock();
  const abort = new AbortController();
  const leading = Promise.withResolvers<Client>();
  const writes: string[] = [];
  const client = Object.assign(server.client(), { delete: async (_kind: unknown, key: string) => writes.push(key) });
  const options = { client, lease: 'kube-system/test', identity: 'a', log: silentLogger, clock };
  const done = runWithLease(options, abort.signal, async (term, client) => {
    leading.resolve(client);
    await new Promise<void>((resolve) => term.addEventListener('abort', () => resolve(), { once: true }));
  });
  const leader = await leading.promise;
  const kind = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
  // The clock goes back: how old the last renewal is cannot be known.
  clock.jump(-5_000);
  const waiting = leader.delete(kind, 'team/a');
  await settle();
  t.strictSame(writes, []);
  clock.advance(7_000);
  await waiting;
  t.strictSame(writes, ['team/a']);
  abort.abort(new Error('stop'));
  await done;
});

t.test('work that ends by itself ends the election', async (t) => {
  const server = new LeaseServer();
  const options = {
    client: server.client(),
    lease: 'kube-system/test',
    identity: 'a',
    log: silentLogger,
    clock: new FakeClock(),
  };
  await runWithLease(options, new AbortController().signal, async () => {});
  t.equal(server.lease?.spec?.holderIdentity, '');
  await t.rejects(
    runWithLease(options, new AbortController().signal, async () => {
      throw new Error('broken');
    }),
    { message: 'broken' },
  );
});
