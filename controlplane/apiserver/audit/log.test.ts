// The log under the events: no request waits for it, its memory and its files are bounded, and nothing accepted is lost at the end.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { silentLogger } from '../../base/logger';
import { LogSink } from './log-sink';
import { RotatingFile } from './rotating-file';

t.test('events wait for a slow disk up to a bound, then they are dropped and counted', async (t) => {
  const written: string[] = [];
  const slow = Promise.withResolvers<void>();
  const errors: string[] = [];
  const log = { ...silentLogger, error: (message: string) => void errors.push(message) };
  const sink = new LogSink(
    {
      write: (text) => {
        written.push(text);
        return slow.promise;
      },
      close: async () => undefined,
    },
    log,
    30,
  );
  for (let i = 0; i < 5; i++) sink.emit(`event-${i}--`);
  t.same([sink.events, sink.dropped], [3, 2]);
  t.equal(errors.length, 1, 'one message for all of them');
  slow.resolve();
  await sink.close();
  t.same(written, ['event-0--\n', 'event-1--\nevent-2--\n'], 'in order, what waits as one write');
  sink.emit('later');
  await sink.close();
  t.equal(written.at(-1), 'later\n', 'the log goes on afterwards');
});

t.test('a failed write is counted and reported once', async (t) => {
  const errors: string[] = [];
  const log = { ...silentLogger, error: (message: string) => void errors.push(message) };
  const sink = new LogSink({ write: () => Promise.reject(new Error('disk full')), close: async () => undefined }, log);
  sink.emit('a');
  await sink.close();
  sink.emit('b');
  await sink.close();
  t.equal(sink.dropped, 2);
  t.same(errors, ['audit events cannot be written and are dropped']);
});

t.test('the file is rotated by size, and old ones are deleted by number and age', async (t) => {
  const dir = t.testdir();
  const clock = new FakeClock(Date.parse('2026-01-02T03:04:05.006Z'));
  const path = join(dir, 'audit.log');
  const file = new RotatingFile(path, { maxBytes: 10, maxBackups: 2, maxAgeMs: 60_000 }, () => clock.now());
  await file.write('1234567\n');
  await file.write('abcdefg\n');
  t.equal(await readFile(path, 'utf8'), 'abcdefg\n');
  t.equal(await readFile(join(dir, 'audit-2026-01-02T03-04-05.006.log'), 'utf8'), '1234567\n');
  await file.write('xxxxxxx\n');
  await file.write('yyyyyyy\n');
  const backups = async () => (await readdir(dir)).filter((name) => name !== 'audit.log').sort();
  t.same(await backups(), ['audit-2026-01-02T03-04-05.007.log', 'audit-2026-01-02T03-04-05.008.log']);
  clock.advance(60_010);
  await file.write('zzzzzzz\n');
  t.same(await backups(), ['audit-2026-01-02T03-05-05.016.log']);
  await file.close();
  await file.write('again\n');
  t.equal(await readFile(path, 'utf8'), 'again\n', 'a closed file is opened again');
  await file.close();
});

t.test('only its owner reads the file; a path that cannot be opened is an error at the start', async (t) => {
  const dir = t.testdir({ file: '' });
  const rotation = { maxBytes: 10, maxBackups: 0, maxAgeMs: 0 };
  const good = new RotatingFile(join(dir, 'new', 'audit.log'), rotation, Date.now);
  await good.open();
  await good.close();
  t.equal((await stat(join(dir, 'new', 'audit.log'))).mode & 0o777, 0o600);
  await t.rejects(new RotatingFile(join(dir, 'file', 'audit.log'), rotation, Date.now).open());
});
