import t from 'tap';
import { KeyLocks } from './key-locks';

t.test('callers with a common key run one after the other, in the order of their calls', async (t) => {
  const locks = new KeyLocks();
  const order: string[] = [];
  const run = async (name: string, keys: readonly string[]) => {
    const release = await locks.acquire(keys);
    order.push(`${name} begins`);
    await new Promise(setImmediate);
    order.push(`${name} ends`);
    release();
  };
  await Promise.all([run('a', ['x', 'y']), run('b', ['y', 'x']), run('c', ['z'])]);
  const ofTwo = order.filter((line) => !line.startsWith('c'));
  t.same(ofTwo, ['a begins', 'a ends', 'b begins', 'b ends']);
  t.ok(order.indexOf('c begins') < order.indexOf('a ends'), 'another key is free');
});
