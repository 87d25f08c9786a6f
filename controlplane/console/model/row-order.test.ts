import t from 'tap';
import { cellOf, columnsOf, compareCells, filterRows, firstSorting, sortRows, widthsOf } from './row-order';
import type { Row } from './rows';

const row = (name: string, namespace: string, cells: readonly string[], createdMs = 0): Row => ({
  uid: `${namespace}/${name}`,
  name,
  namespace,
  createdMs,
  isDeleted: false,
  sinceMs: {},
  cells,
  searched: [namespace, ...cells].join('\n').toLowerCase(),
});
const definitions = [
  { name: 'Name', type: 'string' },
  { name: 'Restarts', type: 'integer' },
  { name: 'Age', type: 'string' },
  { name: 'IP', type: 'string', priority: 1 },
];
const rows = [
  row('b', 'x', ['b', '10', '5m'], 1),
  row('a', 'y', ['a', '9', '1m'], 3),
  row('c', 'x', ['c', '10', '2m'], 2),
];
const names = (list: readonly Row[]) => list.map(({ name }) => name).join('');

t.test('columns: the wide ones on demand, the namespace after the name', async (t) => {
  const shown = (isWide: boolean, withNamespace: boolean) =>
    columnsOf(definitions, { isWide, withNamespace }).map(({ name }) => name);
  t.strictSame(shown(false, false), ['Name', 'Restarts', 'Age']);
  t.strictSame(shown(true, true), ['Name', 'Namespace', 'Restarts', 'Age', 'IP']);
  t.strictSame(columnsOf([], { isWide: true, withNamespace: true }).length, 1);
  const narrow = columnsOf(definitions, { isWide: false, withNamespace: true, isNarrow: true });
  t.strictSame(
    narrow.map(({ name }) => name),
    ['Name', 'Restarts', 'Age', 'Namespace'],
  );
});

t.test('order', async (t) => {
  const [name, namespace, restarts, age] = columnsOf(definitions, { isWide: false, withNamespace: true });
  t.equal(names(sortRows(rows, undefined, false)), 'bca', 'by namespace, then name');
  t.equal(names(sortRows(rows, name, true)), 'cba');
  t.equal(names(sortRows(rows, namespace, true)), 'abc', 'equal cells keep the order of names');
  t.equal(names(sortRows(rows, restarts, false)), 'abc', 'numbers as numbers');
  t.equal(names(sortRows(rows, age, false)), 'acb', 'the youngest first');
  t.equal(cellOf(rows[0]!, namespace!), 'x');
  t.ok(compareCells('pod-2', 'pod-10') < 0);
  t.ok(compareCells('1/3', '2/3') < 0);
  t.equal(compareCells('', ''), 0);
});

t.test('filter: every word, in any cell', async (t) => {
  t.equal(names(filterRows(rows, '')), 'bac');
  t.equal(names(filterRows(rows, ' 10  X ')), 'bc');
  t.equal(names(filterRows(rows, 'none')), '');
});

t.test('widths have bounds', async (t) => {
  const columns = columnsOf(definitions, { isWide: false, withNamespace: false });
  const long = row('n', 'x', ['n'.repeat(90), '1', '1m']);
  t.strictSame(widthsOf([long], columns), [44, 10, 5]);
  t.strictSame(widthsOf([], columns), [6, 10, 5]);
});

t.test('events: what was seen last stands first', async (t) => {
  const [seen] = columnsOf([{ name: 'Last Seen', type: 'string' }], { isWide: false, withNamespace: false });
  const event = (name: string, ms: number | undefined, createdMs = 0): Row => ({
    ...row(name, 'x', ['?'], createdMs),
    sinceMs: ms === undefined ? {} : { 0: ms },
  });
  const { column, isDescending } = firstSorting('events')!;
  t.equal(column, seen?.name);
  const list = [event('a', 1), event('b', 3), event('c', undefined), event('d', 1, 9)];
  t.equal(names(sortRows(list, seen, isDescending)), 'bdac', 'the younger one of two that were seen at once');
  t.equal(firstSorting('pods'), undefined);
});
