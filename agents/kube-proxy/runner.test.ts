// The five guarantees at the top of runner.ts.
import t from 'tap';
import { FakeClock } from '../../test/lib/fake-clock';
import { burst, lazyMs, Runner } from './runner';

function setUp(work: () => Promise<void> = async () => {}) {
  const clock = new FakeClock(0);
  const starts: number[] = [];
  const failures: unknown[] = [];
  const runner = new Runner({
    clock,
    work: () => {
      starts.push(clock.now());
      return work();
    },
    onFailure: (err) => failures.push(err),
  });
  const stop = new AbortController();
  const ended = runner.run(stop.signal);
  const end = () => {
    stop.abort(new Error('over'));
    return ended;
  };
  return { clock, starts, failures, runner, stop: end };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

t.test('a request starts a run at once, one that can wait after a moment', async (t) => {
  const { clock, starts, runner, stop } = setUp();
  runner.request('now');
  await settle();
  t.same(starts, [0]);
  runner.request('soon');
  runner.request('soon');
  await settle();
  t.same(starts, [0]);
  clock.advance(lazyMs);
  await settle();
  t.same(starts, [0, lazyMs]);
  runner.request('soon');
  await settle();
  runner.request('now');
  await settle();
  t.equal(starts.length, 3, 'a pressing one does not wait for the other');
  await stop();
});

t.test('requests during a run lead to one more, and runs never overlap', async (t) => {
  let release = Promise.withResolvers<void>();
  let under = 0;
  let most = 0;
  const { starts, runner, stop } = setUp(async () => {
    most = Math.max(most, ++under);
    await release.promise;
    under--;
  });
  runner.request();
  await settle();
  for (let i = 0; i < 5; i++) runner.request();
  await settle();
  t.equal(starts.length, 1);
  const first = release;
  release = Promise.withResolvers();
  first.resolve();
  await settle();
  t.equal(starts.length, 2);
  release.resolve();
  await settle();
  t.equal(starts.length, 2);
  t.equal(most, 1);
  await stop();
});

t.test('a flood is written in portions', async (t) => {
  const took = 40;
  let again = () => {};
  const { clock, starts, runner, stop } = setUp(async () => {
    clock.advance(took);
    again();
  });
  again = () => runner.request();
  runner.request();
  for (let i = 0; i < 20; i++) await settle();
  t.equal(starts.length, burst, 'then it pauses as long as the last run took');
  again = () => {};
  clock.advance(took - 1);
  await settle();
  t.equal(starts.length, burst);
  clock.advance(1);
  await settle();
  t.equal(starts.length, burst + 1);
  await stop();
});

t.test('a failed run is repeated with growing pauses', async (t) => {
  let broken = true;
  const { clock, starts, failures, runner, stop } = setUp(async () => {
    if (broken) throw new Error('kernel says no');
  });
  runner.request();
  await settle();
  clock.advance(100);
  await settle();
  clock.advance(199);
  await settle();
  t.same(starts, [0, 100]);
  broken = false;
  clock.advance(1);
  await settle();
  t.same(starts, [0, 100, 300]);
  t.equal(failures.length, 2);
  clock.advance(60_000);
  await settle();
  t.equal(starts.length, 3);
  await stop();
});
