import t from 'tap';
import { affectedTests } from './affected';

const files = [
  { path: 'a/x.ts', targets: [] },
  { path: 'a/index.ts', targets: ['a/x'] },
  { path: 'b/y.ts', targets: ['a'] },
  { path: 'b/y.test.ts', targets: ['b/y'] },
  { path: 'a/x.test.ts', targets: ['a/x'] },
  { path: 'c/z.test.ts', targets: ['c/z'] },
];
const tests = files.map(({ path }) => path).filter((path) => path.endsWith('.test.ts'));

t.test('a change affects the tests that import it, directly or through other files', async (t) => {
  t.strictSame(affectedTests(files, tests, new Set(['a/x.ts'])), ['b/y.test.ts', 'a/x.test.ts']);
  t.strictSame(affectedTests(files, tests, new Set(['b/y.ts'])), ['b/y.test.ts']);
});

t.test('a changed test file affects itself, a file that no test imports affects no test', async (t) => {
  t.strictSame(affectedTests(files, tests, new Set(['c/z.test.ts'])), ['c/z.test.ts']);
  t.strictSame(affectedTests(files, tests, new Set(['README.md'])), []);
});

t.test('files that import each other end the search', async (t) => {
  const circle = [
    { path: 'a.ts', targets: ['b'] },
    { path: 'b.ts', targets: ['a'] },
    { path: 'a.test.ts', targets: ['a'] },
  ];
  t.strictSame(affectedTests(circle, ['a.test.ts'], new Set(['b.ts'])), ['a.test.ts']);
});
