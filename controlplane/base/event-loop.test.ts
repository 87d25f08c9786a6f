import t from 'tap';
import { EventLoop, shareMs } from './event-loop';

function start() {
  const state = { now: 0, due: [] as Array<() => void> };
  const loop = new EventLoop({ now: () => state.now, afterTurn: (fn) => state.due.push(fn) });
  const endTurn = () => {
    for (const fn of state.due.splice(0)) fn();
  };
  return { state, loop, endTurn };
}

t.test('work gives way once the turn is long, and not before', async (t) => {
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
  t.equal(loop.pause(), undefined, 'the next turn has its own share');
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

t.test('a loop in microtasks alone lets timers run', async (t) => {
  const loop = new EventLoop();
  let fired = false;
  setTimeout(() => {
    fired = true;
  }, 0);
  // Ends only when the timer has fired; without the pauses it never would.
  while (!fired) await (loop.pause() ?? Promise.resolve());
  t.ok(fired);
});
