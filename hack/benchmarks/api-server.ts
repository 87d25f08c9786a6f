// The server under test: the built bundle as a process of its own with a fresh data directory, as hack/up starts it, and the
// kernel's figures of that process.
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { get } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { Unavailable } from '../../controlplane/base/errors';
import type { Scope } from '../../controlplane/base/scope';
import { type ConnectionOptions, loadKubeconfig } from '../../controlplane/client/kubeconfig';
import { ensureKubeconfig } from '../../controlplane/pki/kubeconfig';
import { ensurePki, identities, readAuthority } from '../../controlplane/pki/pki';
import { serverEnvironment, serverNodeFlags } from '../../controlplane/process/server-runtime';
import { startProgram } from '../../dataplane/exec/system-exec';

const bundle = join(__dirname, '../../dist/k8ts.js');
const host = '127.0.0.1';
const startMs = 60_000;

export interface ApiProcess {
  readonly pid: number;
  readonly connection: ConnectionOptions;
}

/** `nodeFlags` are those of node, `serverFlags` of `k8ts server`. @throws Unavailable when there is no bundle or the server does not get ready */
export async function startApi(
  scope: Scope,
  directory: string,
  nodeFlags: readonly string[],
  serverFlags: readonly string[] = [],
): Promise<ApiProcess> {
  if (!existsSync(bundle)) throw new Unavailable(`${bundle} is missing: build it with npm run build`);
  const port = await freePort();
  const pkiDir = join(directory, 'pki');
  const names = { advertiseAddress: host, serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local', extraHosts: [] };
  await ensurePki(pkiDir, names);
  const kubeconfig = join(directory, 'admin.conf');
  const server = `https://${host}:${port}`;
  await ensureKubeconfig(kubeconfig, (await readAuthority(pkiDir))!, {
    name: 'k8ts',
    server,
    identity: identities.admin,
  });
  const argv = [
    process.execPath,
    ...serverNodeFlags,
    ...nodeFlags,
    bundle,
    'server',
    `--data-dir=${join(directory, 'data')}`,
    `--pki-dir=${pkiDir}`,
    `--bind-address=${host}`,
    `--advertise-address=${host}`,
    `--secure-port=${port}`,
    ...serverFlags,
  ];
  let output = '';
  const daemon = await startProgram(argv, {
    env: serverEnvironment,
    onOutput: (chunk) => (output = (output + chunk).slice(-4_000)),
  });
  let ended = false;
  void daemon.exited.then(() => (ended = true));
  scope.defer(async () => {
    daemon.kill('SIGTERM');
    await daemon.exited;
  });
  const connection = await loadKubeconfig(kubeconfig);
  const until = performance.now() + startMs;
  while (!(await isReady(connection))) {
    if (ended || performance.now() > until) throw new Unavailable(`the server did not get ready:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { pid: daemon.pid, connection };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, host);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

function isReady({ server, ca, cert, key }: ConnectionOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const call = get(`${server}/readyz`, { ca, cert, key, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.once('error', () => resolve(false));
  });
}

/** User and system time of a process so far, all threads; the kernel counts in ticks of 10 ms. */
export function cpuMicros(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** Resident memory now, and the most it ever was, in MB. */
export function residentMb(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024);
  return { now: field('VmRSS'), peak: field('VmHWM') };
}
