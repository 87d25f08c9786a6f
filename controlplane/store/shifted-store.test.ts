import t from 'tap';
import { storeContract } from '../../test/contract/store';
import { MemoryStore } from './memory/memory-store';
import { fillingKey, openShifted, ShiftedStore, shiftKey } from './shifted-store';

const value = Buffer.from('x');
const shift = 5_000;

/** Counts from 1 again, as the contract does. */
storeContract(t, async () => new ShiftedStore(new ShiftedStore(new MemoryStore(), shift), -shift));

t.test('revisions are those of the backend and the shift; older ones are compacted', async (t) => {
  const store = new ShiftedStore(new MemoryStore(), shift);
  t.teardown(() => store.close());
  t.equal(await store.create('/a', value, ['c']), 5_001);
  t.match(await store.get('/a'), { modRevision: 5_001 });
  await t.rejects(store.update('/a', value, 1), { code: 'Conflict' }, 'a revision of the former store');
  t.equal(await store.update('/a', value, 5_001), 5_002);
  t.match(await store.range('/', { revision: 5_001 }), { revision: 5_001, items: [{ modRevision: 5_001 }] });
  await t.rejects(store.range('/', { revision: 4_999 }), { code: 'Expired' });
  await t.rejects(store.claims(17), { code: 'Expired' });
  const { signal } = new AbortController();
  await t.rejects(store.watch('/', 1, signal)[Symbol.asyncIterator]().next(), { code: 'Expired' });
  const batch = await store.watch('/', 5_001, signal)[Symbol.asyncIterator]().next();
  t.match(batch.value, { revision: 5_002, events: [{ revision: 5_002, key: '/a', value, previous: value }] });
  await store.compact(100);
  await store.compact(5_002);
  await t.rejects(store.range('/', { revision: 5_001 }), { code: 'Expired' });
});

t.test('what the keys of a store ask for', async (t) => {
  const plain = new MemoryStore();
  t.equal(await openShifted(plain), plain, 'no shift');
  await plain.create(shiftKey, Buffer.from('300'));
  t.equal(await (await openShifted(plain)).revision(), 301);
  await plain.create(fillingKey, value);
  await t.rejects(openShifted(plain), { code: 'Unsupported', message: /has not ended/ });
});
