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
