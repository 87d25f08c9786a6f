import t from 'tap';
import { type Book, baseFor, type CpuSnapshot, noted, rateOf } from './rates';

const at = (seconds: number, usage = seconds): CpuSnapshot => ({
  atMs: seconds * 1000,
  counters: new Map([['a', { atMs: seconds * 1000, usageNanoseconds: usage * 1e9, startedAtMs: 0 }]]),
});
const ages = (seconds: readonly number[]) => {
  let book: Book | undefined;
  const bases: (number | undefined)[] = [];
  for (const second of seconds) {
    const base = baseFor(book, second * 1000);
    bases.push(base && base.atMs / 1000);
    book = noted(book, at(second));
  }
  return bases;
};

t.test('which earlier snapshot a rate counts from', async (t) => {
  t.same(ages([0, 1, 2]), [undefined, 0, 0], 'one second after the first question');
  t.same(ages([0, 15, 30, 45]), [undefined, 0, 15, 30], 'rare questions: the one before');
  t.same(ages([0, 5, 10, 15, 20, 25, 30, 35]), [undefined, 0, 0, 5, 5, 15, 15, 25], 'ten to twenty seconds');
  t.same(ages([0, 200, 201]), [undefined, undefined, 200], 'an old snapshot is none');
});

t.test('the rate', async (t) => {
  const now = (seconds: number, usage: number, startedAtMs = 0) => ({
    atMs: seconds * 1000,
    usageNanoseconds: usage * 1e9,
    startedAtMs,
  });
  t.equal(rateOf(at(10, 4), 'a', now(20, 9)), 500_000_000, 'half a core');
  t.equal(rateOf(at(10, 4), 'b', now(20, 3, 14_000)), 500_000_000, 'new: since its start');
  t.equal(rateOf(at(10, 4), 'a', now(20, 1)), undefined, 'another thing of the same name');
  t.equal(rateOf(at(10, 4), 'a', now(10, 4)), undefined, 'no time has passed');
});
