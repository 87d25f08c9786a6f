import t from 'tap';
import { PageSize } from './page-size';

t.test('pages grow for small values and shrink for large ones', async (t) => {
  const page = new PageSize();
  t.equal(page.size, 100);
  page.note(Array.from({ length: 100 }, () => ({ value: Buffer.alloc(500) })));
  t.equal(page.size, 1_000);
  page.note([{ value: Buffer.alloc(40 * 1024 * 1024) }]);
  t.equal(page.size, 10);
});
