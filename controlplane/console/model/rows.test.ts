import t from 'tap';
import { Rows, revisionOf, type Table } from './rows';

const columnDefinitions = [
  { name: 'Name', type: 'string' },
  { name: 'Restarts', type: 'integer' },
];
const row = (name: string, restarts: number, resourceVersion = '1') => ({
  cells: [name, restarts, null],
  object: { metadata: { name, namespace: 'a', uid: `u-${name}`, resourceVersion, labels: { App: 'Web' } } },
});
const table = (...rows: Table['rows'] & object): Table => ({ columnDefinitions, rows });
const names = (rows: Rows) => rows.all().map(({ name }) => name);

t.test('a list, and the events after it', async (t) => {
  const rows = new Rows();
  rows.replace(table(row('one', 0), row('two', 1)));
  t.strictSame(names(rows), ['one', 'two']);
  t.match(rows.all()[1], { namespace: 'a', cells: ['two', '1', ''], searched: 'a\ntwo\n1\n\napp=web' });
  t.ok(rows.apply({ type: 'ADDED', object: { rows: [row('three', 0)] } }));
  t.ok(rows.apply({ type: 'MODIFIED', object: { rows: [row('two', 5)] } }));
  t.ok(rows.apply({ type: 'DELETED', object: { rows: [row('one', 0)] } }));
  t.strictSame(names(rows), ['two', 'three']);
  t.equal(rows.all()[0]!.cells[1], '5');
  t.equal(rows.columns.length, 2, 'later events have no columns');
  t.notOk(rows.apply({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } }));
  rows.replace(table(row('four', 0)));
  t.strictSame(names(rows), ['four'], 'a new list forgets what it lacks');
  rows.replace({ rows: null, columnDefinitions: null });
  t.equal(rows.size, 0);
});

t.test('where a watch continues', async (t) => {
  t.equal(revisionOf({ type: 'ADDED', object: { rows: [row('a', 0, '7')] } }), '7');
  t.equal(revisionOf({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } }), '9');
  t.equal(revisionOf({ type: 'BOOKMARK', object: { rows: [] } }), undefined);
});

t.test('objects without a uid are told apart by name', async (t) => {
  const rows = new Rows();
  rows.replace({ rows: [{ cells: ['a'], object: { metadata: { name: 'a' } } }, { cells: ['b'] }] });
  t.strictSame(
    rows.all().map(({ uid }) => uid),
    ['/a', '/'],
  );
});

t.test('ages of other things than the object: when that was', async (t) => {
  const rows = new Rows(() => 1_000_000);
  const definitions = [
    { name: 'Last Seen', type: 'string' },
    { name: 'Age', type: 'string' },
  ];
  rows.replace({ columnDefinitions: definitions, rows: [{ cells: ['2m5s', '1h'] }] });
  t.strictSame(rows.all()[0]?.sinceMs, { 0: 875_000 });
  rows.apply({ type: 'ADDED', object: { rows: [{ cells: ['<unknown>', '1h'], object: { metadata: { uid: 'b' } } }] } });
  t.strictSame(rows.all()[1]?.sinceMs, {});
});
