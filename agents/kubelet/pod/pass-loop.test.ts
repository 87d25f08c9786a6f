import t from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { PassLoop } from './pass-loop';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A loop whose passes end when the test says so. */
function setUp() {
  const clock = new FakeClock();
  const passes: { readonly signal: AbortSignal; readonly end: PromiseWithResolvers<number | undefined> }[] = [];
  const failures: { readonly error: unknown; readonly retryMs: number }[] = [];
  let due = 0;
  const loop = new PassLoop({
    clock,
    pass: (signal) => {
      const end = Promise.withResolvers<number | undefined>();
      passes.push({ signal, end });
      return end.promise;
    },
    onDue: () => {
      due++;
      loop.request();
    },
    onFailure: (error, retryMs) => failures.push({ error, retryMs }),
  });
  const last = () => passes.at(-1)!;
  return {
    clock,
    loop,
    passes,
    failures,
    last,
    due: () => due,
    end: async (nextAtMs?: number) => {
      last().end.resolve(nextAtMs);
      await turn();
    },
    fail: async (message: string) => {
      last().end.reject(new Error(message));
      await turn();
    },
  };
}

t.test('1 and 2: requests during a pass lead to exactly one more pass, after it', async (t) => {
  const { loop, passes, end } = setUp();
  t.equal(passes.length, 0, 'nothing runs without a request');
  loop.request();
  t.equal(passes.length, 1, 'at once');
  t.equal(loop.running, true);
  loop.request();
  loop.request();
  await turn();
  t.equal(passes.length, 1, 'passes never overlap');
  await end();
  t.equal(passes.length, 2);
  await end();
  t.equal(passes.length, 2, 'no request is left');
  t.equal(loop.running, false);
});

t.test('3: a pass that fails is repeated with back-off; success resets the back-off', async (t) => {
  const { loop, passes, failures, clock, end, fail } = setUp();
  loop.request();
  await fail('first');
  t.match(failures, [{ error: { message: 'first' }, retryMs: 500 }]);
  clock.advance(499);
  t.equal(passes.length, 1);
  clock.advance(1);
  t.equal(passes.length, 2);
  await fail('second');
  t.equal(failures[1]?.retryMs, 1_000);
  loop.request();
  t.equal(passes.length, 3, 'a request does not wait for the end of the back-off');
  await end();
  clock.advance(60_000);
  t.equal(passes.length, 3, 'the timer of the failure is gone');
  loop.request();
  await fail('third');
  t.equal(failures[2]?.retryMs, 500);
});

t.test('4: the next pass begins at the time that a pass has given, unless another one has begun before', async (t) => {
  const { loop, passes, clock, end, due } = setUp();
  loop.request();
  await end(clock.now() + 3_000);
  loop.request();
  await end(clock.now() + 5_000);
  clock.advance(4_999);
  t.equal(passes.length, 2, 'the time of the first pass is replaced');
  clock.advance(1);
  t.equal(passes.length, 3);
  t.equal(due(), 1);
  await end(clock.now() - 1);
  clock.advance(0);
  t.equal(passes.length, 4, 'a time that has passed is due at once');
  loop.request();
  await end(clock.now() + 7_000);
  t.same(clock.pending(), [], 'a requested pass comes first');
});

t.test('5: a pass that is interrupted is followed by another one at once', async (t) => {
  const { loop, passes, failures, last, end, fail } = setUp();
  loop.request();
  loop.interrupt(new Error('deleted'));
  t.match(last().signal.reason, { message: 'deleted' });
  await fail('deleted');
  t.equal(passes.length, 2);
  t.equal(last().signal.aborted, false, 'with a signal of its own');
  t.same(failures, []);
  await end();
  loop.interrupt(new Error('nothing runs'));
  loop.request();
  t.equal(last().signal.aborted, false, 'an interruption between passes concerns none');
});

t.test('6: after close() no pass begins', async (t) => {
  const { loop, passes, failures, last, clock, end, fail, due } = setUp();
  loop.request();
  await end(clock.now() + 1_000);
  loop.request();
  loop.request();
  loop.close(new Error('stopped'));
  t.equal(loop.closed, true);
  t.match(last().signal.reason, { message: 'stopped' });
  await fail('stopped');
  loop.request();
  clock.advance(60_000);
  t.equal(passes.length, 2);
  t.equal(due(), 0);
  t.same(failures, []);
  t.equal(loop.running, false);
});
