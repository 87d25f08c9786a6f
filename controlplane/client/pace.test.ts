import t from 'tap';
import { Pace } from './pace';

const options = { burst: 3, perSecond: 10 };
const burst = (pace: Pace, key: string, nowMs: number, times: number) =>
  Array.from({ length: times }, () => pace.take(key, nowMs));

t.test('a burst is free, then the key has its rate', async (t) => {
  const pace = new Pace(options);
  t.same(burst(pace, 'a', 0, 4), [0, 0, 0, 100]);
  t.same(burst(pace, 'b', 0, 1), [0], 'keys have separate rates');
  t.same(burst(pace, 'a', 50, 1), [50], 'a refused attempt costs nothing');
  t.same(burst(pace, 'a', 100, 2), [0, 100]);
});

t.test('quiet keys are free again', async (t) => {
  const pace = new Pace(options);
  burst(pace, 'a', 0, 4);
  t.same(burst(pace, 'a', 300, 4), [0, 0, 0, 100]);
  t.same(burst(pace, 'a', 10_000, 4), [0, 0, 0, 100]);
});

t.test('old entries are dropped, but a key in use keeps its rate', async (t) => {
  const pace = new Pace(options);
  burst(pace, 'a', 0, 3);
  let handedOut = 0;
  for (let now = 0; now < 3_000; now += 10) if (pace.take('a', now) === 0) handedOut++;
  t.ok(handedOut <= 30, `${handedOut} in three seconds`);
  t.ok(handedOut >= 29);
});

t.test('a clock that is set back delays no key', async (t) => {
  const pace = new Pace(options);
  burst(pace, 'a', 1_000_000, 3);
  t.same(burst(pace, 'a', 0, 1), [100]);
  t.same(burst(pace, 'a', 100, 1), [0]);
});
