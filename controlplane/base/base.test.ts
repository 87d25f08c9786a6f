import t from 'tap';
import { Backoff } from './backoff';
import { formatMicroTime, formatTime, systemClock } from './clock';
import { AppError, CommandFailed, Conflict, describeError, isConflict, isNotFound, NotFound } from './errors';
import { createLogger } from './logger';

void t.test('back-off doubles per key up to its bound and starts over when forgotten', async (t) => {
  const backoff = new Backoff<string>({ initialMs: 10, maxMs: 50 });
  t.same(
    [1, 2, 3, 4].map(() => backoff.next('a')),
    [10, 20, 40, 50],
  );
  t.equal(backoff.next('b'), 10, 'keys do not share failures');
  t.equal(backoff.count('a'), 4);
  backoff.forget('a');
  t.equal(backoff.next('a'), 10);
});

void t.test('a sleep ends with its signal', async (t) => {
  const abort = new AbortController();
  const sleeping = systemClock.sleep(60_000, abort.signal);
  abort.abort(new Error('enough'));
  await t.rejects(sleeping, { message: 'enough' });
  await t.rejects(systemClock.sleep(60_000, abort.signal), { message: 'enough' }, 'also when it was aborted before');
});

void t.test('times read as Kubernetes writes them', async (t) => {
  t.equal(formatTime(1_700_000_000_987), '2023-11-14T22:13:20Z');
  t.equal(formatMicroTime(1_700_000_000_987), '2023-11-14T22:13:20.987000Z');
});

void t.test('errors answer by reaction and keep their causes', async (t) => {
  const err = new AppError('Internal', 'reading the object', { cause: new NotFound('no such key') });
  t.equal(describeError(err), 'reading the object: no such key');
  t.notOk(isNotFound(err));
  t.ok(isNotFound(err.cause));
  t.ok(isConflict(new Conflict('x')));
  const failed = new CommandFailed(['ip', 'link'], 2, 'first line\nsecond');
  t.equal(failed.message, 'ip link: exit 2: first line');
  t.equal(describeError('text'), 'text');
  const docker = new Error('(HTTP code 400) bad parameter - no such mount');
  t.equal(
    describeError(new Conflict('no such mount', { cause: docker })),
    'no such mount',
    'one message when both say the same',
  );
  const blank = new Error('(HTTP code 500) server error - no such host ');
  t.equal(
    describeError(new Conflict('no such host', { cause: blank })),
    'no such host',
    'one message, also when they differ in blanks',
  );
  t.equal(describeError(new Conflict('mounting v: gone', { cause: new Error('gone') })), 'mounting v: gone');
});

void t.test('a log line is one line, with quoting only where needed', async (t) => {
  const lines: string[] = [];
  const log = createLogger({ component: 'kubelet', level: 'info', write: (line) => lines.push(line), now: () => 0 });
  log.debug('not shown');
  log.child('pods').warn('cannot start', { pod: 'a/b', reason: 'no "image"', error: new Error('a\nb'), n: 3 });
  t.same(lines, [
    '1970-01-01T00:00:00.000Z WARN  kubelet/pods: cannot start pod=a/b reason="no \\"image\\"" error="a\\nb" n=3\n',
  ]);
});

t.test('a time beyond what a timer counts does not come at once', async (t) => {
  let fired = false;
  const cancel = systemClock.after(2 ** 31 + 5, () => {
    fired = true;
  });
  const abort = new AbortController();
  const sleeping = systemClock.sleep(1e15, abort.signal);
  await systemClock.sleep(20);
  t.equal(fired, false);
  cancel();
  abort.abort(new Error('enough'));
  await t.rejects(sleeping, 'enough');
});
