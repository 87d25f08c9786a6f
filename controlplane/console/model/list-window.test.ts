import t from 'tap';
import { rowAfterKey, scrollTo, windowOf } from './list-window';

t.test('only the rows around the view are in the document', async (t) => {
  t.strictSame(windowOf(0, 600, 30, 3000), { first: 0, end: 32 });
  t.strictSame(windowOf(30_000, 600, 30, 3000), { first: 988, end: 1032 });
  t.strictSame(windowOf(89_400, 600, 30, 3000), { first: 2968, end: 3000 });
  t.strictSame(windowOf(0, 600, 30, 0), { first: 0, end: 0 });
  t.strictSame(windowOf(9_000, 600, 30, 5), { first: 4, end: 5 }, 'the list became shorter');
});

t.test('keys', async (t) => {
  t.equal(rowAfterKey('ArrowDown', -1, 10, 5), 0);
  t.equal(rowAfterKey('ArrowDown', 9, 10, 5), 9);
  t.equal(rowAfterKey('ArrowUp', 0, 10, 5), 0);
  t.equal(rowAfterKey('PageDown', 3, 10, 5), 8);
  t.equal(rowAfterKey('PageUp', 3, 10, 5), 0);
  t.equal(rowAfterKey('Home', 7, 10, 5), 0);
  t.equal(rowAfterKey('End', 0, 10, 5), 9);
  t.equal(rowAfterKey('x', 0, 10, 5), undefined);
  t.equal(rowAfterKey('End', 0, 0, 5), undefined);
});

t.test('a row comes into view by the shortest way', async (t) => {
  const view = { viewHeight: 300, rowHeight: 30 };
  t.equal(scrollTo(5, 0, view), 0);
  t.equal(scrollTo(10, 0, view), 30);
  t.equal(scrollTo(2, 300, view), 60);
});
