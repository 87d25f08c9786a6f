// One run: servers, clients that record, faults, and a check of the recorded history. All choices come from the seed; the times of
// processes do not, so a second run of a seed meets the same faults at about the same places.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BadRequest } from '../../../controlplane/base/errors';
import { Scope } from '../../../controlplane/base/scope';
import { SystemExec } from '../../../dataplane/exec/system-exec';
import { checkHistory } from '../model/check';
import type { History, List, Operation, Problem, Revision } from '../model/history';
import { Random } from '../random';
import { archive } from '../recorder/archive';
import type { Connection } from '../recorder/connection';
import { namespaces, resources } from '../recorder/objects';
import { type ListRequest, Recorder } from '../recorder/recorder';
import { Workload } from '../recorder/workload';
import { applyFault, type FaultTargets } from './apply-faults';
import { Way } from './cut';
import { startEtcd } from './etcd';
import { type FaultKind, planFaults } from './faults';
import { Members } from './members';
import { Network } from './network';
import { Servers } from './servers';
import { openLoopback, openPlaces, planPlaces, type Sites } from './sites';

export interface RunOptions {
  readonly seed: number;
  readonly store: 'sqlite' | 'etcd';
  readonly servers: number;
  /** Of etcd, default 1. More than 1: as many as servers, each pair in a network namespace of its own; needs root. */
  readonly members?: number;
  /** How long the clients work. */
  readonly seconds: number;
  readonly faults: readonly FaultKind[];
  readonly clients?: number;
}
export interface RunResult {
  readonly history: History;
  readonly problems: readonly Problem[];
  /** How often each fault was applied; `crash` counts only where a server ended at its point. */
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /** Of the processes, and `faults`: what was done to which server when, on the clock of the history. */
  readonly logs: Readonly<Record<string, string>>;
}

const defaultClients = 8;
/** Few, so that clients meet at the same objects. */
const names = 5;
/** With a short one, watches meet compacted history; with a long one, the history of a run has no hole. */
const compactions = ['1s', '5s', '5m'];
const diskBytes = 64 << 20;
/** How long clients work on after the last fault where there are several members. */
const afterwardsMs = 1_500;
/** How long the watches may need to reach the end after the last fault. */
const endMs = 60_000;
/** Ids of the observers; clients count from 0. */
const finalClient = -1;
const firstArchive = -2;

/**
 * Uses processes, ports of loopback or network namespaces, and a folder of its own; the scope ends and removes all, also before the run is
 * over. @throws when a server does not start
 */
export async function runSeed(options: RunOptions, scope = new Scope()): Promise<RunResult> {
  try {
    const folder = await mkdtemp(join(tmpdir(), 'k8ts-history-'));
    scope.defer(() => rm(folder, { recursive: true }));
    return await runIn(folder, options, scope);
  } finally {
    await scope.close();
  }
}

async function runIn(folder: string, options: RunOptions, scope: Scope): Promise<RunResult> {
  const random = new Random(options.seed);
  const disk = options.faults.includes('full-disk') ? await mountDisk(join(folder, 'data-0'), scope) : undefined;
  const { sites, ...stores } = await openStores(folder, options, scope);
  const servers = new Servers({ folder, sites, compaction: random.pick(compactions) });
  scope.defer(() => servers.close());
  await servers.start();
  const observer = servers.connect();
  scope.defer(() => closeAll(observer));
  const start = await prepare(observer[0]!);

  const recorder = new Recorder();
  const end = Promise.withResolvers<Revision>();
  const signal = AbortSignal.timeout(options.seconds * 1_000 + 5 * endMs);
  const archives = [...resources, ...resources].map((resource, i) => {
    const own = { client: firstArchive - i, scope: `${resource}/`, start, recorder, connections: observer, signal };
    return archive(own, end.promise);
  });
  const watched = Promise.allSettled(archives);
  const stop = new AbortController();
  const count = options.clients ?? defaultClients;
  const clients = Array.from({ length: count }, (_, client) => {
    const connections = servers.connect();
    scope.defer(() => closeAll(connections));
    return new Workload({ client, random: random.fork(), recorder, connections, start, names }).run(stop.signal);
  });
  const { made: faults, log } = await makeFaults(
    { servers, ...stores, ...(disk === undefined ? {} : { disk }) },
    options,
    random.fork(),
  );
  stop.abort();
  await Promise.all(clients);
  for (let server = 0; server < options.servers; server++) await servers.ready(server);
  const finals = await listAll(recorder, observer);
  end.resolve(Math.max(...finals.flatMap(({ pages }) => pages.map(({ revision }) => revision))));
  const problems = [
    ...[...servers.surprises, ...(stores.places?.members.surprises ?? [])].map((message) => ({
      check: 'servers',
      message,
      operations: [],
    })),
    ...(await watched).flatMap((result) => {
      if (result.status === 'fulfilled') return [];
      return [{ check: 'servers', message: `a watch did not reach the end: ${result.reason}`, operations: [] }];
    }),
  ];
  const history = { start, operations: recorder.operations.sort((a, b) => a.start - b.start) };
  const logs = { ...(await servers.logTexts()), ...(await stores.places?.members.logTexts()), faults: log.join('') };
  const ended = faults.crash === undefined ? {} : { crash: servers.endedInside };
  return { history, problems: [...problems, ...checkHistory(history)], faults: { ...faults, ...ended }, logs };
}

const closeAll = (connections: readonly Connection[]): void => {
  for (const connection of connections) connection.close();
};

/** A file system of its own in memory, for the data of server 0. */
async function mountDisk(folder: string, scope: Scope): Promise<string> {
  await mkdir(folder);
  const exec = new SystemExec();
  await exec.run(['mount', '-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', folder]);
  scope.defer(() => exec.run(['umount', folder]));
  return folder;
}

type Stores = Pick<FaultTargets, 'ways' | 'etcd' | 'places'> & { readonly sites: Sites };

/** Starts etcd, if the run has it. */
async function openStores(folder: string, options: RunOptions, scope: Scope): Promise<Stores> {
  if (options.store === 'sqlite') return { ways: [], sites: await openLoopback(folder, ['sqlite']) };
  if ((options.members ?? 1) > 1) return openMembers(folder, options, scope);
  const etcd = await startEtcd(folder);
  scope.defer(() => etcd.close());
  const ways = await openWays(etcd.port, options.servers, scope);
  const stores = ways.map(({ port }) => `etcd://127.0.0.1:${port}`);
  return { ways, etcd, sites: await openLoopback(folder, stores) };
}

async function openMembers(
  folder: string,
  { seed, servers, members: count }: RunOptions,
  scope: Scope,
): Promise<Stores> {
  if (count !== servers) throw new BadRequest('as many members of etcd as servers: each pair has a place of its own');
  const plan = planPlaces(folder, `k8ts-history-${process.pid}-${seed}`, servers);
  const { gateway: address, prefixLength, nodes } = plan;
  const [node] = nodes;
  const prefix = node!.netns.slice(0, node!.netns.lastIndexOf('-'));
  const network = await Network.open({ prefix, address, ips: nodes.map(({ ip }) => ip), prefixLength }, scope);
  const sites = await openPlaces(plan, network);
  const members = new Members(plan, folder);
  scope.defer(() => members.close());
  await members.startAll();
  return { ways: [], sites, places: { network, members } };
}

/** From each server to etcd. */
async function openWays(port: number, count: number, scope: Scope): Promise<readonly Way[]> {
  const ways: Way[] = [];
  while (ways.length < count) {
    const way = await Way.open(port);
    scope.defer(() => way.close());
    ways.push(way);
  }
  return ways;
}

/** Creates the namespaces; returns the revision after that. */
async function prepare(connection: Connection): Promise<Revision> {
  for (const name of namespaces) {
    await connection.call({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name } } });
  }
  const { body } = await connection.call({ method: 'GET', path: '/api/v1/configmaps' });
  return Number((body as { metadata: { resourceVersion: string } }).metadata.resourceVersion);
}

/** Until the time of the run is over and the last fault too. */
async function makeFaults(targets: FaultTargets, { seconds, faults: kinds, ...setting }: RunOptions, random: Random) {
  const until = performance.now() + seconds * 1_000;
  const made: Partial<Record<FaultKind, number>> = {};
  const log: string[] = [];
  const left = () => until - performance.now();
  for (const fault of planFaults(random, { kinds, ...setting })) {
    if (left() < fault.afterMs) break;
    await sleep(fault.afterMs);
    const began = performance.now();
    const server = await applyFault(targets, fault);
    made[fault.kind] = (made[fault.kind] ?? 0) + 1;
    log.push(`${JSON.stringify({ ...fault, server, began, over: performance.now(), clock: new Date() })}\n`);
  }
  // Faults of several members may outlast the run, and what they have spoiled shows after them.
  await sleep(Math.max(left(), (setting.members ?? 1) > 1 ? afterwardsMs : 0));
  return { made, log };
}

/** The final state as each server shows it, to a reader who demands the newest one. */
async function listAll(recorder: Recorder, connections: readonly Connection[]): Promise<readonly List[]> {
  const lists: List[] = [];
  for (const [server, connection] of connections.entries()) {
    for (const resource of resources) {
      const request: ListRequest = { scope: `${resource}/`, match: 'newest', final: true };
      lists.push(await recorder.list({ client: finalClient, server, connection }, request));
    }
  }
  return lists;
}

/** How many operations of each kind ended how. */
export function countOutcomes(operations: readonly Operation[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { op, outcome } of operations) {
    const name = `${op} ${outcome}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return new Map([...counts].sort());
}
