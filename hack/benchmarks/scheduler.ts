// How many pods a second the scheduler decides on, alone; and how many it places in a made-up cluster, with the API server, its writes and
// nodes that renew their Leases. There, all pods wait when the scheduler starts; Events of bindings are part of the work.
// usage: hack/bench scheduler [OPTION]...
//   --nodes=N                 nodes of the made-up cluster: 1,000
//   --pods=N                  pods of 100 ReplicaSets: 5,000
//   --peer=FILE               kube-scheduler, run against the same API server and the same pods: the peer
//   any other option          is a flag of node for the server, such as --cpu-prof
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Node } from '../../controlplane/api/node';
import type { Pod } from '../../controlplane/api/pod';
import { BadRequest } from '../../controlplane/base/errors';
import { Scope } from '../../controlplane/base/scope';
import { finish } from '../../controlplane/base/steps';
import type { ConnectionOptions } from '../../controlplane/client/kubeconfig';
import { choose } from '../../controlplane/scheduler/choose';
import { defaultProfile } from '../../controlplane/scheduler/plugins/default-profile';
import { podInfo } from '../../controlplane/scheduler/pod-info';
import { ClusterState } from '../../controlplane/scheduler/state';
import { startProgram } from '../../dataplane/exec/system-exec';
import { ApiConnection } from './api-connection';
import { cpuMicros, residentMb, startApi } from './api-server';
import { type BenchRow, renderRows } from './row';
import { type ClusterSize, fillCluster, readCounter, renewLeases } from './scheduler-cluster';

const nodeCount = 100;
const podCount = 3000;

function node(name: string): Node {
  const labels = { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': `z${name.length % 3}` };
  const allocatable = { cpu: '32', memory: '64Gi', pods: '110' };
  return { metadata: { name, labels }, status: { allocatable } };
}

function pod(i: number): Pod {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: `rs-${i % 30}`, controller: true };
  const resources = { requests: { cpu: '100m', memory: '128Mi' } };
  return {
    metadata: { name: `p${i}`, namespace: 'a', uid: `p${i}`, labels: { app: `a${i % 30}` }, ownerReferences: [owner] },
    spec: { containers: [{ name: 'c', image: 'app:1', resources }] },
  };
}

export async function run(words: readonly string[] = []): Promise<BenchRow[]> {
  const options = readOptions(words);
  const decisions = measureDecisions();
  const ours = await measurePlacements(options);
  const theirs = options.peer === undefined ? undefined : await measurePlacements({ ...options, asPeer: true });
  const { nodes, pods } = options.size;
  const peer = theirs ? { peer: 'kube-scheduler', theirs: theirs.perSecond } : {};
  const load = `${pods} waiting pods of 100 ReplicaSets, ${nodes} nodes with Leases, API server and scheduler in one process`;
  return [
    decisions,
    { what: 'pods placed', unit: 'pods/s', ours: ours.perSecond, ...peer, note: `${load}; CPU ${ours.cpuSeconds} s` },
    {
      what: 'memory of the server',
      unit: 'MB at the end',
      ours: ours.memoryMb,
      ...(theirs ? { peer: 'kube-scheduler beside it, alone', theirs: theirs.schedulerMb } : {}),
    },
  ];
}

/** CPU time, not the wall clock's: the loop never waits, and a busy machine must not change the figure. */
function measureDecisions(): BenchRow {
  const state = new ClusterState();
  for (let i = 0; i < nodeCount; i++) state.setNode(`n${i}`, node(`n${i}`));
  const start = process.cpuUsage();
  let placed = 0;
  let offset = 0;
  for (let i = 0; i < podCount; i++) {
    const info = podInfo(pod(i));
    const choice = finish(
      choose({
        plugins: defaultProfile,
        pod: info,
        nodes: state.nodes(),
        namespaceLabels: () => undefined,
        offset,
        random: Math.random,
      }),
    );
    offset = (offset + choice.examined) % nodeCount;
    if (!choice.node) continue;
    state.assume(info, choice.node.name);
    placed++;
  }
  const { user, system } = process.cpuUsage(start);
  const seconds = (user + system) / 1e6;
  const note = `${podCount} pods of 30 controllers on ${nodeCount} nodes, decisions only`;
  return { what: 'scheduling decisions', unit: 'pods/s of one core', ours: placed / seconds, note };
}

interface Options {
  readonly size: ClusterSize;
  readonly peer: string | undefined;
  readonly nodeFlags: readonly string[];
  /** The peer places the pods. */
  readonly asPeer?: boolean;
}

/** @throws BadRequest for a number that is none */
function readOptions(words: readonly string[]): Options {
  const given = new Map<string, string>();
  const nodeFlags: string[] = [];
  for (const word of words) {
    const [, name, value] = /^--(nodes|pods|peer)=(.*)$/.exec(word) ?? [];
    if (name === undefined) nodeFlags.push(word);
    else given.set(name, value!);
  }
  const count = (name: string, usual: number) => {
    const text = given.get(name) ?? String(usual);
    if (!/^[1-9]\d{0,5}$/.test(text)) throw new BadRequest(`--${name}=${text}: must be a whole number above 0`);
    return Number(text);
  };
  return { size: { nodes: count('nodes', 1000), pods: count('pods', 5000) }, peer: given.get('peer'), nodeFlags };
}

interface Placements {
  readonly perSecond: number;
  readonly cpuSeconds: number;
  readonly memoryMb: number;
  readonly schedulerMb: number;
}

async function measurePlacements({ size, peer, nodeFlags, asPeer = false }: Options): Promise<Placements> {
  const scope = new Scope();
  const directory = mkdtempSync(join(tmpdir(), 'k8ts-scheduler-'));
  scope.defer(() => rmSync(directory, { recursive: true, force: true }));
  try {
    const filling = new Scope();
    const filler = await startApi(filling, directory, [], ['--parts=apiserver']);
    await fillCluster(filler.connection, size);
    await filling.close();
    const parts = asPeer ? 'apiserver' : 'apiserver,scheduler';
    const server = await startApi(scope, directory, nodeFlags, [`--parts=${parts}`]);
    const lease = new AbortController();
    const renewing = renewLeases(server.connection, size.nodes, lease.signal);
    scope.defer(async () => {
      lease.abort();
      await renewing;
    });
    const scheduler = asPeer ? await startPeer(scope, peer!, directory) : undefined;
    const perSecond = await measureRate(scheduler?.connection ?? server.connection, size.pods);
    const schedulerMb = scheduler ? residentMb(scheduler.pid).now : 0;
    return {
      perSecond,
      cpuSeconds: Math.round(cpuMicros(server.pid) / 1e5) / 10,
      memoryMb: residentMb(server.pid).now,
      schedulerMb,
    };
  } finally {
    await scope.close();
  }
}

const pollMs = 100;
const longestMs = 600_000;
/** The first and last pods do not count: the start of the informers, and waiting for the last poll. */
const countedFrom = 0.05;

/** Pods a second, from the attempts that the scheduler counts. */
async function measureRate(connection: ConnectionOptions, pods: number): Promise<number> {
  const open = await ApiConnection.open(connection);
  let first: { readonly atMs: number; readonly count: number } | undefined;
  const until = performance.now() + longestMs;
  for (;;) {
    const { text } = await open.send({ method: 'GET', path: '/metrics' }, true);
    const count = readCounter(text, 'scheduler_schedule_attempts_total', 'result="scheduled"');
    const atMs = performance.now();
    if (first === undefined && count >= pods * countedFrom) first = { atMs, count };
    if (count >= pods || atMs > until) {
      open.close();
      const from = first ?? { atMs, count };
      return ((count - from.count) * 1000) / Math.max(1, atMs - from.atMs);
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** kube-scheduler with its own certificate, and without the limits of its client. */
async function startPeer(scope: Scope, program: string, directory: string) {
  const port = 10_000 + Math.floor(Math.random() * 20_000);
  const config = {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    leaderElection: { leaderElect: false },
    clientConnection: { kubeconfig: join(directory, 'admin.conf'), qps: 5000, burst: 5000 },
  };
  const file = join(directory, 'kube-scheduler.json');
  writeFileSync(file, JSON.stringify(config));
  const argv = [
    program,
    `--config=${file}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${join(directory, 'peer')}`,
    '--authorization-always-allow-paths=/metrics',
  ];
  const daemon = await startProgram(argv, { onOutput: () => undefined });
  scope.defer(async () => {
    daemon.kill('SIGTERM');
    await daemon.exited;
  });
  const connection: ConnectionOptions = { server: `https://127.0.0.1:${port}`, insecureSkipTlsVerify: true };
  await untilOpen(connection);
  return { pid: daemon.pid, connection };
}

async function untilOpen(connection: ConnectionOptions): Promise<void> {
  const until = performance.now() + 60_000;
  for (;;) {
    try {
      (await ApiConnection.open(connection)).close();
      return;
    } catch (err) {
      if (performance.now() > until) throw err;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }
}

if (require.main === module) void run().then((rows) => process.stdout.write(renderRows(rows)));
