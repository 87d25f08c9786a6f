// Logs that a Docker daemon rotates while they are read: every line comes once, in order.
import t from 'tap';
import { DockerRuntime } from '../../agents/kubelet/runtime/docker';
import type { LogOptions } from '../../agents/kubelet/runtime/runtime';
import { Scope } from '../../controlplane/base/scope';
import { skipWithoutDocker, startDockerd, type TestDockerd } from '../lib/dockerd';

// Docker is slow on a busy machine; no assertion here depends on time.
t.setTimeout(480_000);

t.test('logs over rotations', { skip: skipWithoutDocker() }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const dockerd: TestDockerd = await startDockerd(scope);
  const runtime = new DockerRuntime(dockerd.host);
  const run = (id: string, command: string) => runtime.exec(id, { argv: ['/bin/sh', '-c', command] });
  const until = (path: string) => `while [ ! -e ${path} ]; do sleep 0.01; done`;

  async function start(name: string, command: string): Promise<string> {
    const id = await runtime.create({
      name,
      image: dockerd.image,
      labels: { 'io.kubernetes.pod.uid': name, 'io.kubernetes.container.name': 'c' },
      entrypoint: ['/bin/sh', '-c', command],
      env: [],
      mounts: [],
      network: 'own',
      ipc: 'own',
      pid: 'own',
    });
    await runtime.start(id);
    return id;
  }

  /** The numbers of the lines, as ranges without a gap. */
  async function ranges(
    id: string,
    options: LogOptions,
    seen: (line: number) => unknown = () => {},
  ): Promise<number[][]> {
    const found: number[][] = [];
    for await (const { data } of runtime.logs(id, options)) {
      const line = Number(data.toString());
      const range = found.at(-1);
      if (range && range[1] === line - 1) range[1] = line;
      else found.push([line, line]);
      await seen(line);
    }
    return found;
  }

  await t.test('a followed log, written in bursts', async (t) => {
    const rounds = 30;
    const lines = 5_000;
    // 150 bytes a line: 22 MB, two rotations.
    const awk = `BEGIN { for (i = 1; i <= ${lines}; i++) printf "%0149d\\n", i + n * ${lines} }`;
    const command = `i=0; while [ $i -lt ${rounds} ]; do awk -v n=$i '${awk}'; sleep 0.1; i=$((i+1)); done`;
    const id = await start('bursts', command);
    t.same(await ranges(id, { follow: true }), [[1, rounds * lines]]);
    await runtime.remove(id);
  });

  // The reader takes one line and waits until `during` more lines are written. Docker's own follower then jumps from the end of the first file
  // to the newest one, or stays in an old file. 1,500 bytes a line: a file of 10 MB has 6,400 lines, and all files are kept.
  for (const { before, during } of [
    { before: 1, during: 20_000 },
    { before: 9_000, during: 20_000 },
  ]) {
    await t.test(`a slow reader of ${before} lines, then ${during}`, async (t) => {
      const print = (from: number, to: number) =>
        `awk 'BEGIN { for (i = ${from}; i <= ${to}; i++) printf "%01499d\\n", i }'`;
      const all = before + during;
      const id = await start(
        `slow-${before}`,
        `${print(1, before)}; touch /1; ${until('/2')}; ${print(before + 1, all)}; touch /3; ${until('/4')}; ${print(all + 1, all + 1)}`,
      );
      await run(id, until('/1'));
      const followed = await ranges(id, { follow: true }, async (line) => {
        if (line === 1) await run(id, `touch /2; ${until('/3')}`);
        if (line === all) await run(id, 'touch /4');
      });
      t.same(followed, [[1, all + 1]]);
      t.same(await ranges(id, {}), [[1, all + 1]], 'not followed, over all files');
      t.same(await ranges(id, { tailLines: 15_000 }), [[all - 14_998, all + 1]], 'the end, over three files');
      t.same(await ranges(id, { tailLines: 15_000, follow: true }), [[all - 14_998, all + 1]]);
      await runtime.remove(id);
    });
  }

  await t.test('a log that is not followed, read slowly while it is rotated', async (t) => {
    const print = (from: number, to: number) =>
      `awk 'BEGIN { for (i = ${from}; i <= ${to}; i++) printf "%01499d\\n", i }'`;
    const command = `${print(1, 9_000)}; touch /1; ${until('/2')}; ${print(9_001, 20_000)}; touch /3; ${until('/4')}`;
    const id = await start('snapshot', command);
    await run(id, until('/1'));
    const read = await ranges(id, {}, async (line) => {
      if (line === 1) await run(id, `touch /2; ${until('/3')}`);
    });
    t.same(read, [[1, 9_000]], 'as it was at the request');
    await runtime.remove(id);
  });
});
