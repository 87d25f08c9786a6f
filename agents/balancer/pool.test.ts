import t from 'tap';
import { silentLogger } from '../../controlplane/base/logger';
import type { Finding } from './health';
import { Pool } from './pool';

function start(...names: string[]) {
  const events: string[] = [];
  const pool = new Pool(
    {
      added: (name, isSpare) => events.push(`added ${name}${isSpare ? ' as spare' : ''}`),
      removed: (name) => events.push(`removed ${name}`),
      changed: (name) => events.push(`changed ${name}`),
      closed: (name, count) => events.push(`closed ${count} of ${name}`),
    },
    silentLogger,
  );
  pool.replace(new Map(names.map((name) => [name, false])));
  const check = (name: string, finding: Finding) => pool.note(name, { finding }, pool.begin());
  for (const name of names) check(name, 'ready');
  events.length = 0;
  return { pool, events, check };
}

t.test('connections of a server that is down are closed once, when another one is found up after it', async (t) => {
  const { pool, events, check } = start('a', 'b');
  let aborted = 0;
  const detach = pool.attach('a', { abort: () => aborted++ });
  check('a', 'silent');
  check('a', 'silent');
  t.strictSame(events, ['changed a'], 'b may be down too');
  check('b', 'ready');
  check('b', 'ready');
  t.strictSame(events, ['changed a', 'closed 1 of a']);
  t.equal(aborted, 1);
  detach();
});

t.test('a check that began before the change does not count', async (t) => {
  const { pool, events, check } = start('a', 'b');
  pool.attach('a', { abort: () => {} });
  const early = pool.begin();
  check('a', 'silent');
  check('a', 'silent');
  pool.note('b', { finding: 'ready' }, early);
  t.strictSame(events, ['changed a']);
  check('b', 'ready');
  t.strictSame(events, ['changed a', 'closed 1 of a']);
});

t.test('connections are counted from their beginning, and servers come and go', async (t) => {
  const { pool, events, check } = start('a', 'b');
  const detach = pool.attach('a', { abort: () => {} });
  t.strictSame(pool.candidates(), ['b', 'a']);
  detach();
  pool.replace(
    new Map([
      ['b', true],
      ['c', false],
    ]),
  );
  t.strictSame(events, ['removed a', 'removed b', 'added b as spare', 'added c']);
  t.strictSame(pool.candidates(), ['c', 'b']);
  check('a', 'refused');
  t.ok(pool.isServing, 'a check of a server that is gone says nothing');
  check('b', 'refused');
  t.notOk(pool.isServing);
});
