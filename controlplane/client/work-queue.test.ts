import t from 'tap';
import { FakeClock } from '../../test/lib/fake-clock';
import { WorkQueue } from './work-queue';

function start(options: { onRetry?: (key: string, err: unknown, delayMs: number) => void } = {}) {
  const clock = new FakeClock();
  const abort = new AbortController();
  const queue = new WorkQueue({ clock, backoff: { initialMs: 10, maxMs: 40 }, ...options });
  const keys = queue.keys(abort.signal);
  return { clock, abort, queue, keys, take: async () => (await keys.next()).value as string };
}

t.test('returns keys in order and each only once', async (t) => {
  const { queue, take } = start();
  queue.add('a');
  queue.add('b');
  queue.add('a');
  t.equal(queue.length, 2);
  t.same([await take(), await take()], ['a', 'b']);
  t.equal(queue.length, 0);
});

t.test('wakes a waiting worker', async (t) => {
  const { queue, take } = start();
  const next = take();
  queue.add('late');
  t.equal(await next, 'late');
});

t.test('never gives a key to two workers, and never loses an update', async (t) => {
  const { queue, abort, take } = start();
  queue.add('a');
  t.equal(await take(), 'a');
  queue.add('a');
  t.equal(queue.length, 0, 'not handed out while a worker has the key');
  let second: string | undefined;
  const other = queue.keys(abort.signal);
  const waiting = other.next().then(({ value }) => {
    second = value as string;
  });
  await new Promise(setImmediate);
  t.equal(second, undefined);
  queue.done('a');
  await waiting;
  t.equal(second, 'a', 'handed out again after done');
  queue.done('a');
  t.equal(queue.length, 0);
});

t.test('two workers share the keys', async (t) => {
  const { queue, abort } = start();
  const [one, two] = [queue.keys(abort.signal), queue.keys(abort.signal)];
  const both = Promise.all([one.next(), two.next()]);
  queue.add('a');
  queue.add('b');
  t.same((await both).map(({ value }) => value).sort(), ['a', 'b']);
});

t.test('a failed key is retried after a growing delay, a success resets the delay', async (t) => {
  const retries: unknown[] = [];
  const { queue, clock, take } = start({ onRetry: (key, err, delay) => retries.push([key, String(err), delay]) });
  queue.add('a');
  for (const delay of [10, 20, 40, 40]) {
    t.equal(await take(), 'a');
    queue.done('a', 'boom');
    t.same(clock.pending(), [delay]);
    clock.advance(delay);
  }
  t.same(retries[2], ['a', 'boom', 40]);
  t.equal(queue.failures('a'), 4);
  t.equal(await take(), 'a');
  queue.done('a');
  t.equal(queue.failures('a'), 0);
  t.same(clock.pending(), []);
});

t.test('addAfter keeps the earliest time of a key', async (t) => {
  const { queue, clock } = start();
  queue.addAfter('a', 100);
  queue.addAfter('a', 50);
  queue.addAfter('a', 80);
  t.same(clock.pending(), [50]);
  queue.addAfter('now', 0);
  t.equal(queue.length, 1);
  clock.advance(50);
  t.equal(queue.length, 2);
});

t.test('iteration ends on abort, without throwing and without timers left', async (t) => {
  const { queue, clock, abort, keys } = start();
  const next = keys.next();
  queue.addAfter('a', 1000);
  abort.abort();
  t.equal((await next).done, true);
  t.same(clock.pending(), []);
});

t.test('an add after the end sets no timer', async (t) => {
  const { queue, clock, abort, keys } = start();
  queue.add('a');
  t.equal((await keys.next()).value, 'a');
  abort.abort();
  t.equal((await keys.next()).done, true);
  queue.done('a', 'failed on the way out');
  queue.addAfter('b', 1000);
  t.same(clock.pending(), []);
});

t.test('a key that is added while a worker has it is limited in rate', async (t) => {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock, pace: { burst: 3, perSecond: 10 } });
  const keys = queue.keys(new AbortController().signal);
  const spin = async () => {
    const { value } = await keys.next();
    queue.add(value as string);
    queue.done(value as string);
  };
  queue.add('a');
  for (let i = 0; i < 3; i++) await spin();
  const fourth = spin();
  await new Promise(setImmediate);
  t.same(clock.pending(), [100], 'the fourth time waits');
  queue.add('b');
  await fourth;
  clock.advance(100);
  t.ok(queue.length > 0, 'the key is ready after the wait');
});

t.test('workers whose reconciles need no I/O let the event loop continue', async (t) => {
  const queue = new WorkQueue();
  const abort = new AbortController();
  let next = 0;
  queue.add('0');
  // Each key adds another key, so that no key reaches its rate limit: without a pause the timer would never fire.
  setTimeout(() => abort.abort(), 0);
  for await (const key of queue.keys(abort.signal)) {
    queue.add(String(++next));
    queue.done(key);
  }
  t.ok(abort.signal.aborted);
});
