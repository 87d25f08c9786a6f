// The API budgets of the design: verbs over 16 connections, lists, the time from a write to a hundred watchers, and the memory
// of the server afterwards; then custom resources, protobuf, and a webhook that does not match. Compare the rows in CPU time between
// runs: with two cores the client takes one of them, and wall-clock time includes other processes of the machine.
// usage: hack/bench api [OPTION]...
//   --objects=N               ConfigMaps, custom resources and requests of each load: 2,000
//   --pods=N                  pods: 5,000
//   --fill=N                  ConfigMaps that exist before the load: 0
//   --peer-kubeconfig=FILE    another API server, on which the same load runs afterwards: the peer. Without it the peer's figures
//                             are those of kube-apiserver 1.20 with etcd 3.4 on an earlier machine of two cores
//   --peer-pids=PID,...       the peer's processes, its store included, for its CPU time and memory
//   any other option          is a flag of node for the server, such as --cpu-prof
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadRequest } from '../../controlplane/base/errors';
import { Scope } from '../../controlplane/base/scope';
import { loadKubeconfig } from '../../controlplane/client/kubeconfig';
import { type ApiFigures, type ApiTarget, type Figure, type LoadSize, marks, measure, watchers } from './api-load';
import { cpuMicros, residentMb, startApi } from './api-server';
import { type BenchRow, renderRows } from './row';

const recordedPeer = 'kube-apiserver 1.20 + etcd 3.4, on an earlier machine';

interface Options {
  readonly size: LoadSize;
  readonly peer: { readonly kubeconfig: string; readonly pids: readonly number[] } | undefined;
  readonly nodeFlags: readonly string[];
}

/** @throws BadRequest for a number that is none */
export async function run(words: readonly string[] = []): Promise<BenchRow[]> {
  const { size, peer, nodeFlags } = readOptions(words);
  const ours = await measureOurs(size, nodeFlags);
  if (!peer) return rowsOf(size, ours);
  return rowsOf(size, ours, await measure(await peerOf(peer), size), peer.pids.length > 0);
}

function readOptions(words: readonly string[]): Options {
  const given = new Map<string, string>();
  const nodeFlags: string[] = [];
  for (const word of words) {
    const [, name, value] = /^--(objects|pods|fill|peer-kubeconfig|peer-pids)=(.*)$/.exec(word) ?? [];
    if (name === undefined) nodeFlags.push(word);
    else given.set(name, value!);
  }
  const count = (name: string, usual: number, least: number) => {
    const text = given.get(name) ?? String(usual);
    if (!/^\d{1,7}$/.test(text) || Number(text) < least) {
      throw new BadRequest(`--${name}=${text}: must be a whole number of at least ${least}`);
    }
    return Number(text);
  };
  const kubeconfig = given.get('peer-kubeconfig');
  const pids = (given.get('peer-pids') ?? '').split(',').filter(Boolean).map(Number);
  return {
    // The load writes to the first two objects.
    size: { objects: count('objects', 2_000, 2), pods: count('pods', 5_000, 1), fill: count('fill', 0, 0) },
    peer: kubeconfig === undefined ? undefined : { kubeconfig, pids },
    nodeFlags,
  };
}

async function measureOurs(size: LoadSize, flags: readonly string[]): Promise<ApiFigures> {
  const scope = new Scope();
  const directory = mkdtempSync(join(tmpdir(), 'k8ts-api-'));
  scope.defer(() => rmSync(directory, { recursive: true, force: true }));
  try {
    const { connection, pid } = await startApi(scope, directory, flags);
    return await measure({ connection, cpuMicros: () => cpuMicros(pid), memory: () => residentMb(pid) }, size);
  } finally {
    await scope.close();
  }
}

async function peerOf({ kubeconfig, pids }: NonNullable<Options['peer']>): Promise<ApiTarget> {
  const sum = (of: (pid: number) => number) => pids.reduce((total, pid) => total + of(pid), 0);
  return {
    connection: await loadKubeconfig(kubeconfig),
    cpuMicros: () => sum(cpuMicros),
    memory: () => ({ now: sum((pid) => residentMb(pid).now), peak: sum((pid) => residentMb(pid).peak) }),
  };
}

/** The peer of runs without one. */
const recorded = {
  create: 1_002,
  get: 2_618,
  patch: 1_233,
  delete: 1_133,
  list: 37,
  listPods: 160,
  watch: 6.7,
  memory: 1_040,
};
type Recorded = keyof typeof recorded;

function rowsOf(size: LoadSize, ours: ApiFigures, theirs?: ApiFigures, withCpu = false): BenchRow[] {
  const peer = theirs ? 'the peer' : recordedPeer;
  const compare = (name: string, of: (figures: ApiFigures) => number): Partial<BenchRow> => {
    if (theirs) return { peer, theirs: of(theirs) };
    return name in recorded ? { peer, theirs: recorded[name as Recorded] } : {};
  };
  const verb = (what: string, name: Exclude<keyof ApiFigures, 'memory'>, budget?: BenchRow['budget']): BenchRow[] => {
    const bounded = budget ? { budget } : {};
    const note = notesOf(ours[name]);
    const rate = { what: `API ${what}`, unit: '1/s', ours: ours[name].perSecond, note: note.times };
    const cpu = {
      what: `API ${what}, by CPU time`,
      unit: '1/s of one core',
      ours: perCore(ours[name]),
      note: note.cpu,
    };
    return [
      { ...rate, ...compare(name, (figures) => figures[name].perSecond), ...bounded },
      { ...cpu, ...(theirs && !withCpu ? {} : { ...compare(name, (figures) => perCore(figures[name])), ...bounded }) },
    ];
  };
  const among = size.fill > 0 ? ` among ${size.fill} others` : '';
  const writes = `${marks} writes one after another, median; 99 % within ${ours.watch.p99Ms.toFixed(1)} ms; ${notesOf(ours.watch).cpu}`;
  return [
    ...verb(`create${among}`, 'create', { min: 3 }),
    ...verb(`get${among}`, 'get', { min: 3 }),
    ...verb(`patch${among}`, 'patch', { min: 3 }),
    ...verb(`delete${among}`, 'delete'),
    ...verb('create of pods', 'createPods'),
    ...verb(`LIST of ${size.objects} ConfigMaps`, 'list', { min: 5 }),
    ...verb('the same LIST, each after a write', 'listAfterWrite'),
    {
      ...{ what: `LIST of ${size.pods} pods`, unit: 'ms', ours: ours.listPods.p50Ms, budget: { max: 0.2 } },
      ...compare('listPods', (figures) => figures.listPods.p50Ms),
      note: `median of 10 on one connection; ${notesOf(ours.listPods).cpu}`,
    },
    {
      ...{
        what: `write to ${watchers} watchers`,
        unit: 'ms',
        ours: ours.watch.p50Ms,
        budget: { max: 0.5 },
        note: writes,
      },
      ...compare('watch', (figures) => figures.watch.p50Ms),
    },
    {
      ...{ what: 'API server memory after this load', unit: 'MB', ours: ours.memory.now, budget: { max: 0.25 } },
      ...(theirs && !withCpu ? {} : compare('memory', (figures) => figures.memory.now)),
      note: `peak ${ours.memory.peak} MB`,
    },
    ...verb('create of custom resources', 'createCustom'),
    ...verb('get of custom resources', 'getCustom'),
    ...verb(`LIST of ${size.objects} custom resources`, 'listCustom'),
    ...verb('create, protobuf', 'createProtobuf'),
    ...verb('get, protobuf', 'getProtobuf'),
    ...verb(`LIST of ${size.objects}, protobuf`, 'listProtobuf'),
    ...verb('create beside a webhook that does not match', 'createBesideWebhook'),
  ];
}

const perCore = ({ cpuMicros }: Figure): number => (cpuMicros > 0 ? 1e6 / cpuMicros : 0);

const notesOf = ({ cpuMicros, p50Ms, p99Ms }: Figure) => ({
  cpu: `${cpuMicros.toFixed(0)} us of server CPU each`,
  times: `median ${p50Ms.toFixed(1)} ms, 99 % within ${p99Ms.toFixed(1)} ms, load ${loadavg()[0]!.toFixed(1)}`,
});

if (require.main === module) void run(process.argv.slice(2)).then((rows) => process.stdout.write(renderRows(rows)));
