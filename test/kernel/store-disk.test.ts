// The store of an API server on a file system that gets full, and on one that is read-only.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { silentLogger } from '../../controlplane/base/logger';
import { Scope } from '../../controlplane/base/scope';
import { openStore } from '../../controlplane/store/open';
import { lookMs } from '../../controlplane/store/sqlite/file-keeper';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { startApiServer } from '../lib/api-server';
import { FakeClock } from '../lib/fake-clock';

const exec = new SystemExec();
const skip = process.getuid?.() === 0 ? false : 'needs root';
const configMaps = '/api/v1/namespaces/default/configmaps';
const sizeBytes = 6 << 20;

/** A file system of `sizeBytes` in memory. */
async function mountSmall(t: Test, scope: Scope): Promise<string> {
  const dir = join(t.testdir(), 'disk');
  mkdirSync(dir);
  await exec.run(['mount', '-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'small', dir]);
  scope.defer(() => exec.run(['umount', '--lazy', dir]));
  return dir;
}

/** Writes until nothing more fits. */
function fillUp(path: string): void {
  const chunk = Buffer.alloc(4_096);
  for (;;) {
    try {
      writeFileSync(path, chunk, { flag: 'a' });
    } catch {
      return;
    }
  }
}

t.test(
  'a full disk: writes are refused, reads go on, /readyz says it, and it ends with the room',
  { skip },
  async (t) => {
    const scope = new Scope();
    t.teardown(() => scope.close());
    const dir = await mountSmall(t, scope);
    const clock = new FakeClock();
    const lines: string[] = [];
    const log = {
      ...silentLogger,
      error: (text: string) => void lines.push(text),
      info: (text: string) => void lines.push(text),
    };
    const store = await openStore({ kind: 'sqlite', path: join(dir, 'state.db') }, { clock, log });
    scope.defer(() => store.close());
    const server = await startApiServer({ store });
    scope.defer(() => server.close());
    const create = async (name: string) =>
      (await server.call('POST', configMaps, { body: { metadata: { name }, data: { text: 'x'.repeat(10_000) } } }))
        .status;
    t.equal(await create('before'), 201);
    fillUp(join(dir, 'other'));
    const refused: string[] = [];
    // The log file has some room of its own.
    for (let i = 0; refused.length < 3; i++) {
      const name = `full-${i}`;
      const status = await create(name);
      if (status === 503) refused.push(name);
      else t.equal(status, 201);
    }
    t.equal(store.problem?.(), 'the disk is full');
    const ready = await server.call('GET', '/readyz');
    t.equal(ready.status, 500);
    t.match(ready.text, /^\[-\]store failed: the disk is full$/m);
    t.equal((await server.call('GET', '/livez')).status, 200, 'a restart would not help');
    for (const name of refused)
      t.equal((await server.call('GET', `${configMaps}/${name}`)).status, 404, 'no refused write is there');
    t.equal((await server.call('GET', `${configMaps}/before`)).status, 200);
    t.same(lines, ['the store refuses writes'], 'one line in the log');
    rmSync(join(dir, 'other'));
    while (store.problem?.() !== undefined) {
      clock.advance(lookMs);
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.equal((await server.call('GET', '/readyz')).text, 'ok');
    for (const name of refused) t.equal(await create(name), 201);
    t.same(lines, ['the store refuses writes', 'the store takes writes again']);
  },
);

t.test('a full disk: the log begins again in its own space', { skip }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const dir = await mountSmall(t, scope);
  const clock = new FakeClock();
  const path = join(dir, 'state.db');
  const key = '/registry/core/configmaps/d/a';
  const value = Buffer.alloc(60_000, 97);
  const first = await openStore({ kind: 'sqlite', path });
  let revision = await first.create(key, value);
  for (let i = 0; i < 40; i++) revision = await first.update(key, value, revision);
  await first.close();
  const store = await openStore({ kind: 'sqlite', path }, { clock });
  scope.defer(() => store.close());
  // The space of the former versions is free inside the file.
  await store.compact(revision);
  fillUp(join(dir, 'other'));
  await t.rejects(
    (async () => {
      for (;;) revision = await store.update(key, value, revision);
    })(),
    { code: 'Unavailable', message: /the disk is full/ },
  );
  while (store.problem?.() !== undefined) {
    clock.advance(lookMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await store.update(key, value, revision);
  t.pass('writes work, and nothing on the disk was removed');
});

t.test('a read-only file system', { skip }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const dir = await mountSmall(t, scope);
  const path = join(dir, 'state.db');
  const store = await openStore({ kind: 'sqlite', path });
  await store.create('/a', Buffer.from('x'));
  await store.close();
  await exec.run(['mount', '-o', 'remount,ro', dir]);
  await t.rejects(openStore({ kind: 'sqlite', path }), {
    code: 'Unavailable',
    message: new RegExp(`cannot open the store ${path}`),
  });
  await exec.run(['mount', '-o', 'remount,rw', dir]);
  const again = await openStore({ kind: 'sqlite', path });
  t.equal(await again.revision(), 1);
  await again.close();
});
