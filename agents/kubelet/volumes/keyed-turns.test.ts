import t from 'tap';
import { KeyedTurns } from './keyed-turns';

t.test('one key: one after another, also after a failure; other keys do not wait', async (t) => {
  const turns = new KeyedTurns();
  const seen: string[] = [];
  const first = Promise.withResolvers<void>();
  const work = (name: string, until?: Promise<void>) => async () => {
    seen.push(`${name} begins`);
    await until;
    seen.push(`${name} ends`);
    return name;
  };
  const a = turns.run('x', work('a', first.promise)).catch(() => 'failed');
  const b = turns.run('x', work('b'));
  t.equal(await turns.run('y', work('other')), 'other');
  t.same(seen, ['a begins', 'other begins', 'other ends']);
  first.reject(new Error('no'));
  t.equal(await a, 'failed');
  t.equal(await b, 'b');
  t.same(seen.slice(-2), ['b begins', 'b ends']);
});
