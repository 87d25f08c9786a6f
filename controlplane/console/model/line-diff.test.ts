import fc from 'fast-check';
import t from 'tap';
import { diffLines, foldEqual, hasChanges } from './line-diff';

const shown = (before: string, after: string) => diffLines(before, after).map(({ sign, text }) => `${sign}${text}`);
const side = (lines: ReturnType<typeof diffLines>, sign: '+' | '-') =>
  lines
    .filter((line) => line.sign !== sign)
    .map(({ text }) => text)
    .join('\n');

t.test('changes', async (t) => {
  t.strictSame(shown('a\nb\nc', 'a\nb\nc'), [' a', ' b', ' c']);
  t.strictSame(shown('a\nb\nc', 'a\nx\nc'), [' a', '-b', '+x', ' c']);
  t.strictSame(shown('a\nc', 'a\nb\nc'), [' a', '+b', ' c']);
  t.strictSame(shown('a\nb\nc', 'c'), ['-a', '-b', ' c']);
  t.strictSame(shown('a\nb\nc\nd\ne', 'a\nc\nx\ne'), [' a', '-b', ' c', '-d', '+x', ' e']);
  t.notOk(hasChanges(diffLines('a', 'a')));
  t.ok(hasChanges(diffLines('a', 'b')));
});

t.test('each side can be read from the difference, which is the shortest', async () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 }).map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = diffLines(before, after);
      return (
        side(lines, '+') === before &&
        side(lines, '-') === after &&
        lines.filter(({ sign }) => sign === ' ').length === longestCommon(before.split('\n'), after.split('\n'))
      );
    }),
  );
});

function longestCommon(a: readonly string[], b: readonly string[]): number {
  const lengths = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const match = a[i - 1] === b[j - 1];
      lengths[i]![j] = match ? lengths[i - 1]![j - 1]! + 1 : Math.max(lengths[i - 1]![j]!, lengths[i]![j - 1]!);
    }
  }
  return lengths[a.length]![b.length]!;
}

t.test('texts with nothing in common', async (t) => {
  const many = (name: string) => Array.from({ length: 2000 }, (_, i) => `${name}${i}`).join('\n');
  const lines = diffLines(many('a'), many('b'));
  t.equal(lines.length, 4000);
  t.equal(side(lines, '+'), many('a'));
});

t.test('equal lines far from a change are folded', async (t) => {
  const before = Array.from({ length: 20 }, (_, i) => `l${i}`);
  const after = before.with(10, 'changed');
  t.strictSame(
    foldEqual(diffLines(before.join('\n'), after.join('\n'))).map((line) =>
      'skipped' in line ? line.skipped : `${line.sign}${line.text}`,
    ),
    [7, ' l7', ' l8', ' l9', '-l10', '+changed', ' l11', ' l12', ' l13', 6],
  );
});
