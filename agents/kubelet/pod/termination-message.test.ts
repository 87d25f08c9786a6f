import { mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { SystemExec } from '../../../dataplane/exec/system-exec';
import { FakeClock } from '../../../test/lib/fake-clock';
import { FakeRuntime } from '../runtime/fake';
import { labels } from '../runtime/labels';
import type { LogChunk, LogOptions } from '../runtime/runtime';
import { container, exited, pod } from '../spec/pod.fixture';
import { readMessageFile, TerminationMessages } from './termination-message';

t.test('the end of a message file is read, whatever the container put there', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-message-'));
  t.teardown(() => rm(dir, { recursive: true }));
  const path = join(dir, 'log');
  await writeFile(path, 'last words');
  t.equal(await readMessageFile(path), 'last words');
  await writeFile(path, `${'a'.repeat(5000)}end`);
  t.equal(await readMessageFile(path), `${'a'.repeat(4093)}end`);
  await truncate(path, 1900 * 2 ** 20);
  const before = process.memoryUsage();
  t.equal((await readMessageFile(path)).length, 4096, 'of 1.9 GB');
  t.ok(process.memoryUsage().rss - before.rss < 100 * 2 ** 20);
  t.equal(await readMessageFile(join(dir, 'none')), '');
  t.equal(await readMessageFile(undefined), '');
  await symlink(path, join(dir, 'link'));
  t.match(await readMessageFile(join(dir, 'link')), /^Error on reading termination log .*link: ELOOP/);
  await new SystemExec().run(['mkfifo', join(dir, 'fifo')]);
  t.match(await readMessageFile(join(dir, 'fifo')), /fifo: not a regular file$/, 'reading does not wait for a writer');
  t.match(await readMessageFile(dir), /not a regular file$/);
  t.match(await readMessageFile('/dev/zero'), /not a regular file$/);
});

t.test('a message is known when it was read; after a failure the log replaces an empty one', async (t) => {
  const app = container('app', { terminationMessagePolicy: 'FallbackToLogsOnError' });
  const runtime = new FakeRuntime();
  const clock = new FakeClock();
  const asked: LogOptions[] = [];
  const chunk = (text: string): LogChunk => ({ stream: 'stdout', data: Buffer.from(text) });
  let log: () => AsyncGenerator<LogChunk> = async function* () {};
  runtime.logs = (_id, options) => {
    asked.push(options);
    return log();
  };
  let restarts = 0;
  let changes = 0;
  const messageOf = async (exitCode: number, more: Parameters<typeof exited>[2] = {}) => {
    const messages = new TerminationMessages({ runtime, clock }, () => changes++);
    const record = exited(app, exitCode, { restarts: restarts++, ...more });
    const reading = messages.collect(pod({ containers: [app] }), [record]);
    t.equal(messages.shown(record).state, 'running');
    t.equal(messages.get(record.id), undefined);
    await reading;
    t.equal(messages.collect(pod({ containers: [app] }), [record]), undefined, 'nothing is read twice');
    t.equal(messages.shown(record), record);
    return messages.get(record.id);
  };
  log = async function* () {
    for (let i = 0; i < 100; i++) yield chunk(`${'x'.repeat(1000)}\n`);
    yield chunk('the end');
  };
  const text = (await messageOf(1))!;
  t.equal(text.length, 2048);
  t.ok(text.endsWith('xxx\nthe end'));
  t.equal(asked[0]?.tailLines, 80);
  t.equal(await messageOf(0), undefined, 'a success needs no log');
  t.equal(await messageOf(128, { startError: 'no such file' }), undefined);
  t.equal(asked.length, 1);
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-message-'));
  t.teardown(() => rm(dir, { recursive: true }));
  await writeFile(join(dir, 'log'), 'own words');
  const own = { labels: { ...exited(app, 1).labels, [labels.terminationLog]: join(dir, 'log') } };
  t.equal(await messageOf(1, own), 'own words');
  t.equal(changes, restarts);
  log = async function* () {
    yield chunk('never');
    throw new Error('refused');
  };
  t.equal(await messageOf(1), 'Error on reading termination message from logs: refused');
});

t.test('a log that never ends delays the status no longer than its limit', async (t) => {
  const app = container('app', { terminationMessagePolicy: 'FallbackToLogsOnError' });
  const runtime = new FakeRuntime();
  const clock = new FakeClock();
  runtime.logs = async function* (_id, { signal }) {
    yield await new Promise<never>((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
  };
  const messages = new TerminationMessages({ runtime, clock });
  const record = exited(app, 1);
  const reading = messages.collect(pod({ containers: [app] }), [record]);
  await clock.armed(10_000);
  clock.advance(10_000);
  await reading;
  t.match(messages.get(record.id), /not read in time/);
});
