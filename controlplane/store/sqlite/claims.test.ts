import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { openStore } from '../open';

const value = Buffer.from('x');

t.test('a failed transaction leaves neither the writes of its group nor their claims', async (t) => {
  const path = join(t.testdir(), 'store.db');
  const spec = { kind: 'sqlite', path } as const;
  const made = await openStore(spec);
  await made.create('/before', value, ['old']);
  await made.close();
  // Simulates a full disk: the statement fails inside the transaction, after other writes of the group.
  const db = new DatabaseSync(path);
  db.exec("CREATE TRIGGER fail BEFORE INSERT ON log WHEN NEW.key = '/bad' BEGIN SELECT RAISE(ABORT, 'disk full'); END");
  db.close();
  const store = await openStore(spec);
  t.teardown(() => store.close());
  const results = await Promise.allSettled([
    store.create('/a', value, ['new']),
    store.update('/before', value, 1, ['other']),
    store.create('/bad', value, ['bad']),
  ]);
  t.same(
    results.map((result) => (result as PromiseRejectedResult).reason.code),
    ['Unavailable', 'Unavailable', 'Unavailable'],
  );
  t.same(await store.claims(), [{ claim: 'old', owner: '/before' }]);
  await t.rejects(store.create('/c', value, ['old']), { code: 'AlreadyClaimed', owner: '/before' });
  t.equal(await store.create('/c', value, ['new', 'other', 'bad']), 2, 'all claims of the group are free');
});
