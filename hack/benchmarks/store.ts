// Store and watch cache alone, without HTTP, among 1,000, 10,000 and 100,000 ConfigMaps of about 850 bytes: what an operation costs must
// not grow with the number of objects. The rows compare each number with the smallest one. CPU time is that of our process.
// options: --backend=memory,sqlite,etcd  --objects=1000,10000,100000
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { CommandFailed, describeError } from '../../controlplane/base/errors';
import { Scope } from '../../controlplane/base/scope';
import { serverNodeFlags } from '../../controlplane/process/server-runtime';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { startEtcd } from '../../test/lib/etcd';
import type { BenchRow } from './row';
import type { StoreFigures } from './store-process';

const root = join(__dirname, '../..');
/** As a bundle: the compiler of ts-node would count as memory of the store. */
const script = join(root, '.k8ts/bench/store-process.js');
const timeoutMs = 1_200_000;
/** Growth that counts as flat: the processor's caches hold a smaller part of more objects. */
const flat = 1.5;

const option = (options: readonly string[], name: string, standard: string): string[] =>
  (options.find((text) => text.startsWith(`--${name}=`))?.slice(name.length + 3) ?? standard).split(',');

export async function run(options: readonly string[] = []): Promise<BenchRow[]> {
  const counts = option(options, 'objects', '1000,10000,100000').map(Number);
  await build({
    entryPoints: [join(__dirname, 'store-process.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    target: 'node26',
    packages: 'external',
  });
  const rows: BenchRow[] = [];
  for (const backend of option(options, 'backend', 'memory,sqlite,etcd')) {
    const all: StoreFigures[] = [];
    for (const count of counts) {
      process.stdout.write(`  ${backend}, ${count} objects\n`);
      // A run takes long: the figures of the numbers before are kept.
      const found = await figures(backend, count).catch((error: unknown) => {
        process.stderr.write(`  ${error instanceof CommandFailed ? error.stderr : describeError(error)}\n`);
      });
      if (!found) break;
      all.push(found);
    }
    rows.push(...rowsOf(backend, counts, all));
  }
  return rows;
}

async function figures(backend: string, count: number): Promise<StoreFigures> {
  const scope = new Scope();
  const dir = mkdtempSync(join(tmpdir(), 'k8ts-bench-store-'));
  scope.defer(() => rmSync(dir, { recursive: true, force: true }));
  try {
    const place = backend === 'etcd' ? await etcdIn(dir, scope) : dir;
    const argv = [process.execPath, ...serverNodeFlags, script, backend, String(count), place];
    const { stdout } = await new SystemExec().run(argv, { timeoutMs });
    return JSON.parse(stdout) as StoreFigures;
  } finally {
    await scope.close();
  }
}

/** HOST:PORT of an etcd of one member with its data in `dir`. */
async function etcdIn(dir: string, scope: Scope): Promise<string> {
  type Test = Parameters<typeof startEtcd>[0];
  const asTest = { testdir: () => dir, teardown: (fn: () => unknown) => scope.defer(fn) } as unknown as Test;
  const { endpoint } = await startEtcd(asTest);
  return `${endpoint.host}:${endpoint.port}`;
}

function rowsOf(backend: string, counts: readonly number[], all: readonly StoreFigures[]): BenchRow[] {
  const [first] = all;
  const peer = `among ${counts[0]}`;
  return all.flatMap(({ costs, openMs, rssMiB }, i) => {
    const among = `${backend}, among ${counts[i]}`;
    const compared = (theirs: number) => (i === 0 ? {} : { peer, theirs, budget: { max: flat } });
    const operations = Object.entries(costs).map(
      ([name, { cpu, wall }]): BenchRow => ({
        what: `${among}: ${name}`,
        unit: 'us CPU',
        ours: cpu,
        ...compared(first!.costs[name]!.cpu),
        note: `${wall.toFixed(1)} us elapsed`,
      }),
    );
    return [
      ...operations,
      { what: `${among}: start`, unit: 'ms', ours: openMs },
      { what: `${among}: memory`, unit: 'MiB RSS', ours: rssMiB },
    ];
  });
}
