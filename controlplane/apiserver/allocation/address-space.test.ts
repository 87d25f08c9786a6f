import t from 'tap';
import { AddressSpace } from './address-space';

t.test('a search goes round, and passes used and excluded addresses', async (t) => {
  const space = new AddressSpace();
  t.equal(space.takeFrom(250n, 262n, 255n), 255n);
  t.equal(space.takeFrom(250n, 262n, 255n), 256n, 'across the border of two pages');
  t.equal(
    space.takeFrom(250n, 262n, 262n, (address) => address === 262n),
    250n,
    'after the last comes the first',
  );
  t.equal(space.takeFrom(255n, 256n, 256n), undefined, 'all are in use');
  t.equal(space.takeFrom(255n, 257n, 255n), 257n);
});

t.test('a failed write frees its address, but not that of a stored object', async (t) => {
  const space = new AddressSpace();
  t.equal(space.take(7n), true);
  t.equal(space.take(7n), false);
  space.free(7n);
  t.equal(space.has(7n), false);
  space.take(7n);
  space.hold(7n);
  space.free(7n);
  t.equal(space.has(7n), true);
  space.release(7n);
  t.equal(space.has(7n), false);
});

t.test('a range of any size costs only the pages with used addresses', async (t) => {
  const space = new AddressSpace();
  const last = (1n << 64n) - 1n;
  for (let i = 0n; i < 5_000n; i++) {
    const start = i * 1_000_003n * 4096n;
    const address = space.takeFrom(1n, last, start % last);
    space.free(address!);
  }
  t.equal((space as unknown as { pages: Map<bigint, unknown> }).pages.size, 0, 'free addresses leave nothing');
  // A full range of a million addresses.
  for (let i = 0n; i < 1n << 20n; i++) space.hold(i);
  t.equal(space.takeFrom(0n, (1n << 20n) - 1n, 77n), undefined);
  t.equal(space.takeFrom(0n, 1n << 20n, 77n), 1n << 20n);
});
