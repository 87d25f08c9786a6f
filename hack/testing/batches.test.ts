import t from 'tap';
import { batchesOf } from './batches';

const file = (path: string, text = '') => ({ path, text });
const many = Array.from({ length: 50 }, (_, i) => file(`${i}.test.ts`));

t.test('each file is in one batch, with its neighbours', async (t) => {
  const batches = batchesOf(many);
  t.same(
    batches.flat(),
    many.map(({ path }) => path),
  );
  t.same(
    batches.map((batch) => batch.length),
    [17, 17, 16],
  );
});

t.test('a file with snapshots has a process for itself', async (t) => {
  const files = [file('a.test.ts'), file('b.test.ts', 'keepSnapshots(t, __filename);'), file('c.test.ts')];
  t.same(batchesOf(files), [['a.test.ts', 'c.test.ts'], ['b.test.ts']]);
});

t.test('no files, no batches', async (t) => t.same(batchesOf([]), []));
