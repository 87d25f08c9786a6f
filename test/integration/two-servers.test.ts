import { join } from 'node:path';
import t from 'tap';
import { twoServersContract } from '../contract/two-servers';

t.setTimeout(180_000);

t.test('memory', async (t) => twoServersContract(t, async () => ({ kind: 'memory' })));
t.test('sqlite', async (t) =>
  twoServersContract(t, async (t) => ({ kind: 'sqlite', path: join(t.testdir(), 'state.db') })),
);
