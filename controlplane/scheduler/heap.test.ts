import t from 'tap';
import { Heap } from './heap';

t.test('the least element comes first, whatever the order of the pushes', async (t) => {
  const values = Array.from({ length: 200 }, (_, i) => (i * 7919) % 211);
  const heap = new Heap<number>((a, b) => a < b);
  for (const value of values) heap.push(value);
  t.equal(heap.size, 200);
  const out: number[] = [];
  for (let value = heap.pop(); value !== undefined; value = heap.pop()) out.push(value);
  t.same(
    out,
    [...values].sort((a, b) => a - b),
  );
  t.equal(heap.peek(), undefined);
});
