import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { silentLogger } from '../../../controlplane/base/logger';
import { openRpc, type ServiceSchema } from './rpc';
import { serveRpc } from './serve';

// The gRPC library takes a while to load on a busy machine.
t.setTimeout(240_000);

type Calls = { Double: { request: { readonly text: string }; response: { readonly text: string } } };
const schema: ServiceSchema<Calls> = {
  service: 'test.Words',
  messages: { Text: { fields: { text: { type: 'string', id: 1 } } } },
  methods: { Double: ['Text', 'Text'] },
};
const isLoaded = () => Object.keys(require.cache).some((path) => path.includes('@grpc/grpc-js'));

t.test('the socket is there from the start; the library is loaded with the first connection', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'k8ts-rpc-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, 'words.sock');
  await writeFile(path, 'of an earlier process');
  const answers = {
    Double: ({ text }: { readonly text: string }) => {
      if (text === '') throw new Error('no text');
      return { text: text + text };
    },
  };
  const before = isLoaded();
  const stop = await serveRpc(path, schema, answers, silentLogger);
  t.ok(existsSync(path));
  t.equal(isLoaded(), before, 'another test of this process may have loaded it');
  const callers = await Promise.all([openRpc(path, schema), openRpc(path, schema)]);
  const said = await Promise.all(
    callers.map((caller, i) => caller.call('Double', { text: `a${i}` }, { timeoutMs: 120_000 })),
  );
  t.same(said, [{ text: 'a0a0' }, { text: 'a1a1' }], 'two at the same time');
  t.ok(isLoaded());
  await t.rejects(callers[0]!.call('Double', { text: '' }, { timeoutMs: 120_000 }), {
    message: 'rpc error: code = Unknown desc = no text',
  });
  for (const caller of callers) caller.close();
  await stop();
  t.notOk(existsSync(path));
});

t.test('a socket whose path is longer than the kernel takes', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'k8ts-rpc-'));
  t.teardown(() => rm(root, { recursive: true }));
  const folder = join(root, 'f'.repeat(120));
  await mkdir(folder);
  const path = join(folder, 'words.sock');
  const stop = await serveRpc(path, schema, { Double: ({ text }) => ({ text: text + text }) }, silentLogger);
  t.ok(existsSync(path));
  const caller = await openRpc(path, schema);
  t.same(await caller.call('Double', { text: 'a' }, { timeoutMs: 120_000 }), { text: 'aa' });
  caller.close();
  await stop();
  t.notOk(existsSync(path));
  await t.rejects(serveRpc(join(folder, 'none', 'a.sock'), schema, { Double: (same) => same }, silentLogger));
});
