import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { refuse, serveGrpc } from '../../../test/lib/grpc-server';
import { openRpc, type ServiceSchema } from './rpc';

// The gRPC library takes a while to load on a busy machine.
t.setTimeout(120_000);

type Echo = {
  Say: { request: { text?: string; words?: Record<string, string>; size?: number }; response: Record<string, unknown> };
};
const echo: ServiceSchema<Echo> = {
  service: 'test.Echo',
  messages: {
    Saying: {
      fields: {
        text: { type: 'string', id: 1 },
        words: { keyType: 'string', type: 'string', id: 2 },
        size: { type: 'int64', id: 3 },
        inner: { type: 'Saying', id: 4 },
      },
    },
  },
  methods: { Say: ['Saying', 'Saying'] },
};

async function socketPath(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-grpc-'));
  t.teardown(() => rm(dir, { recursive: true }));
  return join(dir, 's.sock');
}

const options = { timeoutMs: 20_000 };

t.test('a call carries its request, and the answer has the defaults of absent fields', async (t) => {
  const socket = await socketPath(t);
  t.teardown(await serveGrpc(socket, echo, { Say: (request) => request }));
  const rpc = await openRpc(socket, echo);
  t.teardown(() => rpc.close());
  const large = 5 * 2 ** 40;
  const answer = await rpc.call('Say', { text: 'a', words: { ['__proto__x']: 'y', k: 'v' }, size: large }, options);
  t.strictSame(answer['text'], 'a');
  t.strictSame({ ...(answer['words'] as object) }, { ['__proto__x']: 'y', k: 'v' });
  t.equal(answer['size'], large);
  t.equal((await rpc.call('Say', {}, options))['text'], '');
});

t.test('a socket is reached by a path that is longer than the kernel takes', async (t) => {
  const socket = await socketPath(t);
  t.teardown(await serveGrpc(socket, echo, { Say: (request) => request }));
  const folder = join(dirname(socket), 'f'.repeat(120));
  await mkdir(folder);
  const long = join(folder, 's.sock');
  await rename(socket, long);
  const rpc = await openRpc(long, echo);
  t.teardown(() => rpc.close());
  t.equal((await rpc.call('Say', { text: 'a' }, options))['text'], 'a');
  const missing = await openRpc(join(folder, 'none', 's.sock'), echo);
  t.teardown(() => missing.close());
  await t.rejects(missing.call('Say', {}, options), { status: 'Unavailable', code: 'Unavailable' });
});

t.test('failures have the code and words of the service', async (t) => {
  const socket = await socketPath(t);
  t.teardown(await serveGrpc(socket, echo, { Say: () => refuse(9, 'not now') }));
  const rpc = await openRpc(socket, echo);
  t.teardown(() => rpc.close());
  await t.rejects(rpc.call('Say', {}, options), {
    status: 'FailedPrecondition',
    message: 'rpc error: code = FailedPrecondition desc = not now',
  });
});

t.test('a service that hangs, is missing, or answers nonsense ends in an error', async (t) => {
  const socket = await socketPath(t);
  const hang = Promise.withResolvers<object>();
  let answer: () => object | Promise<object> = () => hang.promise;
  t.teardown(await serveGrpc(socket, echo, { Say: () => answer() }));
  const rpc = await openRpc(socket, echo);
  t.teardown(() => rpc.close());
  await t.rejects(rpc.call('Say', {}, { timeoutMs: 1 }), { status: 'DeadlineExceeded', code: 'Timeout' });
  const abort = new AbortController();
  const running = rpc.call('Say', {}, { ...options, signal: abort.signal });
  abort.abort(new Error('the kubelet stops'));
  await t.rejects(running, { message: 'the kubelet stops' });
  hang.resolve({});
  answer = () => Buffer.from([0x27, 0xff, 0xff]);
  await t.rejects(rpc.call('Say', {}, options), {
    code: 'Internal',
    message: /Internal desc = Response message parsing error/,
  });
  answer = () => ({ text: 'x'.repeat(2 * 1024 * 1024) });
  await t.rejects(rpc.call('Say', {}, options), { message: /code = ResourceExhausted/ });
  const nobody = await openRpc(`${socket}-missing`, echo);
  t.teardown(() => nobody.close());
  await t.rejects(nobody.call('Say', {}, options), { status: 'Unavailable', code: 'Unavailable' });
});
