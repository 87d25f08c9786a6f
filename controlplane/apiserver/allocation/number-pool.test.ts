import t from 'tap';
import { NumberPool } from './number-pool';

const first = () => 0;

t.test('a failed write frees its own number, but not the number of a stored object', async (t) => {
  const pool = new NumberPool(40);
  t.ok(pool.take(33));
  pool.free(33);
  t.notOk(pool.has(33), 'no stored object has the number');
  t.ok(pool.take(33));
  pool.hold(33);
  pool.free(33);
  t.ok(pool.has(33), 'an object of another server got the number during the write');
  t.notOk(pool.take(33));
  pool.release(33);
  t.ok(pool.take(33), 'the object of the other server is deleted');
  pool.hold(34);
  pool.hold(34);
  pool.release(34);
  t.notOk(pool.has(34), 'an event that arrives twice counts once');
});

t.test('excluded numbers are skipped, and stay free for other writes', async (t) => {
  const pool = new NumberPool(4);
  pool.hold(0);
  const excluded = (index: number) => index < 3;
  t.equal(pool.takeAny(0, 4, first, excluded), 3);
  t.equal(pool.takeAny(0, 4, first, excluded), undefined);
  t.equal(pool.takeAny(0, 4, first), 1);
});
