import t from 'tap';
import { seededRandom } from '../../test/lib/service-fixture';
import { changedLines } from './line-changes';

const changes = (desired: string, actual: string) =>
  changedLines([...desired], [...actual]).map(
    ({ kind, line, desired: want = '', actual: have = '' }) => `${kind} ${line} ${want}${have}`,
  );

t.test('which rules differ', async (t) => {
  for (const [desired, actual, expected] of [
    ['abc', 'abc', []],
    ['abc', 'ac', ['missing 2 b']],
    ['abc', 'xabc', ['extra 1 x']],
    ['abc', 'axc', ['changed 2 bx']],
    ['abc', '', ['missing 1 a', 'missing 2 b', 'missing 3 c']],
    ['ab', 'ba', ['missing 1 a', 'extra 2 a']],
    ['aab', 'ab', ['missing 2 a']],
    ['abcd', 'axyd', ['changed 2 bx', 'changed 3 cy']],
  ] as const) {
    t.strictSame(changes(desired, actual), expected, `${desired} and ${actual}`);
  }
});

t.test('never empty for lists that differ, also for long ones', async (t) => {
  const random = seededRandom(3);
  const list = (length: number) => Array.from({ length }, () => String(Math.floor(random() * 3)));
  for (let round = 0; round < 300; round++) {
    const [a, b] = [list(Math.floor(random() * 8)), list(Math.floor(random() * 8))];
    t.equal(changedLines(a, b).length === 0, a.join() === b.join(), `${a} and ${b}`);
  }
  const numbers = (from: number) => Array.from({ length: 5_000 }, (_, i) => String(from + i));
  t.equal(changedLines(numbers(0), numbers(10_000)).length, 5_000);
});
