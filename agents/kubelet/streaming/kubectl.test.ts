// The streaming server with a real kubectl as client. A small HTTP server plays the API server: it knows one pod and
// hands upgrades to the streaming server. K8TS_OLD_KUBECTL may name a kubectl before 1.30 (SPDY only).
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import t, { type Test } from 'tap';
import { NotFound } from '../../../controlplane/base/errors';
import { silentLogger } from '../../../controlplane/base/logger';
import { SystemExec, startProgram } from '../../../dataplane/exec/system-exec';
import { skippedWithoutKubectl } from '../../../test/lib/kubectl';
import type { ExecRequest, RemoteIo, StreamingHandlers } from './handlers';
import { createStreamingServer } from './server';

// Many short processes: a loaded machine needs its time.
t.setTimeout(180_000);

const exec = new SystemExec();
const megabytes = 8;

/** Programs of the only container. */
const programs: Record<string, (io: RemoteIo, request: ExecRequest) => Promise<number>> = {
  hello: async ({ stdout, stderr }) => {
    stdout?.write('to stdout\n');
    stderr?.write('to stderr\n');
    return 0;
  },
  fail: async ({ stderr }) => {
    stderr?.write('no\n');
    return 42;
  },
  upper: async ({ stdin, stdout }) => {
    stdout?.write((await text(stdin!)).toUpperCase());
    return 0;
  },
  count: async ({ stdin, stdout }) => {
    let bytes = 0;
    for await (const chunk of stdin!) bytes += chunk.length;
    stdout?.write(String(bytes));
    return 0;
  },
  flood: async ({ stdout }) => {
    const block = Buffer.alloc(64 * 1024, 'x');
    for (let i = 0; i < (megabytes * 1024) / 64; i++) if (!stdout!.write(block)) await once(stdout!, 'drain');
    return 0;
  },
  broken: async () => {
    throw new Error('cannot join the container');
  },
  arguments: async ({ stdout }, { command }) => {
    stdout?.write(JSON.stringify(command));
    return 0;
  },
};

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default', uid: 'u-1' },
  spec: { containers: [{ name: 'c', image: 'i', stdin: true }] },
  status: { phase: 'Running', containerStatuses: [{ name: 'c', ready: true, state: { running: {} } }] },
};

async function startApi(
  handlers: StreamingHandlers,
): Promise<{ url: string; seen: string[]; server: Server; close(): void }> {
  const streaming = createStreamingServer({ handlers, log: silentLogger });
  const seen: string[] = [];
  const server = createServer((req, res) => {
    res.setHeader('Content-Type', 'application/json');
    const path = req.url?.split('?')[0];
    const answers: Record<string, unknown> = {
      '/api': { kind: 'APIVersions', versions: ['v1'] },
      '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
      '/api/v1': {
        kind: 'APIResourceList',
        groupVersion: 'v1',
        resources: [
          { name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get'], shortNames: ['po'] },
        ],
      },
      '/api/v1/namespaces/default/pods/p': pod,
    };
    const answer = answers[path ?? ''];
    res.statusCode = answer === undefined ? 404 : 200;
    res.end(
      JSON.stringify(answer ?? { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 404, reason: 'NotFound' }),
    );
  });
  server.on('upgrade', (req, socket, head) => {
    const url = new URL(req.url ?? '/', 'http://x');
    const verb = url.pathname.split('/').pop()!;
    const query = new URLSearchParams(url.searchParams);
    for (const [from, to] of [
      ['stdin', 'input'],
      ['stdout', 'output'],
      ['stderr', 'error'],
    ] as const) {
      if (query.get(from) === 'true') query.set(to, '1');
      query.delete(from);
    }
    seen.push(
      `${verb} ${req.headers.upgrade?.toLowerCase()} ${req.headers['sec-websocket-protocol'] ?? req.headers['x-stream-protocol-version'] ?? ''}`,
    );
    req.url = verb === 'portforward' ? `/portForward/default/p?${query}` : `/${verb}/default/p/c?${query}`;
    if (!streaming.handleUpgrade(req, socket, head)) socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    server,
    close: () => {
      streaming.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A server in place of the pod: it answers in upper case after the client has closed its half. */
async function startBackend() {
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    // Not by text(): its iterator destroys the socket at the end, before the answer is sent.
    let body = '';
    socket.on('data', (chunk) => {
      body += chunk;
    });
    socket.on('end', () => socket.end(body.toUpperCase()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

async function suite(t: Test, kubectl: readonly string[], transport: 'websocket' | 'spdy/3.1'): Promise<void> {
  const backend = await startBackend();
  const attached: string[] = [];
  const forwards: number[] = [];
  const api = await startApi({
    check: async (_kind, { container }) => {
      if (container !== undefined && container !== 'c') throw new NotFound(`container not found ("${container}")`);
    },
    exec: (request, io) => {
      const program = programs[request.command[0]!];
      if (!program) throw new Error(`no such program ${request.command[0]}`);
      return program(io, request);
    },
    attach: async (_request, { stdin, stdout }) => {
      stdout?.write('attached\n');
      if (stdin) attached.push(await text(stdin));
    },
    portForward: async ({ port }, connection, signal) => {
      forwards.push(port);
      if (port === 9) throw new Error('connection refused');
      const socket = connect({ port: backend.port, host: '127.0.0.1', allowHalfOpen: true });
      await Promise.all([pipeline(connection, socket, { signal }), pipeline(socket, connection, { signal })]);
    },
  });
  t.teardown(() => {
    api.close();
    backend.server.close();
  });
  const runOnce = (args: readonly string[], input?: string | Buffer) =>
    exec.run([...kubectl, '--kubeconfig=/dev/null', '-s', api.url, ...args], {
      timeoutMs: 60_000,
      ...(input === undefined ? {} : { input }),
      env: { HOME: t.testdir() },
    });
  // kubectl 1.30 to 1.32 may read before it has made its streams, and says so: then it drops the first output itself.
  const run = async (args: readonly string[], input?: string | Buffer) => {
    let result = await runOnce(args, input);
    for (let again = 0; again < 5 && /discarding message/.test(result.stderr); again++)
      result = await runOnce(args, input);
    return result;
  };
  const failure = (args: readonly string[]) =>
    runOnce(args).then(
      () => undefined,
      (err: unknown) => err,
    );

  t.match(await run(['exec', 'p', '--', 'hello']), { stdout: 'to stdout\n', stderr: /to stderr\n/ });
  t.match(api.seen[0], new RegExp(`^exec ${transport}`));
  t.match(await failure(['exec', 'p', '--', 'fail']), { exitCode: 42, stderr: /no\n/ }, 'exit status');
  t.match(await failure(['exec', 'p', '--', 'broken']), { exitCode: 1, stderr: /cannot join the container/ });
  t.equal((await run(['exec', '-i', 'p', '--', 'upper'], 'shout\n')).stdout, 'SHOUT\n', 'stdin is half-closed');
  const wild = ['arguments', 'a b', '', '$x', 'ü', '&command=no'];
  t.same(JSON.parse((await run(['exec', 'p', '--', ...wild])).stdout), wild, 'arguments arrive as they are');
  const flood = await run(['exec', 'p', '--', 'flood']);
  t.equal(flood.stdout.length, megabytes * 1024 * 1024, 'all output arrives');
  const load = Buffer.alloc(megabytes * 1024 * 1024, 'y');
  t.equal((await run(['exec', '-i', 'p', '--', 'count'], load)).stdout, String(load.length), 'all input arrives');
  t.match((await run(['attach', '-i', 'p', '-c', 'c'], 'typed\n')).stdout, /attached/);
  t.equal(attached.at(-1), 'typed\n');

  const output = new Output();
  const forwarder = await startProgram(
    [...kubectl, '--kubeconfig=/dev/null', '-s', api.url, 'port-forward', 'p', ':7000', ':9'],
    { env: { HOME: t.testdir() }, onOutput: (chunk) => output.add(chunk) },
  );
  t.teardown(() => forwarder.kill('SIGKILL'));
  const [, good] = await output.until(/127\.0\.0\.1:(\d+) -> 7000/);
  const [, bad] = await output.until(/127\.0\.0\.1:(\d+) -> 9/);
  const ask = async (message: string) => {
    const socket = connect({ port: Number(good), host: '127.0.0.1', allowHalfOpen: true });
    socket.write(message);
    socket.end();
    return text(socket);
  };
  t.equal(await ask('hello'), 'HELLO');
  t.match(api.seen.at(-1), new RegExp(`^portforward ${transport}`));
  const many = Array.from({ length: 20 }, (_, i) => `connection ${i} ${'z'.repeat(100_000)}`);
  const answers = await Promise.all(many.map(ask));
  t.ok(
    answers.every((answer, i) => answer === many[i]!.toUpperCase()),
    'many at the same time',
  );
  t.equal(forwards.filter((port) => port === 7000).length, 21);
  const refused = connect({ port: Number(bad), host: '127.0.0.1' });
  refused.on('error', () => {});
  refused.write('x');
  await output.until(/connection refused/);
  refused.destroy();
  forwarder.kill('SIGTERM');
  await forwarder.exited;
}

/** What a program has written so far. */
class Output {
  private written = '';
  private wake = () => {};
  add(chunk: Buffer): void {
    this.written += chunk;
    this.wake();
  }
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.written);
      if (match) return match;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}

const oldKubectl = process.env['K8TS_OLD_KUBECTL'];

t.test('kubectl by WebSocket', async (t) => {
  if (!(await skippedWithoutKubectl(t, 30))) await suite(t, ['kubectl'], 'websocket');
});

// A kubectl that speaks WebSocket has a setting that disables it; older versions never use it.
const spdy = ['env', 'KUBECTL_REMOTE_COMMAND_WEBSOCKETS=false', 'KUBECTL_PORT_FORWARD_WEBSOCKETS=false', 'kubectl'];
t.test('kubectl by SPDY', async (t) => {
  if (!(await skippedWithoutKubectl(t))) await suite(t, spdy, 'spdy/3.1');
});

t.test('kubectl before 1.30', { skip: oldKubectl ? false : 'K8TS_OLD_KUBECTL is not set' }, (t) =>
  suite(t, [oldKubectl!], 'spdy/3.1'),
);
