// What the columns of custom objects show, and that many of them together show no more than a bound.
import t from 'tap';
import { columnsOf, maxRowSize } from './columns';

const columnsWith = (columns: readonly { readonly type: string; readonly jsonPath: string }[]) =>
  columnsOf({
    name: 'v1',
    served: true,
    storage: true,
    additionalPrinterColumns: columns.map((column, i) => ({ name: `c${i}`, ...column })),
  });
const object = (spec: unknown) => ({ apiVersion: 'a/v1', kind: 'A', metadata: { name: 'a' }, spec });

t.test('the columns of one object show no more than a bound', async (t) => {
  const cases = [
    { name: 'a large text', type: 'string', jsonPath: '.spec', spec: 'x'.repeat(10_000) },
    { name: 'all items', type: 'string', jsonPath: '.spec[*]', spec: Array(10_000).fill(1) },
    { name: 'all items, of which none is shown', type: 'integer', jsonPath: '.spec[*]', spec: Array(10_000).fill('x') },
    { name: 'a search', type: 'string', jsonPath: '.spec[?(@.a=="b")]', spec: Array(10_000).fill({ a: 'c' }) },
  ];
  for (const { name, type, jsonPath, spec } of cases) {
    const columns = columnsWith(Array(2_000).fill({ type, jsonPath }));
    let reads = 0;
    const counted = new Proxy(object(spec), {
      get: (target, key) => {
        if (key === 'spec') reads++;
        return Reflect.get(target, key) as unknown;
      },
    });
    const row = () => columns.map(({ cell }) => String(cell(counted, 0) ?? '')).join('');
    t.ok(row().length <= maxRowSize + 10, name);
    t.ok(reads < 20, `${name}: ${reads} columns were read`);
    t.equal(row(), row(), `${name}: each row has the whole bound`);
  }
});

t.test('usual cells', async (t) => {
  const columns = columnsWith([
    { type: 'string', jsonPath: '.spec.name' },
    { type: 'integer', jsonPath: '.spec.count' },
    { type: 'string', jsonPath: '.spec.list[*].a' },
    { type: 'string', jsonPath: '.spec.list[?(@.a=="y")].b' },
  ]);
  const spec = { name: 'n', count: 3, list: [{ a: 'x' }, { a: 'y', b: 'found' }] };
  t.same(
    columns.map(({ cell }) => cell(object(spec), 0)),
    ['a', 'n', 3, 'x', 'found'],
  );
});
