// Pods next to raw Docker: create to Ready one at a time, thirty at once, and tear-down; the peer creates the same two
// containers per pod (pause without a network, app joined to it) in the same Docker daemon. Each figure of ours has one of
// the peer's right before or after it, so that a busy machine slows both, and the median of the ratios counts.
//
// The benchmark starts its own Docker daemon, a server and one kubelet from the built bundle, in a network namespace.
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NotFound, Unavailable } from '../../controlplane/base/errors';
import { Scope } from '../../controlplane/base/scope';
import type { KeyPair } from '../../controlplane/pki/certificate';
import { issueCertificate } from '../../controlplane/pki/issue';
import { renderKubeconfig } from '../../controlplane/pki/kubeconfig';
import { ensureNodePki, ensurePki, identities, readAuthority } from '../../controlplane/pki/pki';
import { type Daemon, SystemExec, startProgram } from '../../dataplane/exec/system-exec';
import { inNetns } from '../../dataplane/netns/named';
import { startDockerd, type TestDockerd } from '../../test/lib/dockerd';
import type { Figures, Pair } from './pods-driver';
import { type BenchRow, renderRows } from './row';

const root = join(__dirname, '..', '..');
const bundle = join(root, 'dist/k8ts.js');
const nodeIp = '192.0.2.10';
const exec = new SystemExec();
const limitMs = 900_000;

export async function run(options: readonly string[] = []): Promise<BenchRow[]> {
  if (!existsSync(bundle)) throw new NotFound(`${bundle} is missing; hack/bench builds it`);
  const scope = new Scope();
  try {
    const dockerd = await startDockerd(scope);
    await dockerd.netns.run('ip', 'address', 'add', `${nodeIp}/32`, 'dev', 'lo');
    const dir = join(dockerd.dir, 'cluster');
    const kubeconfigs = await writeIdentities(dir);
    const server = await startK8ts(scope, dockerd, 'server', [
      ...['--data-dir', join(dir, 'data'), '--pki-dir', join(dir, 'pki'), '--advertise-address', nodeIp],
    ]);
    const kubelet = await startK8ts(scope, dockerd, 'kubelet', [
      ...['--kubeconfig', kubeconfigs.kubelet, '--node-name', 'n1', '--node-ip', nodeIp],
      ...['--docker-host', dockerd.host, '--root-dir', join(dir, 'kubelet'), '--pki-dir', join(dir, 'node-pki')],
      ...['--pause-image', dockerd.pauseImage, '--cgroup-root', dockerd.cgroupRoot, ...options],
    ]);
    return rows(await drive(dockerd, kubeconfigs.admin, [server, kubelet]));
  } finally {
    await scope.close();
  }
}

/** Runs inside the namespace: only there can it reach the API of this cluster. */
async function drive(dockerd: TestDockerd, kubeconfig: string, daemons: readonly Daemon[]): Promise<Figures> {
  const driver = [process.execPath, '-r', 'ts-node/register', join(__dirname, 'pods-driver.ts')];
  const args = [kubeconfig, dockerd.host, dockerd.image, dockerd.pauseImage, ...daemons.map(({ pid }) => String(pid))];
  const done = exec.run(inNetns(dockerd.netns, [...driver, ...args]), { cwd: root, timeoutMs: limitMs });
  const ended = daemons.map(async ({ exited }) => {
    throw new Unavailable(`a process of the cluster ended with ${await exited}`);
  });
  for (const end of ended) end.catch(() => {});
  const { stdout } = await Promise.race([done, ...ended]);
  return JSON.parse(stdout) as Figures;
}

/** nsenter becomes the program, so the process ID is the program's own. */
async function startK8ts(scope: Scope, dockerd: TestDockerd, name: string, args: readonly string[]): Promise<Daemon> {
  let tail = '';
  const daemon = await startProgram(inNetns(dockerd.netns, [process.execPath, bundle, name, ...args]), {
    onOutput: (chunk) => {
      tail = (tail + chunk.toString()).slice(-4000);
    },
  });
  let stopping = false;
  scope.defer(async () => {
    stopping = true;
    daemon.kill('SIGTERM');
    await daemon.exited;
  });
  void daemon.exited.then((code) => {
    if (!stopping) process.stderr.write(`${name} ended with ${code}:\n${tail}\n`);
  });
  return daemon;
}

async function writeIdentities(dir: string): Promise<{ admin: string; kubelet: string }> {
  await mkdir(dir, { recursive: true });
  const names = { advertiseAddress: nodeIp, serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local' };
  await ensurePki(join(dir, 'pki'), names);
  const ca = (await readAuthority(join(dir, 'pki')))!;
  await ensureNodePki(join(dir, 'node-pki'), ca, { name: 'n1', ip: nodeIp });
  const write = async (name: string, client: KeyPair) => {
    const path = join(dir, `${name}.conf`);
    const text = renderKubeconfig({ name: 'bench', server: `https://${nodeIp}:6443`, ca: ca.cert, client });
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  const now = Date.now();
  return {
    admin: await write('admin', await issueCertificate(ca, identities.admin, now)),
    kubelet: await write('kubelet', await issueCertificate(ca, identities.kubelet('n1'), now)),
  };
}

function rows({ single, burst, teardown, burstSize, cpuMsPerPod, docker, load }: Figures): BenchRow[] {
  const loads = `load ${load.map((value) => value.toFixed(1)).join(' ')}`;
  const row = (what: string, pairs: readonly Pair[], max: number): BenchRow => {
    const ratios = pairs.map(({ ours, theirs }) => ours / theirs);
    const each = `ratios ${[...ratios]
      .sort((a, b) => a - b)
      .map((ratio) => ratio.toFixed(2))
      .join(' ')}`;
    const theirs = median(pairs.map((pair) => pair.theirs));
    const peer = `Docker ${docker} alone`;
    // The ratio shown is the median of the pairs' ratios; ours is scaled to it.
    const ours = theirs * median(ratios);
    return { what, unit: 'ms', ours, peer, theirs, budget: { max }, note: `${pairs.length} pairs, ${each}; ${loads}` };
  };
  return [
    row('pod create to Ready, one at a time', single, 1.15),
    row(`pod create to Ready, ${burstSize} at once`, burst, 1.15),
    row(`${burstSize} pods deleted to gone`, teardown, 1.15),
    {
      what: 'CPU time of server and kubelet, per pod',
      unit: 'ms',
      ours: median(cpuMsPerPod),
      note: `created and deleted, ${burstSize} at once`,
    },
  ];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

// More arguments are passed to the kubelet: --parallel-starts 8.
if (require.main === module) {
  void run(process.argv.slice(2)).then((all) => {
    const notes = all.map(({ what, note }) => `  ${what}: ${note}\n`);
    process.stdout.write(`${renderRows(all)}${notes.join('')}`);
  });
}
