import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { FakeClock } from '../../test/lib/fake-clock';
import { type Pod, pods } from '../api/index';
import { silentLogger } from '../base/logger';
import { KeptCopy, keptIn, maxAgeMs, writeMs } from './kept-copy';

const pod = (name: string): Pod => ({ metadata: { namespace: 'a', name, resourceVersion: '7', uid: `uid-${name}` } });

class Source {
  revision = 9;
  hasSynced = true;
  objects: Pod[] = [pod('one')];
  private handler = () => {};
  list(): readonly Pod[] {
    return this.objects;
  }
  onChange(handler: () => void): void {
    this.handler = handler;
  }
  become(...names: readonly string[]): void {
    this.objects = names.map(pod);
    this.handler();
  }
}

/** A copy that is kept until the end of the test; `pass` moves the time, and waits until the copy sleeps again. */
async function keep(t: Test, source = new Source()) {
  const file = join(t.testdir(), 'state', 'pods.jsonl');
  const clock = new FakeClock();
  const copy = new KeptCopy<Pod>(file, silentLogger, clock);
  const abort = new AbortController();
  const slept = { promise: Promise.withResolvers<void>() };
  const sleep = clock.sleep.bind(clock);
  clock.sleep = (ms, signal) => {
    slept.promise.resolve();
    return sleep(ms, signal);
  };
  const done = copy.keep(source, abort.signal);
  t.teardown(async () => {
    abort.abort(new Error('test over'));
    await done;
  });
  await slept.promise.promise;
  const pass = async (ms: number) => {
    slept.promise = Promise.withResolvers<void>();
    await clock.advance(ms);
    await slept.promise.promise;
  };
  /** Another process reads it after this time. */
  const readAfter = (ms: number) => {
    const mtime = statSync(file).mtimeMs;
    return new KeptCopy<Pod>(file, silentLogger, new FakeClock(mtime + ms)).read();
  };
  return { file, clock, copy, source, pass, readAfter };
}
const names = (objects: ReadonlyMap<string, Pod> | undefined) => objects && [...objects.keys()];

t.test('the next process reads what the last one kept', async (t) => {
  const { file, source, pass, readAfter } = await keep(t);
  t.strictSame(await readAfter(1_000), new Map([['a/one', pod('one')]]));
  source.become('one', 'two');
  await pass(writeMs);
  t.strictSame(names(await readAfter(1_000)), ['a/one', 'a/two']);
  source.become();
  await pass(writeMs);
  t.strictSame(names(await readAfter(1_000)), []);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.equal(statSync(dirname(file)).mode & 0o777, 0o700);
  t.strictSame(readdirSync(dirname(file)), ['pods.jsonl'], 'no temporary file is left');
});

t.test('nothing is written without a change', async (t) => {
  const { file, pass } = await keep(t);
  writeFileSync(file, 'as it was');
  await pass(writeMs);
  t.equal(readFileSync(file, 'utf8'), 'as it was');
});

t.test('many objects', async (t) => {
  const source = new Source();
  source.objects = Array.from({ length: 1_001 }, (_, i) => pod(`pod-${i}`));
  const { readAfter } = await keep(t, source);
  t.equal((await readAfter(0))?.size, 1_001);
});

t.test('an old state is not used; a process that lives keeps it young, without the API server as well', async (t) => {
  const source = new Source();
  const { file, clock, pass, readAfter } = await keep(t, source);
  t.equal(await readAfter(maxAgeMs + 1), undefined);
  source.revision = 0;
  const old = new Date(clock.now() - 1_000_000);
  utimesSync(file, old, old);
  await pass(60_000);
  t.equal(statSync(file).mtimeMs, clock.now());
});

t.test('a process that does not work by the state does not keep it young', async (t) => {
  const source = Object.assign(new Source(), { revision: 0, hasSynced: false });
  const { file, pass } = await keep(t, source);
  mkdirSync(dirname(file));
  writeFileSync(file, 'old');
  utimesSync(file, 5, 5);
  await pass(60_000);
  t.equal(statSync(file).mtimeMs, 5_000);
});

t.test('what came from a file is not written before the API server has answered', async (t) => {
  const source = Object.assign(new Source(), { revision: 0 });
  const { file, pass } = await keep(t, source);
  t.throws(() => statSync(file));
  source.revision = 1;
  await pass(writeMs);
  t.ok(statSync(file));
});

t.test('no file, half a file, another file', async (t) => {
  const dir = t.testdir({
    half: 'k8ts-kept-copy 1 2\n{"metadata":{"name":"a"}}\n',
    cut: 'k8ts-kept-copy 1 1\n{"metadata":{"na\n',
    other: 'something else\n',
    empty: '',
  });
  for (const name of ['none', 'half', 'cut', 'other', 'empty']) {
    const copy = new KeptCopy<Pod>(join(dir, name), silentLogger, new FakeClock(Date.now()));
    t.equal(await copy.read(), undefined, name);
  }
});

t.test('a folder that cannot be written is no failure', async (t) => {
  const dir = t.testdir({ file: '' });
  const copy = new KeptCopy<Pod>(join(dir, 'file', 'pods.jsonl'), silentLogger, new FakeClock());
  const abort = new AbortController();
  const done = copy.keep(new Source(), abort.signal);
  abort.abort(new Error('over'));
  await done;
  t.equal(await copy.read(), undefined);
});

t.test('one file for each kind, none without a folder', async (t) => {
  t.strictSame(keptIn('', pods, silentLogger), {});
  t.type(keptIn(t.testdir(), pods, silentLogger).file, KeptCopy);
});
