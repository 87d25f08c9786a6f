import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { silentLogger } from '../../../controlplane/base/logger';
import { startTicks } from './proc';
import { rotateIfLarge } from './rotate';
import type { ProcessStatus } from './spec';
import { Supervisor } from './supervisor';

async function until<T>(probe: () => T | undefined | false): Promise<T> {
  for (;;) {
    const value = probe();
    if (value !== undefined && value !== false) return value;
    await sleep(10);
  }
}

const setUp = (test: typeof t) => {
  const dir = test.testdir();
  const supervisor = new Supervisor(dir, silentLogger);
  test.teardown(() => supervisor.stop());
  const spec = (name: string, script: string) => ({ name, argv: ['sh', '-c', script], log: join(dir, `${name}.log`) });
  const of = (name: string): ProcessStatus => supervisor.status().find((entry) => entry.name === name)!;
  return { dir, supervisor, spec, of };
};

t.test('starts, starts again after kill -9, and stops', async (t) => {
  const { supervisor, spec, of, dir } = setUp(t as never);
  await supervisor.apply([spec('a', 'echo began; exec sleep 1000')]);
  const first = of('a').pid!;
  await until(() => readFileSync(join(dir, 'a.log'), 'utf8') === 'began\n');
  process.kill(first, 'SIGKILL');
  const second = await until(() => of('a').pid !== first && of('a').pid);
  t.equal(of('a').restarts, 1);
  t.equal(of('a').lastExit, 'ended by a signal');
  await until(() => readFileSync(join(dir, 'a.log'), 'utf8') === 'began\nbegan\n');
  await supervisor.stop();
  t.equal(startTicks(second), undefined);
  t.strictSame(supervisor.status(), []);
});

t.test('a process that ends at once is started again, each time a little later', async (t) => {
  const { supervisor, spec, of } = setUp(t as never);
  await supervisor.apply([spec('a', 'exit 3')]);
  await until(() => of('a').restarts >= 3);
  t.equal(of('a').lastExit, 'exit 3');
});

t.test('a missing program is started again and again, and the status names it', async (t) => {
  const { supervisor, spec, of } = setUp(t as never);
  await supervisor.apply([{ ...spec('a', ''), argv: ['no-such-program-of-ours'] }]);
  await until(() => of('a').state === 'waiting' && of('a').lastExit?.includes('not installed'));
  t.equal(of('a').pid, undefined);
});

t.test('applying specs again restarts only changed processes', async (t) => {
  const { supervisor, spec, of } = setUp(t as never);
  await supervisor.apply([spec('a', 'exec sleep 1000'), spec('b', 'exec sleep 1000')]);
  const [a, b] = [of('a').pid, of('b').pid];
  await supervisor.apply([spec('a', 'exec sleep 1000'), spec('b', 'exec sleep 1001')]);
  t.equal(of('a').pid, a);
  t.not(of('b').pid, b);
});

t.test('a new supervisor adopts the processes of the old one, and restarts them', async (t) => {
  const { dir, supervisor, spec, of } = setUp(t as never);
  await supervisor.apply([spec('a', 'exec sleep 1000')]);
  const { pid } = of('a');
  supervisor.abandon();
  const next = new Supervisor(dir, silentLogger);
  t.teardown(() => next.stop());
  await next.restore();
  t.equal(next.status()[0]?.pid, pid);
  process.kill(pid!, 'SIGKILL');
  await until(() => next.status()[0]?.pid !== pid && next.status()[0]?.pid);
  t.equal(next.status()[0]?.restarts, 1);
});

t.test('a process that ignores SIGTERM is killed after its time', async (t) => {
  const { supervisor, spec, of, dir } = setUp(t as never);
  const stubborn = `trap "" TERM; : > ${join(dir, 'ready')}; while :; do sleep 0.05; done`;
  await supervisor.apply([{ ...spec('a', stubborn), stopTimeoutMs: 100 }]);
  await until(() => existsSync(join(dir, 'ready')));
  const { pid } = of('a');
  await supervisor.stop(['a']);
  t.equal(startTicks(pid!), undefined);
});

t.test('files of a killed process are removed before it starts again', async (t) => {
  const { dir, supervisor, spec } = setUp(t as never);
  const lock = join(dir, 'pid');
  await supervisor.apply([
    { ...spec('a', `test -e ${lock} && echo there || echo removed; : > ${lock}; exit 1`), removeFirst: [lock] },
  ]);
  const found = () => (existsSync(join(dir, 'a.log')) ? readFileSync(join(dir, 'a.log'), 'utf8').split('\n') : []);
  await until(() => found().length > 2);
  t.same(found().slice(0, 2), ['removed', 'removed']);
});

t.test('a large log is rotated', async (t) => {
  const dir = t.testdir({ 'a.log': 'x'.repeat(100) });
  const path = join(dir, 'a.log');
  t.notOk(rotateIfLarge(path, 101));
  t.ok(rotateIfLarge(path, 100));
  t.equal(readFileSync(path, 'utf8'), '');
  t.equal(readFileSync(`${path}.1`, 'utf8').length, 100);
  t.notOk(rotateIfLarge(join(dir, 'none.log')));
});
