// A complete cluster as a user gets it: how long hack/up takes when everything is fetched and built, and the memory of its idle
// processes. Memory is PSS: pages that processes share, the Node.js binary above all, are counted once.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Scope } from '../../controlplane/base/scope';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { stateRoot } from '../dev/plan';
import { type BenchRow, renderRows } from './row';

const root = join(__dirname, '..', '..');
const exec = new SystemExec();
const name = 'bench';
const nodes = 3;
/** Start-up garbage is collected within this time; after it the figures are stable. */
const settleMs = 30_000;
const scriptTimeoutMs = 600_000;

export async function run(): Promise<BenchRow[]> {
  const scope = new Scope();
  const directory = mkdtempSync(join(tmpdir(), 'k8ts-bench-'));
  scope.defer(() => rmSync(directory, { recursive: true, force: true }));
  const env = { KUBECONFIG: join(directory, 'config'), NO_COLOR: '1' };
  const script = (file: string, ...args: string[]) =>
    exec.run([join(root, 'hack', file), '--name', name, ...args], { env, timeoutMs: scriptTimeoutMs });
  try {
    scope.defer(() => script('down'));
    // The first run may have to build images; the second run is measured.
    await script('up', '--nodes', String(nodes), '--no-demo');
    await script('down');
    const start = performance.now();
    await script('up', '--nodes', String(nodes), '--no-demo');
    const upSeconds = (performance.now() - start) / 1000;
    await sleep(settleMs);
    const held = memoryByProcess();
    const perNode = (held.get('agents') ?? 0) / nodes;
    return [
      {
        what: `hack/up, warm, to ${nodes} nodes Ready`,
        unit: 's',
        ours: upSeconds,
        peer: 'k3s, one node (published)',
        theirs: 30,
        budget: { max: 0.5 },
      },
      {
        what: 'idle memory of the server',
        unit: 'MB',
        ours: held.get('server') ?? 0,
        peer: 'k3s server (published)',
        theirs: 1600,
        budget: { max: 150 / 1600 },
      },
      {
        what: 'idle memory of the agents of a node',
        unit: 'MB',
        ours: perNode,
        peer: 'k3s agent (published)',
        theirs: 275,
        budget: { max: 200 / 275 },
      },
    ];
  } finally {
    await scope.close();
  }
}

/** MB of PSS of this cluster's server and of all its agents together. */
function memoryByProcess(): Map<'server' | 'agents', number> {
  const sums = new Map<'server' | 'agents', number>();
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const argv = readOrEmpty(`/proc/${pid}/cmdline`).split('\0');
    const program = argv.findIndex((arg) => arg.endsWith('/k8ts.js'));
    if (program < 0 || !argv.some((arg) => arg.includes(`${stateRoot}/${name}/`))) continue;
    const part = argv[program + 1] === 'server' ? 'server' : 'agents';
    const kilobytes = Number(/^Pss: +(\d+)/m.exec(readOrEmpty(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
    sums.set(part, (sums.get(part) ?? 0) + kilobytes / 1000);
  }
  return sums;
}

/** A process may end between being listed and being read. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

if (require.main === module) void run().then((rows) => process.stdout.write(renderRows(rows)));
