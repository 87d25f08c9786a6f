// Queries for names in the zone, next to unbound with one thread and the same names as local data; dnsperf sends them. The
// budget compares CPU per query: the client shares the two cores, so wall-clock time includes other processes of the machine.
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../controlplane/base/clock';
import { isNotFound } from '../../controlplane/base/errors';
import { silentLogger } from '../../controlplane/base/logger';
import { Scope } from '../../controlplane/base/scope';
import { Forwarder } from '../../dataplane/dns/forwarder';
import { DnsMetrics } from '../../dataplane/dns/metrics';
import { Responder } from '../../dataplane/dns/responder';
import { listenDns } from '../../dataplane/dns/server';
import { Zone } from '../../dataplane/dns/zone';
import { SystemExec, startProgram } from '../../dataplane/exec/system-exec';
import { type BenchRow, renderRows } from './row';

const loopback = '127.0.0.1';
const ourPort = 18053;
const unboundPort = 18054;
const roundSeconds = 4;
const rounds = 3;
const nameCount = 1_000;
const maxOutstanding = 200;

const nameOf = (i: number) => `service-${i}.shop.svc.cluster.local`;
const addressOf = (i: number) => `10.96.${i >> 8}.${i & 255}`;

interface Figure {
  readonly perSecond: number;
  readonly averageMs: number;
  readonly cpuMicros: number;
}

export async function run(): Promise<BenchRow[]> {
  const scope = new Scope();
  const directory = mkdtempSync(join(tmpdir(), 'k8ts-dns-'));
  scope.defer(() => rmSync(directory, { recursive: true, force: true }));
  try {
    const queries = join(directory, 'queries');
    writeFileSync(queries, Array.from({ length: nameCount }, (_, i) => `${nameOf(i)} A\n`).join(''));
    const ours = await startOurs(scope);
    const peer = await startUnbound(scope, directory);
    const figures: { ours: Figure[]; unbound: Figure[] } = { ours: [], unbound: [] };
    await load(ours, ourPort, queries);
    for (let round = 0; round < rounds; round++) {
      if (peer !== undefined) figures.unbound.push(await load(peer, unboundPort, queries));
      figures.ours.push(await load(ours, ourPort, queries));
    }
    return rows(median(figures.ours)!, median(figures.unbound));
  } finally {
    await scope.close();
  }
}

function rows(ours: Figure, theirs: Figure | undefined): BenchRow[] {
  const peer = theirs ? 'unbound, one thread' : 'unbound is not installed';
  const note = `dnsperf, ${nameCount} names, ${maxOutstanding} outstanding, ${roundSeconds} s, median of ${rounds}`;
  const row = (what: string, unit: string, figure: (one: Figure) => number): BenchRow => {
    const base = { what, unit, ours: figure(ours), peer, note };
    return theirs ? { ...base, theirs: figure(theirs) } : base;
  };
  const perCpu = row('DNS queries in the zone per CPU second', '1/s', (one) => Math.round(1_000_000 / one.cpuMicros));
  return [
    { ...perCpu, budget: { min: 0.8 } },
    row('DNS queries in the zone', '1/s', (one) => one.perSecond),
    row('DNS average latency under that load', 'ms', (one) => one.averageMs),
  ];
}

/** Our server in a process of its own, so that its CPU time can be read. */
async function startOurs(scope: Scope): Promise<number> {
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
  const child = fork(__filename, ['--serve'], { execArgv: process.execArgv, stdio: [...stdio] });
  scope.defer(() => child.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`the server ended with status ${code}`)));
  });
  return child.pid!;
}

async function serve(): Promise<void> {
  const zone = new Zone('cluster.local');
  zone.setNamespace('shop', true);
  for (let i = 0; i < nameCount; i++) {
    const name = `service-${i}`;
    const service = { namespace: 'shop', name, kind: 'cluster', addresses: [addressOf(i)], ports: [] } as const;
    zone.setService(`shop/${name}`, service);
  }
  zone.setSynced();
  const log = silentLogger;
  const forwarder = new Forwarder({ upstreams: [], clock: systemClock, log });
  const facts = () => ({ serverAddresses: [] });
  const responder = new Responder({ zone, facts, forwarder, metrics: new DnsMetrics(), log });
  await listenDns({ host: loopback, port: ourPort }, responder, log);
  process.send?.('ready');
}

/** Undefined if unbound is not installed. */
async function startUnbound(scope: Scope, directory: string): Promise<number | undefined> {
  const file = join(directory, 'unbound.conf');
  const data = Array.from({ length: nameCount }, (_, i) => `  local-data: "${nameOf(i)}. 5 IN A ${addressOf(i)}"\n`);
  writeFileSync(
    file,
    'server:\n' +
      `  interface: ${loopback}@${unboundPort}\n  num-threads: 1\n  do-daemonize: no\n  chroot: ""\n  username: ""\n` +
      `  directory: "${directory}"\n  pidfile: ""\n  use-syslog: no\n  logfile: ""\n  verbosity: 0\n` +
      `  local-zone: "cluster.local." static\n${data.join('')}` +
      'remote-control:\n  control-enable: no\n',
  );
  try {
    const daemon = await startProgram(['unbound', '-d', '-c', file]);
    scope.defer(async () => {
      daemon.kill('SIGTERM');
      await daemon.exited;
    });
    return daemon.pid;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    process.stdout.write('dns: unbound is not installed (apt-get install unbound); measuring without a peer\n');
    return undefined;
  }
}

async function load(pid: number, port: number, queries: string): Promise<Figure> {
  const before = cpuMicros(pid);
  const argv = ['dnsperf', '-s', loopback, '-p', String(port), '-d', queries, '-l', String(roundSeconds)];
  const { stdout } = await new SystemExec().run([...argv, '-c', '20', '-q', String(maxOutstanding)]);
  const used = cpuMicros(pid) - before;
  const value = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1]);
  const total = value(/Queries completed:\s+(\d+)/);
  const good = value(/NOERROR (\d+)/);
  if (!(total > 0) || good !== total) throw new Error(`dnsperf saw failures:\n${stdout}`);
  const averageMs = value(/Average Latency \(s\):\s+([\d.]+)/) * 1_000;
  return { perSecond: value(/Queries per second:\s+([\d.]+)/), averageMs, cpuMicros: used / total };
}

/** User and system time of a process so far; the kernel counts in ticks of 10 ms. */
function cpuMicros(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function median(figures: readonly Figure[]): Figure | undefined {
  return [...figures].sort((a, b) => a.cpuMicros - b.cpuMicros)[Math.floor(figures.length / 2)];
}

if (process.argv.includes('--serve')) void serve();
else if (require.main === module) void run().then((rows) => process.stdout.write(renderRows(rows)));
