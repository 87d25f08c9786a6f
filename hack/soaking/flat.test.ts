import t from 'tap';
import { judgeFlat, quantile } from './flat';

/** The same numbers in every run, from -0.5 to 0.5. */
function noise(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
}
const series = (value: (at: number) => number) =>
  Array.from({ length: 360 }, (_, i) => ({ at: i * 10, value: value(i * 10) }));

const cases: readonly { name: string; value: (at: number) => number; verdict: string }[] = [
  { name: 'a constant', value: () => 100, verdict: 'flat' },
  {
    name: 'noise alone',
    value: (
      (random) => () =>
        100 + 20 * random()
    )(noise()),
    verdict: 'flat',
  },
  { name: 'a leak without noise', value: (at) => 100 + at / 100, verdict: 'grows' },
  {
    name: 'a leak larger than its noise',
    value: (
      (random) => (at) =>
        100 + at / 50 + 20 * random()
    )(noise()),
    verdict: 'grows',
  },
  {
    name: 'a leak that the noise hides',
    value: (
      (random) => (at) =>
        100 + at / 1000 + 20 * random()
    )(noise()),
    verdict: 'flat',
  },
  { name: 'warming up, then level', value: (at) => 100 + Math.min(at, 1500) / 10, verdict: 'flat' },
  { name: 'steps that go on', value: (at) => 100 + 10 * Math.floor(at / 600), verdict: 'grows' },
  { name: 'a saw that collects its garbage', value: (at) => 100 + (at % 300) / 10, verdict: 'flat' },
  { name: 'a single peak at the end', value: (at) => (at > 3_550 ? 500 : 100), verdict: 'flat' },
  { name: 'memory that is given back', value: (at) => 200 - at / 100, verdict: 'falls' },
  { name: 'growth below the share of the median', value: (at) => 1000 + at / 100, verdict: 'flat' },
];
for (const { name, value, verdict } of cases) {
  t.test(name, async (t) => {
    t.equal(judgeFlat(series(value)).verdict, verdict);
  });
}

t.test('the figures', async (t) => {
  const found = judgeFlat(series((at) => 100 + at / 100));
  t.match(found, { first: 100, max: 135.9 });
  t.ok(Math.abs(found.slope - 0.01) < 1e-9 && found.noise < 1e-9);
  t.ok(Math.abs(found.growth - 17.9) < 1e-6, 'from the middle to the end');
  t.ok(found.median1 > 108 && found.median1 < 110 && found.median2 > 126 && found.median2 < 128);
});

t.test('an allowance in the unit of the values', async (t) => {
  t.equal(
    judgeFlat(
      series((at) => at / 1000),
      { least: 2 },
    ).verdict,
    'flat',
  );
  t.equal(
    judgeFlat(
      series((at) => at / 1000),
      { least: 1 },
    ).verdict,
    'grows',
  );
});

t.test('few values are not judged, none are an error', async (t) => {
  t.equal(judgeFlat([{ at: 0, value: 1 }]).verdict, 'too short');
  t.throws(() => judgeFlat([]), RangeError);
});

t.test('quantile', async (t) => {
  t.equal(quantile([3, 1, 2], 0.5), 2);
  t.equal(quantile([1, 2], 0.5), 1.5);
  t.equal(quantile([1, 2, 3, 4, 5], 0.9), 4.6);
});
