import t from 'tap';
import { kinds, type Operation, Operations } from './operations';

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
const key = (operation: Operation) => ('name' in operation ? operation.name : '');

t.test('objects and watches stay within their bounds, and each operation fits what exists', async (t) => {
  const operations = new Operations(randomFrom(5));
  const objects = new Map<string, string>();
  const watches = new Set<string>();
  const seen = new Map<string, number>();
  let most = 0;
  let mostWatches = 0;
  const wrong: Operation[] = [];
  const apply = (operation: Operation) => {
    seen.set(operation.action, (seen.get(operation.action) ?? 0) + 1);
    const name = key(operation);
    if (operation.action === 'create') {
      if (objects.has(name)) wrong.push(operation);
      objects.set(name, operation.kind);
    } else if (operation.action === 'delete') {
      if (objects.get(name) !== operation.kind) wrong.push(operation);
      objects.delete(name);
    } else if (operation.action === 'change') {
      if (objects.get(name) !== operation.kind) wrong.push(operation);
    } else if (operation.action === 'open watch') {
      if (watches.has(name)) wrong.push(operation);
      watches.add(name);
    } else if (operation.action === 'close watch' && !watches.delete(name)) wrong.push(operation);
    most = Math.max(most, objects.size);
    mostWatches = Math.max(mostWatches, watches.size);
  };
  for (let i = 0; i < 20_000; i++) apply(operations.next());
  t.strictSame(wrong, []);
  t.ok(most > 10 * kinds.length && most <= 30 * kinds.length, `${most} objects at most`);
  t.ok(mostWatches >= 5 && mostWatches <= 15, `${mostWatches} watches at most`);
  for (const action of ['create', 'change', 'delete', 'open watch', 'close watch', 'list', 'request']) {
    t.ok((seen.get(action) ?? 0) > 300, `${action}: ${seen.get(action)}`);
  }
  for (const operation of operations.rest()) apply(operation);
  t.strictSame([...objects, ...watches, ...wrong], [], 'the rest ends all');
  t.strictSame(operations.rest(), []);
});

t.test('one seed, one order', async (t) => {
  const first = (seed: number) => {
    const operations = new Operations(randomFrom(seed));
    return Array.from({ length: 100 }, () => operations.next());
  };
  t.strictSame(first(1), first(1));
  t.not(JSON.stringify(first(1)), JSON.stringify(first(2)));
});
