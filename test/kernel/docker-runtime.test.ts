// The runtime contract on a Docker daemon of its own, and cases that only Docker can show.
import t from 'tap';
import { DockerRuntime } from '../../agents/kubelet/runtime/docker';
import { isUnavailable } from '../../controlplane/base/errors';
import { Scope } from '../../controlplane/base/scope';
import { runtimeContract } from '../contract/runtime';
import { skipWithoutDocker, startDockerd, type TestDockerd } from '../lib/dockerd';

// Docker is slow on a busy machine; no assertion here depends on time.
t.setTimeout(240_000);

t.test('docker', { skip: skipWithoutDocker() }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const dockerd: TestDockerd = await startDockerd(scope);
  const runtime = new DockerRuntime(dockerd.host);
  const run = (id: string, command: string) => runtime.exec(id, { argv: ['/bin/sh', '-c', command] });
  runtimeContract(t, () => ({
    runtime,
    image: dockerd.image,
    write: async (id, line) => {
      // Resolves when the line has been printed: the script removes the file afterwards.
      await run(id, `echo ${line} > /tmp/new; mv /tmp/new /tmp/say; while [ -e /tmp/say ]; do sleep 0.01; done`);
    },
    end: async (id, code) => {
      await run(id, `echo ${code} > /tmp/new; mv /tmp/new /tmp/end`).catch(() => {
        // The container may be faster than the answer.
      });
    },
  }));

  await t.test('a seccomp profile given as text, and /proc unmasked', async (t) => {
    const profile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['chmod', 'fchmod', 'fchmodat', 'fchmodat2'], action: 'SCMP_ACT_ERRNO' }],
    };
    const base = {
      image: dockerd.image,
      entrypoint: ['/bin/sh', '-c', 'sleep 60'],
      labels: {},
      env: [],
      mounts: [],
      network: 'own',
      ipc: 'own',
      pid: 'own',
    } as const;
    const exitCode = async (name: string, more: object, command: string) => {
      const id = await runtime.create({ ...base, name, ...more });
      await runtime.start(id);
      try {
        return await run(id, command);
      } finally {
        await runtime.remove(id);
      }
    };
    const change = 'chmod 700 /tmp';
    t.equal(await exitCode('default', {}, change), 0);
    t.not(await exitCode('profile', { seccomp: JSON.stringify(profile) }, change), 0);
    // Opens the file for writing and writes nothing.
    const write = ': >> /proc/sys/vm/drop_caches';
    t.not(await exitCode('masked', {}, write), 0);
    t.equal(await exitCode('unmasked', { unmaskedProc: true }, write), 0);
  });

  await t.test('a stopped daemon is Unavailable, and its restart is noticed', async (t) => {
    const abort = new AbortController();
    const events = runtime.events(abort.signal)[Symbol.asyncIterator]();
    t.same((await events.next()).value, { type: 'connected' });
    await dockerd.restart();
    const types: string[] = [];
    while (types.at(-1) !== 'connected') types.push((await events.next()).value!.type);
    t.ok(types.includes('disconnected'));
    abort.abort(new Error('done'));
    await events.return?.();
    const nowhere = new DockerRuntime(`unix://${dockerd.dir}/nothing.sock`);
    t.ok(isUnavailable(await nowhere.list().catch((err: unknown) => err)));
  });
});
