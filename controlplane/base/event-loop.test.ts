import t from 'tap';
import { EventLoop, longTurnMs, markReconcile, shareMs, type Work } from './event-loop';
import { createLogger } from './logger';

function start() {
  const state = { now: 0, idleMs: 0, count: 0, due: [] as Array<() => void> };
  const loop = new EventLoop({
    now: () => state.now,
    afterTurn: (fn) => state.due.push(fn),
    rounds: () => ({ idleMs: state.idleMs, count: state.count }),
  });
  const lines: string[] = [];
  loop.logTo(createLogger({ component: 'c', write: (line) => lines.push(line.replace(/^.* c: /, '').trim()) }));
  const endTurn = () => {
    for (const fn of state.due.splice(0)) fn();
    state.count++;
  };
  /** Marks `work` and lets it take `ms`. */
  const spend = (work: Work, ms: number) => {
    loop.mark(work);
    state.now += ms;
  };
  return { state, loop, lines, endTurn, spend };
}

const request = (path: string): Work => ({ kind: 'request', describe: () => ({ path }) });
const informer = (kind: string): Work => ({ kind: 'informer', describe: () => ({ kind }) });

t.test('a long turn is logged with the work of its longest stretch', async (t) => {
  const { spend, endTurn, lines, loop } = start();
  spend(request('/a'), 20);
  spend(request('/b'), 190);
  spend(informer('pods'), 30);
  endTurn();
  t.same(lines, ['the event loop was blocked work=request ms=190 turnMs=240 path=/b']);
  spend(request('/c'), longTurnMs - 1);
  endTurn();
  t.equal(lines.length, 1, 'a shorter one is not');
  spend(informer('pods'), longTurnMs);
  endTurn();
  t.equal(lines[1], 'the event loop was blocked work=informer ms=200 turnMs=200 kind=pods');
  const text = loop.turns.render();
  t.match(text, 'k8ts_event_loop_turn_seconds_bucket{work="request",le="0.2"} 1\n');
  t.match(text, 'k8ts_event_loop_turn_seconds_bucket{work="request",le="+Inf"} 2\n');
  t.match(text, 'k8ts_event_loop_turn_seconds_bucket{work="informer",le="0.2"} 1\n');
  t.match(text, 'k8ts_event_loop_turn_seconds_sum{work="informer"} 0.2\n');
});

t.test('work that continues after an answer is marked as the request that awaits it', async (t) => {
  const { spend, endTurn, lines, loop } = start();
  const first = request('/a');
  spend(first, 1);
  const kept = loop.current;
  spend(request('/b'), 1);
  endTurn();
  spend(informer('pods'), 1);
  spend(kept, 300);
  endTurn();
  t.match(lines[0], 'work=request ms=300 turnMs=301 path=/a');
  t.equal(loop.current.kind, 'other', 'between turns there is no mark');
});

t.test('turns without a mark are found by the next turn', async (t) => {
  const { state, spend, endTurn, lines } = start();
  spend(request('/a'), 1);
  endTurn();
  // Idle for a second, and busy for 400 ms in one round.
  state.now += 1_400;
  state.idleMs += 1_000;
  spend(request('/b'), 1);
  endTurn();
  t.same(lines, ['the event loop was blocked work=other ms=400 turnMs=400']);
  // Busy for as long in 21 rounds.
  state.now += 1_400;
  state.idleMs += 1_000;
  state.count += 20;
  spend(request('/c'), 1);
  endTurn();
  t.equal(lines.length, 1);
});

t.test('a real blocked turn is logged with its controller and key', async (t) => {
  const loop = new EventLoop();
  const logged = new Promise<string>((resolve) =>
    loop.logTo(createLogger({ component: 'c', write: (line) => resolve(line) })),
  );
  loop.mark({ kind: 'reconcile', describe: () => ({ controller: 'garbage', key: 'pods. a/b' }) });
  for (const end = performance.now() + longTurnMs + 1; performance.now() < end; );
  t.match(await logged, /work=reconcile ms=\d{3,} turnMs=\d{3,} controller=garbage key="pods\. a\/b"/);
});

t.test('a real blocked turn without a mark is found, and an idle loop is not', async (t) => {
  const loop = new EventLoop();
  const lines: string[] = [];
  loop.logTo(createLogger({ component: 'c', write: (line) => lines.push(line) }));
  loop.mark(request('/a'));
  await new Promise((resolve) => setTimeout(resolve, 2 * longTurnMs));
  loop.mark(request('/b'));
  await new Promise(setImmediate);
  t.same(lines, []);
  for (const end = performance.now() + 2 * longTurnMs; performance.now() < end; );
  await new Promise(setImmediate);
  loop.mark(request('/c'));
  t.match(lines[0], 'work=other');
});

t.test('markReconcile', async (t) => {
  t.doesNotThrow(() => markReconcile('garbage')('a/b'));
});

t.test('work pauses once the turn is long, and not before', async (t) => {
  const { state, loop, endTurn } = start();
  t.equal(loop.pause(), undefined, 'the first step begins the turn');
  state.now = shareMs - 1;
  t.equal(loop.pause(), undefined);
  state.now = shareMs;
  const pause = loop.pause();
  t.ok(pause);
  let resumed = false;
  void pause?.then(() => {
    resumed = true;
  });
  await Promise.resolve();
  t.equal(resumed, false, 'not in the same turn');
  endTurn();
  await pause;
  t.equal(loop.pause(), undefined, 'the next turn begins with its full share');
});

t.test('nothing is scheduled between turns', async (t) => {
  const { state, loop, endTurn } = start();
  loop.pause();
  t.equal(state.due.length, 1);
  loop.pause();
  t.equal(state.due.length, 1, 'one for each turn');
  endTurn();
  t.equal(state.due.length, 0);
});

t.test('a loop in microtasks only lets timers run', async (t) => {
  const loop = new EventLoop();
  let fired = false;
  setTimeout(() => {
    fired = true;
  }, 0);
  // Ends only when the timer has fired; without the pauses it never would.
  while (!fired) await (loop.pause() ?? Promise.resolve());
  t.ok(fired);
});
