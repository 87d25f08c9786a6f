// The guarantees at the top of rules-keeper.ts, by their numbers; the third is runner.ts's own.
import t, { type Test } from 'tap';
import { silentLogger } from '../../controlplane/base/logger';
import type { Drift } from '../../dataplane/netfilter/writer';
import { FakeClock } from '../../test/lib/fake-clock';
import { canaryMs, checkMs, checkShare, RulesKeeper, staleMs } from './rules-keeper';

const settle = () => new Promise((resolve) => setImmediate(resolve));
const flushed: Drift = [{ table: 'nat', chain: 'K8TS-SERVICES', kind: 'missing' }];

/** A keeper of rules. Writes and checks succeed at once, unless a test replaces the kernel's behaviour. */
function setUp(t: Test) {
  const clock = new FakeClock(0);
  const kernel = {
    noticesAll: true,
    /** How long a check takes. */
    checkTakesMs: 0,
    drift: [] as Drift,
    write: async (): Promise<void> => undefined,
    check: async (): Promise<void> => undefined,
  };
  const calls: string[] = [];
  const drifts: Drift[] = [];
  const failing: string[] = [];
  let requests = 0;
  const keeper = new RulesKeeper({
    what: 'rules',
    sync: async () => {
      calls.push('write');
      kernel.drift = [];
      await kernel.write();
    },
    check: async (thorough) => {
      calls.push(thorough ? 'thorough check' : 'check');
      await kernel.check();
      clock.advance(kernel.checkTakesMs);
      return kernel.drift;
    },
    noticesAll: () => kernel.noticesAll,
    onDrift: (drift) => drifts.push(drift),
    onRequest: () => requests++,
    onFailing: (message) => failing.push(message),
    clock,
    log: silentLogger,
  });
  const stop = new AbortController();
  let running: Promise<void> | undefined;
  const end = async () => {
    stop.abort(new Error('test over'));
    await running;
  };
  t.teardown(end);
  return {
    clock,
    kernel,
    calls,
    drifts,
    failing,
    keeper,
    end,
    requests: () => requests,
    /** Starts it; resolves when it is idle. */
    start: async () => {
      running = keeper.run(stop.signal);
      await settle();
    },
    pass: async (ms: number) => {
      clock.advance(ms);
      await settle();
    },
  };
}

t.test('1. nothing is written or checked before run(), which writes everything', async (t) => {
  const { keeper, calls, requests, start, pass } = setUp(t);
  keeper.request();
  await pass(10 * canaryMs);
  t.same(calls, []);
  t.equal(requests(), 0, 'a request before it does not count');
  t.equal(keeper.started, false);
  await start();
  t.same(calls, ['write']);
  t.equal(requests(), 1);
  t.equal(keeper.started, true);
});

t.test('2. writes and checks never overlap', async (t) => {
  const { keeper, kernel, calls, start, pass } = setUp(t);
  await start();
  const checked = Promise.withResolvers<void>();
  kernel.check = () => checked.promise;
  await pass(canaryMs);
  keeper.request();
  await settle();
  t.same(calls, ['write', 'thorough check'], 'the write waits for the check');
  const written = Promise.withResolvers<void>();
  kernel.write = () => written.promise;
  checked.resolve();
  await settle();
  t.same(calls, ['write', 'thorough check', 'write']);
  await pass(canaryMs);
  t.equal(calls.length, 3, 'the check waits for the write');
  written.resolve();
  await settle();
  t.same(calls.slice(3), ['check']);
});

t.test('4. quick checks at intervals, thorough ones now and then', async (t) => {
  const { calls, start, pass } = setUp(t);
  await start();
  for (let i = 0; i <= checkMs / canaryMs; i++) await pass(canaryMs);
  const checks = calls.slice(1);
  t.equal(checks.length, 1 + checkMs / canaryMs);
  const thorough = [...checks.keys()].filter((i) => checks[i] === 'thorough check');
  t.same(thorough, [0, checkMs / canaryMs], 'the first, and one after checkMs');
});

t.test('4. where a quick check may miss a change, thorough ones take their share of a core', async (t) => {
  const { kernel, calls, start, pass } = setUp(t);
  kernel.noticesAll = false;
  kernel.checkTakesMs = 4 * canaryMs * checkShare;
  await start();
  for (let i = 0; i < 5; i++) await pass(canaryMs);
  t.same(calls.slice(1), ['thorough check', 'check', 'check', 'check', 'thorough check']);
});

t.test('5. drift is reported once and written again', async (t) => {
  const { kernel, calls, drifts, start, pass } = setUp(t);
  await start();
  kernel.drift = flushed;
  await pass(canaryMs);
  t.same(drifts, [flushed]);
  t.same(calls, ['write', 'thorough check', 'write']);
  await pass(canaryMs);
  t.same(drifts, [flushed]);
});

t.test('5. a check that fails is followed by the next one', async (t) => {
  const { kernel, calls, drifts, start, pass } = setUp(t);
  await start();
  kernel.check = async () => {
    throw new Error('the kernel does not answer');
  };
  await pass(canaryMs);
  kernel.check = async () => undefined;
  kernel.drift = flushed;
  await pass(canaryMs);
  t.same(calls, ['write', 'thorough check', 'check', 'write']);
  t.same(drifts, [flushed]);
});

t.test('6. problem() names changes that wait for long, since they were requested', async (t) => {
  const { keeper, kernel, failing, start, pass } = setUp(t);
  kernel.write = async () => {
    throw new Error('no such table');
  };
  await start();
  t.equal(keeper.problem(), undefined, 'not at once');
  await pass(staleMs);
  await pass(staleMs);
  t.equal(keeper.problem(), 'rules are 120 s old: no such table');
  t.same(failing, ['no such table'], 'a row of failures is reported once');
  kernel.write = async () => undefined;
  await pass(staleMs);
  t.equal(keeper.problem(), undefined);
  kernel.write = async () => {
    throw new Error('again');
  };
  keeper.request();
  await settle();
  t.same(failing, ['no such table', 'again'], 'the next row is reported again');
});

t.test('6. problem() names a write that hangs', async (t) => {
  const { keeper, kernel, start, pass, end } = setUp(t);
  await start();
  const written = Promise.withResolvers<void>();
  kernel.write = () => written.promise;
  keeper.request();
  await settle();
  keeper.request();
  await pass(staleMs + 1);
  t.equal(keeper.problem(), 'rules are 60 s old: still writing');
  written.resolve();
  await end();
});

t.test('8. run() resolves when the last write has ended, and nothing follows', async (t) => {
  const { kernel, calls, start, pass, end } = setUp(t);
  const written = Promise.withResolvers<void>();
  kernel.write = () => written.promise;
  await start();
  let ended = false;
  const ending = end().then(() => {
    ended = true;
  });
  await settle();
  t.equal(ended, false);
  written.resolve();
  await ending;
  await pass(10 * canaryMs);
  t.same(calls, ['write']);
});

t.test('7. the state: how many writes have begun, what waits, the last failure', async (t) => {
  const { keeper, kernel, clock, start, pass } = setUp(t);
  t.strictSame(keeper.state(), { writes: 0, pending: false });
  clock.advance(500);
  await start();
  t.strictSame(keeper.state(), { writes: 1, pending: false, writtenAt: 500 });
  const written = Promise.withResolvers<void>();
  kernel.write = () => written.promise;
  keeper.request();
  await settle();
  t.strictSame(keeper.state(), { writes: 2, pending: true, writtenAt: 500 });
  written.reject(new Error('busy'));
  await settle();
  t.strictSame(keeper.state(), { writes: 2, pending: true, writtenAt: 500, failure: 'busy' });
  kernel.write = async () => undefined;
  await pass(60_000);
  t.match(keeper.state(), { pending: false, writtenAt: 60_500 });
  t.notMatch(keeper.state(), { failure: String });
});
