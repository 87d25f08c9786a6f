// The API budgets of the design: verbs over 16 connections, lists, the time from a write to a hundred watchers, and the memory
// of the server afterwards. The distribution has no package of the peer, kube-apiserver 1.20 with etcd 3.4, so its figures
// are those of README.md (Figures), measured with the same load on a machine of two cores. Compare the rows in CPU time between
// runs: with two cores the client takes one of them, and wall-clock time includes other processes of the machine.
// usage: node -r ts-node/register hack/benchmarks/api.ts [flags of node for the server, e.g. --cpu-prof]
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope } from '../../controlplane/base/scope';
import type { ConnectionOptions } from '../../controlplane/client/kubeconfig';
import { ApiConnection, type Call, openWatch } from './api-connection';
import { type ApiProcess, cpuMicros, residentMb, startApi } from './api-server';
import { type BenchRow, renderRows } from './row';

const connections = 16;
const objects = 2_000;
const pods = 5_000;
const lists = 64;
const watchers = 100;
const marks = 200;

const peer = 'kube-apiserver 1.20 + etcd 3.4, from README.md';
const namespace = 'bench';
const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
const podsPath = `/api/v1/namespaces/${namespace}/pods`;

interface Figure {
  readonly perSecond: number;
  /** Of the server, for each request. */
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export async function run(flags: readonly string[] = []): Promise<BenchRow[]> {
  const scope = new Scope();
  const directory = mkdtempSync(join(tmpdir(), 'k8ts-api-'));
  scope.defer(() => rmSync(directory, { recursive: true, force: true }));
  try {
    const api = await startApi(scope, directory, flags);
    return await new ApiBench(api, await openAll(scope, api.connection)).run();
  } finally {
    await scope.close();
  }
}

async function openAll(scope: Scope, options: ConnectionOptions): Promise<ApiConnection[]> {
  const all = await Promise.all(Array.from({ length: connections }, () => ApiConnection.open(options)));
  scope.defer(() => {
    for (const one of all) one.close();
  });
  return all;
}

class ApiBench {
  constructor(
    private readonly api: ApiProcess,
    private readonly connections: readonly ApiConnection[],
  ) {}

  async run(): Promise<BenchRow[]> {
    await this.prepare();
    const created = await this.load(objects, (i) => ({ method: 'POST', path: configMaps, body: configMap(i) }));
    const got = await this.load(objects * 4, (i) => ({ method: 'GET', path: `${configMaps}/c${i % objects}` }));
    const patched = await this.load(objects, (i) => patch(`c${i}`, `${i}`));
    const listed = await this.load(lists, () => ({ method: 'GET', path: configMaps }));
    const fresh = await this.listsAfterWrites();
    const watched = await this.watch();
    const deleted = await this.load(objects, (i) => ({ method: 'DELETE', path: `${configMaps}/c${i}` }));
    const podsCreated = await this.load(pods, (i) => ({ method: 'POST', path: podsPath, body: pod(i) }));
    const podsListed = await this.listPods();
    const memory = residentMb(this.api.pid);
    return [
      ...verbRows('create', created, { theirs: 1_002, budget: { min: 3 } }),
      ...verbRows('get', got, { theirs: 2_618, budget: { min: 3 } }),
      ...verbRows('patch', patched, { theirs: 1_233, budget: { min: 3 } }),
      ...verbRows('delete', deleted),
      ...verbRows('create of pods', podsCreated),
      ...verbRows(`LIST of ${objects} ConfigMaps`, listed, { theirs: 37, budget: { min: 5 } }),
      ...verbRows('the same LIST, each after a write', fresh),
      ...this.singleRows(watched, podsListed, memory),
    ];
  }

  private singleRows(watched: Figure, podsListed: Figure, memory: { now: number; peak: number }): BenchRow[] {
    const writes = `${marks} writes one after another, median; 99 % within ${watched.p99Ms.toFixed(1)} ms; ${cpuNote(watched)}`;
    const many = `median of 10 on one connection; ${cpuNote(podsListed)}`;
    return [
      row(`LIST of ${pods} pods`, 'ms', podsListed.p50Ms, { theirs: 160, budget: { max: 0.2 } }, many),
      row(`write to ${watchers} watchers`, 'ms', watched.p50Ms, { theirs: 6.7, budget: { max: 0.5 } }, writes),
      row(
        'API server memory after this load',
        'MB',
        memory.now,
        { theirs: 1_040, budget: { max: 0.25 } },
        `peak ${memory.peak} MB`,
      ),
    ];
  }

  private async prepare(): Promise<void> {
    const [first] = this.connections;
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
    await first!.send({ method: 'POST', path: '/api/v1/namespaces', body });
    const account = { method: 'GET', path: `/api/v1/namespaces/${namespace}/serviceaccounts/default` };
    // Pods are refused until the controller has created it.
    for (let tries = 0; ; tries++) {
      try {
        await first!.send(account);
        return;
      } catch (error) {
        if (tries === 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  /** `count` requests, shared by all connections or sent over the first one. */
  private async load(count: number, call: (i: number) => Call, one = false): Promise<Figure> {
    const latencies: number[] = [];
    let next = 0;
    const cpuBefore = cpuMicros(this.api.pid);
    const before = performance.now();
    const work = async (connection: ApiConnection) => {
      while (next < count) {
        const sent = performance.now();
        await connection.send(call(next++));
        latencies.push(performance.now() - sent);
      }
    };
    await Promise.all((one ? this.connections.slice(0, 1) : this.connections).map(work));
    return this.figure(latencies, performance.now() - before, cpuMicros(this.api.pid) - cpuBefore);
  }

  private figure(latencies: number[], ms: number, micros: number): Figure {
    latencies.sort((a, b) => a - b);
    const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))]!;
    const count = latencies.length;
    return { perSecond: (count / ms) * 1_000, cpuMicros: micros / count, p50Ms: at(0.5), p99Ms: at(0.99) };
  }

  /** No two of these lists are equal: the server cannot answer with the bytes of the previous list. */
  private async listsAfterWrites(): Promise<Figure> {
    const writer = this.connections[1]!;
    const latencies: number[] = [];
    let micros = 0;
    for (let i = 0; i < lists; i++) {
      await writer.send(patch('c0', `list ${i}`));
      const cpuBefore = cpuMicros(this.api.pid);
      const sent = performance.now();
      await this.connections[0]!.send({ method: 'GET', path: configMaps });
      latencies.push(performance.now() - sent);
      micros += cpuMicros(this.api.pid) - cpuBefore;
    }
    return this.figure(
      latencies,
      latencies.reduce((sum, ms) => sum + ms, 0),
      micros,
    );
  }

  private listPods(): Promise<Figure> {
    return this.load(10, () => ({ method: 'GET', path: podsPath }), true);
  }

  /** From sending a write until the last watcher has its event. */
  private async watch(): Promise<Figure> {
    let missing = 0;
    let done = () => {};
    const onMark = () => {
      if (--missing === 0) done();
    };
    // From now on, without the objects that exist already.
    const path = `${configMaps}?watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan`;
    const open = Array.from({ length: watchers }, () => openWatch(this.api.connection, path, onMark));
    const watches = await Promise.all(open);
    const latencies: number[] = [];
    const cpuBefore = cpuMicros(this.api.pid);
    const before = performance.now();
    for (let i = 0; i < marks; i++) {
      const sent = performance.now();
      missing = watchers;
      const delivered = new Promise<void>((resolve) => {
        done = resolve;
      });
      await Promise.all([this.connections[0]!.send(patch('c1', `${i}`)), delivered]);
      latencies.push(performance.now() - sent);
    }
    for (const watch of watches) watch.close();
    return this.figure(latencies, performance.now() - before, cpuMicros(this.api.pid) - cpuBefore);
  }
}

type Reference = Pick<BenchRow, 'theirs' | 'budget'>;

const cpuNote = ({ cpuMicros }: Figure): string => `${cpuMicros.toFixed(0)} us of server CPU each`;

function row(what: string, unit: string, ours: number, reference: Reference, note: string): BenchRow {
  return { what, unit, ours, ...(reference.theirs === undefined ? {} : { peer, ...reference }), note };
}

/** Requests per second by the clock and by the server's CPU time; both are compared with the same reference. */
function verbRows(what: string, figure: Figure, reference: Reference = {}): BenchRow[] {
  const load = `load ${loadavg()[0]!.toFixed(1)}`;
  const times = `median ${figure.p50Ms.toFixed(1)} ms, 99 % within ${figure.p99Ms.toFixed(1)} ms, ${load}`;
  return [
    row(`API ${what}`, '1/s', figure.perSecond, reference, times),
    row(`API ${what}, by CPU time`, '1/s of one core', 1e6 / figure.cpuMicros, reference, cpuNote(figure)),
  ];
}

const configMap = (i: number) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: `c${i}`, labels: { app: 'bench', shard: String(i % 10) } },
  data: { key: 'x'.repeat(512) },
});

const pod = (i: number) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `p${i}`, labels: { app: 'bench' } },
  spec: {
    // No scheduler of that name runs: the pods stay unchanged.
    schedulerName: 'nobody',
    containers: [{ name: 'c', image: 'busybox:1', resources: { requests: { cpu: '10m', memory: '16Mi' } } }],
  },
});

const patch = (name: string, mark: string): Call => ({
  method: 'PATCH',
  path: `${configMaps}/${name}`,
  type: 'application/merge-patch+json',
  body: { metadata: { annotations: { 'bench-mark': mark } } },
});

if (require.main === module) void run(process.argv.slice(2)).then((rows) => process.stdout.write(renderRows(rows)));
