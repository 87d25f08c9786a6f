import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Clock } from '../../../controlplane/base/clock';
import { silentLogger } from '../../../controlplane/base/logger';
import { startProgram } from '../../../dataplane/exec/system-exec';
import { openNotifySocket } from '../../../dataplane/notify/notify';
import { FakeClock } from '../../../test/lib/fake-clock';
import { bootMs, Liveness, lookMs } from './liveness';
import { processState } from './proc';
import { notifySocket } from './spec';
import { Supervisor } from './supervisor';

const timeoutMs = 60_000;

function watch(pid = process.pid) {
  const clock = new FakeClock();
  // Time that passes without a timer: the machine sleeps.
  const suspended = { ms: 0 };
  const machine: Clock = {
    now: () => clock.now() + suspended.ms,
    elapsed: () => clock.elapsed(),
    after: (ms, fn) => clock.after(ms, fn),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
  const silent: string[] = [];
  const liveness = new Liveness({ clock: machine, onSilent: (name, ms) => void silent.push(`${name} ${ms / 1000}`) });
  const socket = { onBeat: () => {}, close: () => {} };
  liveness.watch('a', pid, timeoutMs, socket);
  const pass = (ms: number) => {
    for (let rest = ms; rest > 0; rest -= lookMs) clock.advance(Math.min(rest, lookMs));
  };
  return { clock, suspended, silent, liveness, socket, pass };
}

t.test('a slow process that notifies is not killed', async (t) => {
  const { silent, socket, pass, liveness, clock } = watch();
  pass(bootMs);
  for (let i = 0; i < 20; i++) {
    socket.onBeat();
    pass(timeoutMs - lookMs);
  }
  t.strictSame(silent, []);
  socket.onBeat();
  pass(timeoutMs + lookMs);
  t.strictSame(silent, ['a 65']);
  t.strictSame(clock.pending(), [], 'nothing is left to watch');
  liveness.forget('a');
});

t.test('a process has a limited time to start', async (t) => {
  const { silent, pass } = watch();
  pass(bootMs);
  t.strictSame(silent, []);
  pass(lookMs);
  t.strictSame(silent, ['a 125']);
});

t.test('after a suspension of the machine all times start again', async (t) => {
  const { silent, socket, pass, suspended } = watch();
  socket.onBeat();
  pass(timeoutMs);
  suspended.ms = 3_600_000;
  pass(lookMs);
  t.strictSame(silent, []);
  pass(timeoutMs);
  t.strictSame(silent, []);
  pass(lookMs);
  t.match(silent, [/^a 65/]);
});

t.test('a stopped process does not count as hanging', async (t) => {
  const child = await startProgram(['sleep', '100']);
  t.teardown(async () => {
    child.kill('SIGKILL');
    await child.exited;
  });
  child.kill('SIGSTOP');
  while (processState(child.pid) !== 'T') await sleep(10);
  const { silent, socket, pass } = watch(child.pid);
  socket.onBeat();
  pass(10 * timeoutMs);
  t.strictSame(silent, []);
  child.kill('SIGCONT');
  while (processState(child.pid) === 'T') await sleep(10);
  pass(timeoutMs + lookMs);
  t.equal(silent.length, 1);
});

/** Paths of Unix sockets have 107 bytes at most. */
function shortDir(test: Pick<typeof t, 'teardown'>): string {
  const dir = mkdtempSync(join(tmpdir(), 'k8ts-'));
  test.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

// tap has every Node.js below it load a module that catches SIGINT.
const fixture = [
  'env',
  '-u',
  'NODE_OPTIONS',
  process.execPath,
  '-r',
  require.resolve('ts-node/register'),
  require.resolve('./blocked.fixture.ts'),
];

for (const [way, stack] of [
  ['loop', /interrupted by `SIGINT`\n(.*\n)?.*spinForEver.*blocked\.fixture/],
  ['regex', /interrupted by `SIGINT`\n(.*\n)?.*matchForEver.*blocked\.fixture/],
  ['microtasks', /interrupted by `SIGINT`/],
] as const) {
  t.test(`a blocked event loop (${way}): its stack is in its log, and it runs again`, async (t) => {
    const dir = shortDir(t);
    const clock = new FakeClock();
    const supervisor = new Supervisor(dir, silentLogger, clock);
    const log = join(dir, 'a.log');
    const env = { TS_NODE_PROJECT: join(__dirname, '../../../tsconfig.json') };
    const spec = { name: 'a', argv: [...fixture, way], env, log, silentTimeoutMs: timeoutMs };
    await supervisor.apply([spec]);
    const of = () => supervisor.status()[0]!;
    const first = of().pid!;
    t.teardown(() => {
      const { pid } = of();
      supervisor.abandon();
      for (const one of [first, pid]) if (one !== undefined && processState(one)) process.kill(one, 'SIGKILL');
    });
    const text = () => readFileSync(log, 'utf8');
    while (!text().includes('\n')) await sleep(20);
    t.match(text(), /^ready\n/);
    for (let i = 0; i <= (bootMs + timeoutMs) / lookMs && of().hangs === 0; i++) {
      clock.advance(lookMs);
      await sleep(1);
    }
    while (of().state !== 'waiting') await sleep(20);
    t.match(text(), stack);
    t.match(of(), { restarts: 1, hangs: 1, lastExit: /^no sign of life for \d+ s$/ });
    clock.advance(0);
    while (of().pid === undefined) await sleep(20);
    t.not(of().pid, first);
  });
}

t.test('an adopted process notifies the next supervisor', async (t) => {
  const dir = shortDir(t);
  const first = new Supervisor(dir, silentLogger);
  const argv = ['sleep', '1000'];
  await first.apply([{ name: 'n/a', argv, log: join(dir, 'a.log'), silentTimeoutMs: timeoutMs }]);
  first.abandon();
  const clock = new FakeClock();
  const next = new Supervisor(dir, silentLogger, clock);
  await next.restore();
  const pid = next.status()[0]!.pid!;
  t.teardown(() => {
    next.abandon();
    if (processState(pid)) process.kill(pid, 'SIGKILL');
  });
  const socket = openNotifySocket(notifySocket(dir, 'n/a'))!;
  t.teardown(() => socket.close());
  for (let i = 0; i < (2 * bootMs) / lookMs; i++) {
    socket.send('WATCHDOG=1');
    await sleep(5);
    clock.advance(lookMs);
  }
  t.match(next.status()[0], { pid, hangs: 0 });
});
