// The contract of every ContainerRuntime: Docker and the fake.
import { PassThrough } from 'node:stream';
import type { Test } from 'tap';
import type { ContainerRuntime, ContainerSpec, RuntimeEvent } from '../../agents/kubelet/runtime/runtime';
import { hasCode, isAlreadyExists, isNotFound } from '../../controlplane/base/errors';

export interface RuntimeUnderTest {
  readonly runtime: ContainerRuntime;
  /** An image whose /bin/sh runs the commands that `command` returns; its user is root. */
  readonly image: string;
  /** Makes the running container print `line`; it keeps running. */
  readonly write: (id: string, line: string) => Promise<void> | void;
  /** Ends the process of the running container with this code. */
  readonly end: (id: string, code: number) => Promise<void> | void;
}

let counter = 0;

export function runtimeContract(t: Test, under: () => RuntimeUnderTest): void {
  const unique = () => `contract-${process.pid}-${counter++}`;
  const spec = (more: Partial<ContainerSpec> = {}): ContainerSpec => {
    const name = unique();
    return {
      name,
      image: under().image,
      labels: { 'io.kubernetes.pod.uid': name, 'io.kubernetes.container.name': 'c' },
      // Serves the suite's requests: it prints each line of a fifo, and `exit N` ends it.
      entrypoint: ['/bin/sh', '-c', script],
      env: [],
      mounts: [],
      network: 'own',
      ipc: 'own',
      pid: 'own',
      ...more,
    };
  };

  t.test('a container goes from created to running to exited', async (t) => {
    const { runtime, end } = under();
    const id = await runtime.create(spec());
    t.equal((await runtime.inspect(id)).state, 'created');
    await runtime.start(id);
    await runtime.start(id);
    const running = await runtime.inspect(id);
    t.equal(running.state, 'running');
    t.ok(running.startedAtMs);
    t.ok(running.pid);
    await end(id, 3);
    const ended = await untilEnded(runtime, id);
    t.equal(ended.exitCode, 3);
    t.ok(ended.finishedAtMs);
    await runtime.remove(id);
    await t.rejects(runtime.inspect(id), { code: 'NotFound' });
  });

  t.test('stop sends the stop signal and is repeatable', async (t) => {
    const { runtime } = under();
    const id = await runtime.create(spec());
    await runtime.start(id);
    await runtime.stop(id, 5);
    t.equal((await runtime.inspect(id)).exitCode, 143);
    await runtime.stop(id, 5);
    await runtime.remove(id);
    await runtime.stop(id, 5);
    await runtime.remove(id);
  });

  t.test('the resources of a running container change, one by one', async (t) => {
    const { runtime } = under();
    const id = await runtime.create(spec({ cpuShares: 512, memoryBytes: 64 * 2 ** 20 }));
    await runtime.start(id);
    t.same((await runtime.inspect(id)).resources, { cpuShares: 512, memoryBytes: 64 * 2 ** 20 });
    await runtime.update(id, { memoryBytes: 128 * 2 ** 20, cpuQuotaMicros: 50_000, cpuPeriodMicros: 100_000 });
    t.same((await runtime.inspect(id)).resources, {
      cpuShares: 512,
      cpuQuotaMicros: 50_000,
      cpuPeriodMicros: 100_000,
      memoryBytes: 128 * 2 ** 20,
    });
    await t.rejects(runtime.update('none', { cpuShares: 2 }), { code: 'NotFound' });
    await runtime.remove(id);
  });

  t.test('stop without grace kills', async (t) => {
    const { runtime } = under();
    const id = await runtime.create(spec());
    await runtime.start(id);
    await runtime.stop(id, 0);
    t.equal((await runtime.inspect(id)).exitCode, 137);
    await runtime.remove(id);
  });

  t.test('failures have the codes of the contract', async (t) => {
    const { runtime } = under();
    const wanted = spec();
    const id = await runtime.create(wanted);
    const again = await runtime.create(wanted).catch((err: unknown) => err);
    t.ok(isAlreadyExists(again));
    const noImage = await runtime.create(spec({ image: 'nobody/nothing:0' })).catch((err: unknown) => err);
    t.ok(isNotFound(noImage));
    const notRunning = await runtime.exec(id, { argv: ['/bin/true'] }).catch((err: unknown) => err);
    t.ok(hasCode(notRunning, 'Conflict'));
    t.ok(isNotFound(await runtime.start('nobody').catch((err: unknown) => err)));
    await runtime.remove(id);
    t.equal(await runtime.image('nobody/nothing:0'), undefined);
  });

  t.test('a container runs in the runtime that it names, or not at all', async (t) => {
    const { runtime } = under();
    const id = await runtime.create(spec({ runtime: 'runc' }));
    await runtime.start(id);
    t.equal((await runtime.inspect(id)).state, 'running');
    await runtime.remove(id);
    const unknown = await runtime.create(spec({ runtime: 'no-such-runtime' })).catch((err: unknown) => err);
    t.ok(hasCode(unknown, 'BadRequest'), String(unknown));
    t.match(unknown, { message: /runtime.* no-such-runtime/ });
  });

  t.test('only containers of pods are listed', async (t) => {
    const { runtime } = under();
    const ours = await runtime.create(spec());
    const other = await runtime.create(spec({ labels: {} }));
    const ids = (await runtime.list()).map(({ id }) => id);
    t.ok(ids.includes(ours));
    t.notOk(ids.includes(other));
    await Promise.all([ours, other].map((id) => runtime.remove(id)));
  });

  t.test('events report every step, in order', async (t) => {
    const { runtime, end } = under();
    const abort = new AbortController();
    const events = runtime.events(abort.signal)[Symbol.asyncIterator]();
    t.same((await events.next()).value, { type: 'connected' });
    const id = await runtime.create(spec());
    await runtime.start(id);
    await end(id, 4);
    await untilEnded(runtime, id);
    await runtime.remove(id);
    const seen: RuntimeEvent[] = [];
    while (seen.at(-1)?.type !== 'removed') {
      const { value } = await events.next();
      if (value && 'id' in value && value.id === id) seen.push(value);
    }
    t.same(
      seen.map(({ type }) => type),
      ['created', 'started', 'died', 'removed'],
    );
    t.match(seen[2], { exitCode: 4, labels: { 'io.kubernetes.container.name': 'c' } });
    abort.abort(new Error('done'));
    await events.return?.();
  });

  t.test('logs: order, tail, since, timestamps', async (t) => {
    const { runtime, write } = under();
    const id = await runtime.create(spec());
    await runtime.start(id);
    for (const line of ['one', 'two', 'three']) await write(id, line);
    t.equal(await text(runtime, id, {}), 'one\ntwo\nthree\n');
    t.equal(await text(runtime, id, { tailLines: 1 }), 'three\n');
    t.equal(await text(runtime, id, { tailLines: 0 }), '');
    t.match(await text(runtime, id, { tailLines: 1, timestamps: true }), /^\d{4}-\d\d-\d\dT[\d:.]+Z three\n$/);
    t.equal(await text(runtime, id, { sinceMs: Date.now() + 60_000 }), '');
    await runtime.remove(id);
  });

  t.test('a followed log ends with its container', async (t) => {
    const { runtime, write, end } = under();
    const id = await runtime.create(spec());
    await runtime.start(id);
    await write(id, 'early');
    const lines: string[] = [];
    for await (const { data } of runtime.logs(id, { follow: true })) {
      lines.push(data.toString());
      if (lines.length === 1) await write(id, 'late');
      if (lines.length === 2) await end(id, 0);
    }
    t.same(lines, ['early\n', 'late\n']);
    await runtime.remove(id);
  });

  t.test('a followed log ends with its reader', async (t) => {
    const { runtime, write } = under();
    const id = await runtime.create(spec());
    await runtime.start(id);
    await write(id, 'early');
    const abort = new AbortController();
    for await (const { data } of runtime.logs(id, { follow: true, signal: abort.signal })) {
      t.equal(data.toString(), 'early\n');
      abort.abort(new Error('enough'));
    }
    await runtime.remove(id);
  });

  t.test('exec gives output and exit code', async (t) => {
    const { runtime } = under();
    const id = await runtime.create(spec());
    await runtime.start(id);
    const stdout = new PassThrough();
    const code = await runtime.exec(id, { argv: ['/bin/sh', '-c', 'echo out; exit 7'], stdout });
    t.equal(code, 7);
    t.equal(stdout.read()?.toString(), 'out\n');
    await runtime.remove(id);
  });

  t.test('attach ends with its container; one that has ended before is refused', async (t) => {
    const { runtime, end } = under();
    const id = await runtime.create(spec());
    await runtime.start(id);
    const attached = runtime.attach(id, { stdout: new PassThrough() });
    await end(id, 3);
    // The container may have ended before the runtime has attached.
    await attached.catch((err: unknown) => t.ok(hasCode(err, 'Conflict')));
    await t.rejects(runtime.attach(id, { stdin: new PassThrough(), stdout: new PassThrough() }), { code: 'Conflict' });
    await runtime.remove(id);
  });

  t.test('a command is ended after its time limit', async (t) => {
    const { runtime } = under();
    const id = await runtime.create(spec());
    await runtime.start(id);
    t.type(await runtime.exec(id, { argv: ['/bin/sh', '-c', 'exit 7'], timeoutMs: 60_000 }), 'number');
    await t.rejects(runtime.exec(id, { argv: ['/bin/sleep', '1000'], timeoutMs: 50 }), { code: 'Timeout' });
    await runtime.remove(id);
  });
}

/** `say` prints a line, `end` ends the process. Both write files in /tmp, because a container has no other input. */
const script = `
trap 'exit 143' TERM
while :; do
  if [ -e /tmp/end ]; then exit $(cat /tmp/end); fi
  if [ -e /tmp/say ]; then cat /tmp/say; rm /tmp/say; fi
  sleep 0.02 & wait $!
done`;

async function untilEnded(runtime: ContainerRuntime, id: string) {
  const abort = new AbortController();
  try {
    for await (const _ of runtime.logs(id, { follow: true, signal: abort.signal }));
    for (;;) {
      const record = await runtime.inspect(id);
      if (record.state === 'exited') return record;
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    abort.abort();
  }
}

async function text(runtime: ContainerRuntime, id: string, options: object): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const { data } of runtime.logs(id, options)) chunks.push(data);
  return Buffer.concat(chunks).toString();
}
