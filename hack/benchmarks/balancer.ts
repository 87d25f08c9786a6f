// What the balancer of a node costs: the same reads over 16 connections directly and through `k8ts balancer`, in turns, and the CPU time of
// the balancer. Compare CPU time between runs: with two cores client, balancer and server share them, so wall-clock time includes each other.
// usage: hack/bench balancer
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Unavailable } from '../../controlplane/base/errors';
import { Scope } from '../../controlplane/base/scope';
import type { ConnectionOptions } from '../../controlplane/client/kubeconfig';
import { startProgram } from '../../dataplane/exec/system-exec';
import { ApiConnection, type Call } from './api-connection';
import { cpuMicros, residentMb, startApi } from './api-server';
import type { BenchRow } from './row';

const bundle = join(__dirname, '../../dist/k8ts.js');
const host = '127.0.0.1';
const connections = 16;
const objects = 2_000;
const gets = 10_000;
const lists = 32;
const rounds = 5;
const path = '/api/v1/namespaces/default/configmaps';

interface Through {
  readonly connection: ConnectionOptions;
  readonly pid: number;
}

export async function run(): Promise<BenchRow[]> {
  const scope = new Scope();
  try {
    const directory = mkdtempSync(join(tmpdir(), 'k8ts-balancer-'));
    scope.defer(() => rmSync(directory, { recursive: true, force: true }));
    const { connection: direct } = await startApi(scope, directory, []);
    const balanced = await startBalancer(scope, directory, direct);
    const setup = await openAll(direct);
    const data = { text: 'x'.repeat(400) };
    await load(setup, objects, (i) => ({ method: 'POST', path, body: { metadata: { name: `c${i}` }, data } }));
    close(setup);
    const get = await compare(direct, balanced, gets, (i) => ({ method: 'GET', path: `${path}/c${i % objects}` }));
    const list = await compare(direct, balanced, lists, () => ({ method: 'GET', path }));
    const peer = 'without the balancer';
    const note = `${connections} connections, median of ${rounds} rounds each, in turns`;
    return [
      { what: 'gets through the balancer', unit: '1/s', ours: get.ours, peer, theirs: get.theirs, note },
      { what: "balancer's CPU time of a get", unit: 'us', ours: get.cpuUs },
      {
        what: `lists of ${objects} ConfigMaps through it`,
        unit: '1/s',
        ours: list.ours,
        peer,
        theirs: list.theirs,
        note: `${Math.round(list.bytes / lists / 1000)} kB each`,
      },
      { what: "balancer's CPU time of 1 MB of lists", unit: 'us', ours: (list.cpuUs * lists) / (list.bytes / 1e6) },
      { what: 'memory of the balancer after that', unit: 'MB', ours: residentMb(balanced.pid).now },
    ];
  } finally {
    await scope.close();
  }
}

async function startBalancer(scope: Scope, directory: string, direct: ConnectionOptions): Promise<Through> {
  const port = await freePort();
  const ca = join(directory, 'balancer-ca.crt');
  writeFileSync(ca, direct.ca ?? '');
  const servers = new URL(direct.server).host;
  const flags = [`--listen=${host}:${port}`, `--servers=${servers}`, `--ca=${ca}`, '--healthz-port=0'];
  let output = '';
  const daemon = await startProgram([process.execPath, bundle, 'balancer', ...flags], {
    onOutput: (chunk) => (output = (output + chunk).slice(-4_000)),
  });
  scope.defer(async () => {
    daemon.kill('SIGTERM');
    await daemon.exited;
  });
  const until = performance.now() + 30_000;
  while (!output.includes('server is up')) {
    if (performance.now() > until) throw new Unavailable(`the balancer did not get ready:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { connection: { ...direct, server: `https://${host}:${port}` }, pid: daemon.pid };
}

/** Requests a second, medians; of the balancer the CPU time of a request and the bytes of a round. */
async function compare(direct: ConnectionOptions, balanced: Through, count: number, call: (i: number) => Call) {
  const [ours, theirs]: [number[], number[]] = [[], []];
  const all = { direct: await openAll(direct), balanced: await openAll(balanced.connection) };
  let cpu = 0;
  let bytes = 0;
  for (let round = 0; round < rounds; round++) {
    theirs.push((await load(all.direct, count, call)).perSecond);
    const before = cpuMicros(balanced.pid);
    const done = await load(all.balanced, count, call);
    cpu += cpuMicros(balanced.pid) - before;
    ours.push(done.perSecond);
    bytes = done.bytes;
  }
  close([...all.direct, ...all.balanced]);
  return { ours: median(ours), theirs: median(theirs), cpuUs: cpu / rounds / count, bytes };
}

async function load(all: readonly ApiConnection[], count: number, call: (i: number) => Call) {
  let next = 0;
  let bytes = 0;
  const began = performance.now();
  await Promise.all(
    all.map(async (connection) => {
      while (next < count) {
        const { size } = await connection.send(call(next++));
        bytes += size;
      }
    }),
  );
  return { perSecond: (count * 1000) / (performance.now() - began), bytes };
}

const openAll = (options: ConnectionOptions): Promise<ApiConnection[]> =>
  Promise.all(Array.from({ length: connections }, () => ApiConnection.open(options)));

function close(all: readonly ApiConnection[]): void {
  for (const one of all) one.close();
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, host);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
