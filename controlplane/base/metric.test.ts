import t from 'tap';
import { Counter, exponentialBuckets, formatNumber, Histogram, renderGauge } from './metric';

t.test('a histogram counts into the first bucket that holds the value', async (t) => {
  const histogram = new Histogram({ name: 'sizes', help: 'Sizes.', buckets: [10, 1e6] });
  t.same(histogram.render(), [], 'no series, no lines');
  histogram.observe('', 10);
  histogram.observe('verb="GET"', 11);
  histogram.observe('verb="GET"', 2e6);
  t.same(histogram.render(), [
    '# HELP sizes Sizes.',
    '# TYPE sizes histogram',
    'sizes_bucket{le="10"} 1',
    'sizes_bucket{le="1e+06"} 1',
    'sizes_bucket{le="+Inf"} 1',
    'sizes_sum 10',
    'sizes_count 1',
    'sizes_bucket{verb="GET",le="10"} 0',
    'sizes_bucket{verb="GET",le="1e+06"} 1',
    'sizes_bucket{verb="GET",le="+Inf"} 2',
    'sizes_sum{verb="GET"} 2000011',
    'sizes_count{verb="GET"} 2',
  ]);
  histogram.forget((labels) => labels === '');
  t.same(histogram.counts(), [['verb="GET"', 2]]);
});

t.test('counters and gauges', async (t) => {
  const counter = new Counter({ name: 'adds_total', help: 'Adds.', maxSeries: 2 });
  for (const name of ['a', 'b', 'b']) counter.add(`name="${name}"`);
  counter.add('name="c"', 5);
  t.same(
    counter.render(),
    ['# HELP adds_total Adds.', '# TYPE adds_total counter', 'adds_total{name="b"} 2', 'adds_total{name="c"} 5'],
    'the oldest of too many series is dropped',
  );
  t.same(renderGauge({ name: 'depth', help: 'Depth.' }, [['', 3]]), [
    '# HELP depth Depth.',
    '# TYPE depth gauge',
    'depth 3',
  ]);
});

t.test('numbers as Go writes them', async (t) => {
  const cases = [0, 0.005, 1.25, 100_000, 1e6, 2_592_000, 1e-8, 0.0001, 0.00001].map(formatNumber);
  t.same(cases, ['0', '0.005', '1.25', '100000', '1e+06', '2.592e+06', '1e-08', '0.0001', '1e-05']);
  // Upstream's bounds of workqueues: multiplied one after another, with the faults of floating point.
  t.same(exponentialBuckets(1e-8, 10, 10).map(formatNumber), [
    '1e-08',
    '1e-07',
    '1e-06',
    '9.999999999999999e-06',
    '9.999999999999999e-05',
    '0.001',
    '0.01',
    '0.1',
    '1',
    '10',
  ]);
});
