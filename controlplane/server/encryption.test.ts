// Encryption at rest in a server: Secrets over HTTPS, the files below, keys that rotate, and the errors of wrong ones.
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startApiServer } from '../../test/lib/api-server';
import { FakeClock } from '../../test/lib/fake-clock';
import { silentLogger } from '../base/logger';
import { parseOptions } from '../process/options';
import { openStore } from '../store/open';
import type { Store } from '../store/store';
import { encryptionOptions, openEncryption } from './encryption';
import { lookMs } from './follow-file';
import { command } from './reencrypt';

const secrets = '/api/v1/namespaces/default/secrets';
const marker = Buffer.from('correct horse battery staple').toString('base64');

interface Lab {
  readonly dir: string;
  readonly file: string;
  readonly clock: FakeClock;
  readonly errors: string[];
  /** Keys in order; `plain` is identity. */
  configure(...keys: string[]): Promise<void>;
  open(): Promise<{ readonly store: Store; close(): Promise<void> }>;
  disk(): Promise<string>;
}

function openLab(t: Test): Lab {
  const dir = t.testdir();
  const file = join(dir, 'enc.yaml');
  const data = join(dir, 'data');
  const clock = new FakeClock();
  const errors: string[] = [];
  const log = { ...silentLogger, error: (message: string) => void errors.push(message) };
  return {
    dir: data,
    file,
    clock,
    errors,
    async configure(...keys) {
      const providers = keys.map((name) =>
        name === 'plain'
          ? { identity: {} }
          : { aesgcm: { keys: [{ name, secret: Buffer.alloc(32, name).toString('base64') }] } },
      );
      const config = {
        apiVersion: 'apiserver.config.k8s.io/v1',
        kind: 'EncryptionConfiguration',
        resources: [{ resources: ['secrets'], providers }],
      };
      await writeFile(`${file}.new`, JSON.stringify(config));
      await rename(`${file}.new`, file);
    },
    async open() {
      const stop = new AbortController();
      const kept = await openStore({ kind: 'sqlite', path: join(data, 'state.db'), erases: true });
      const { options } = parseOptions(encryptionOptions, [`--encryption-provider-config=${file}`], {});
      const store = await openEncryption(kept, options, { clock, log }, stop.signal);
      return {
        store,
        close: async () => {
          stop.abort();
          await kept.close();
        },
      };
    },
    disk: async () => {
      const names = (await readdir(data)).filter((name) => name.startsWith('state.db'));
      return (await Promise.all(names.map((name) => readFile(join(data, name), 'latin1')))).join('');
    },
  };
}

t.test('Secrets are encrypted on disk, and are written again with a new key', async (t) => {
  const lab = openLab(t);
  await lab.configure('key1');
  const { store, close } = await lab.open();
  const server = await startApiServer({ store });
  t.teardown(async () => {
    await server.close();
    await close();
  });
  const body = { metadata: { name: 'a' }, data: { password: marker } };
  const made = await server.call('POST', secrets, { body });
  t.equal(made.status, 201);
  await server.call('POST', '/api/v1/namespaces/default/configmaps', {
    body: { metadata: { name: 'a' }, data: { k: 'plain text' } },
  });
  t.equal((await server.call('GET', `${secrets}/a`)).json.data.password, marker);
  t.equal((await server.call('GET', secrets)).json.items[0].data.password, marker);
  const watch = await server.watch(`${secrets}?watch=true&resourceVersion=${made.json.metadata.resourceVersion}`);
  await server.call('PATCH', `${secrets}/a`, {
    type: 'application/merge-patch+json',
    body: { data: { user: 'am9l' } },
  });
  t.match(await watch.next(), { type: 'MODIFIED', object: { data: { password: marker, user: 'am9l' } } });
  watch.close();
  t.notMatch(await lab.disk(), new RegExp(marker));
  t.match(await lab.disk(), /k8s:enc:aesgcm:v1:key1:/);
  t.match(await lab.disk(), /plain text/, 'other resources are not encrypted');
  const current = (await server.call('GET', `${secrets}/a`)).json;
  const same = await server.call('PUT', `${secrets}/a`, { body: current });
  t.equal(
    same.json.metadata.resourceVersion,
    current.metadata.resourceVersion,
    'the same content is not written again',
  );
  await lab.configure('key2', 'key1');
  const put = async () => (await server.call('PUT', `${secrets}/a`, { body: current })).json.metadata.resourceVersion;
  let version = await put();
  while (version === current.metadata.resourceVersion) {
    lab.clock.advance(lookMs);
    version = await put();
  }
  t.match(await lab.disk(), /k8s:enc:aesgcm:v1:key2:/, 'a replace with the same content uses the new key');
  t.same((await server.call('GET', `${secrets}/a`)).json.data, current.data);
});

t.test('a changed file that cannot be used leaves the keys from before', async (t) => {
  const lab = openLab(t);
  await lab.configure('key1');
  const { store, close } = await lab.open();
  t.teardown(close);
  const key = '/registry/core/secrets/default/a';
  await store.create(key, Buffer.from('{}'));
  const turn = async () => {
    const before = lab.errors.length;
    while (lab.errors.length === before) {
      lab.clock.advance(lookMs);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await lab.configure('key2');
  await turn();
  await writeFile(lab.file, 'nonsense');
  await turn();
  t.equal(lab.errors.length, 2);
  t.equal(String((await store.get(key))?.value), '{}');
  await store.update(key, Buffer.from('{"a":1}'), 1);
  t.match(await lab.disk(), /key1:/);
  t.notMatch(await lab.disk(), /key2:/);
});

t.test('a server with a wrong key, or without any, does not start', async (t) => {
  const lab = openLab(t);
  await lab.configure('key1');
  const first = await lab.open();
  await first.store.create(
    '/registry/core/secrets/default/a',
    Buffer.from('{"metadata":{"name":"a","namespace":"default"}}'),
  );
  await first.close();
  await lab.configure('key2', 'plain');
  const second = await lab.open();
  await t.rejects(startApiServer({ store: second.store }), {
    code: 'Unsupported',
    message:
      /cannot decrypt \/registry\/core\/secrets\/default\/a: no key is configured for values that begin with "k8s:enc:aesgcm:v1:key1:"/,
  });
  await second.close();
  const plain = await openStore({ kind: 'sqlite', path: join(lab.dir, 'state.db') });
  await t.rejects(startApiServer({ store: plain }), {
    message: /start the server with the --encryption-provider-config/,
  });
  await plain.close();
});

t.test('k8ts reencrypt', async (t) => {
  const lab = openLab(t);
  await lab.configure('plain');
  const before = await lab.open();
  await before.store.create('/registry/core/secrets/default/a', Buffer.from(`{"data":"${marker}"}`));
  await before.close();
  t.match(await lab.disk(), new RegExp(marker));
  await lab.configure('key1', 'plain');
  const options = { dataDir: lab.dir, encryptionProviderConfig: lab.file };
  const run = (given: typeof options) =>
    command.run({ options: given, positional: [], log: silentLogger, signal: new AbortController().signal });
  await run(options);
  t.notMatch(await lab.disk(), new RegExp(marker));
  await lab.configure('key1');
  const after = await lab.open();
  t.equal(String((await after.store.get('/registry/core/secrets/default/a'))?.value), `{"data":"${marker}"}`);
  await t.rejects(run(options), { code: 'Unavailable', message: /another process has it open/ });
  await after.close();
  await t.rejects(run({ ...options, dataDir: join(lab.dir, 'none') }), { message: /there is no store/ });
});
