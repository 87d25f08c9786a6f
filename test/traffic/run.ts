// One run: a cluster, the workload, the clients, the faults, and the accounts at the end.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Pod, pods, type Service, services } from '../../controlplane/api';
import { silentLogger } from '../../controlplane/base/logger';
import { Scope } from '../../controlplane/base/scope';
import type { Client } from '../../controlplane/client/client';
import { connect } from '../../controlplane/client/connect';
import { createInformer } from '../../controlplane/client/informer';
import { SystemExec, startProgram } from '../../dataplane/exec/system-exec';
import { type ClusterPlan, type NodePlan, planCluster, ranges } from '../../hack/dev/plan';
import { readState } from '../../hack/dev/state';
import {
  type Accounts,
  account,
  type EndedPod,
  type Fault,
  type FaultKind,
  faultName,
  type Move,
  type RequestEnd,
} from './accounts';
import { judge } from './allowed';
import type { ClientLine, ClientOptions, Lane } from './client';
import { Faults, pidOf } from './faults';
import { planSchedule, randomFrom, type Step } from './schedule';
import { Flows, listenForFlows } from './targets';
import { ingressHost, manifests, namespace } from './workload';

export interface RunOptions {
  readonly name: string;
  readonly nodes: number;
  readonly seed: number;
  readonly timeSeconds: number;
  readonly faults: readonly FaultKind[];
  readonly rate: number;
  readonly downSeconds: number;
  readonly lossSeconds: number;
  readonly servers: readonly string[];
  readonly write: (text: string) => void;
  /** Ends the run early, with its reason; what was started is removed. */
  readonly signal?: AbortSignal;
}
export interface RunResult {
  readonly accounts: Accounts;
  readonly faults: readonly Fault[];
  readonly moves: readonly Move[];
}

const root = join(__dirname, '..', '..');
const exec = new SystemExec();
const scriptTimeoutMs = 600_000;
/** A request that takes longer is lost. */
const requestTimeoutMs = 12_000;
/** Requests before the first fault and after the last one show that all is well without faults. */
const quietMs = 3_000;
const movesEveryMs = 250;
const reportMs = 500;

/** @throws the signal's reason; Error when a fault is not mended in time */
export async function runTraffic(options: RunOptions): Promise<RunResult> {
  const scope = new Scope();
  const run = async () => {
    const plan = await ensureCluster(options, scope);
    const client = await connect(plan.adminConf);
    await deploy(plan, scope);
    return observe(plan, client, await lanesOf(plan, client), options, scope);
  };
  try {
    return await Promise.race([run(), rejectedBy(options.signal)]);
  } finally {
    await scope.close();
  }
}

const rejectedBy = (signal?: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }));

async function ensureCluster({ name, nodes }: RunOptions, scope: Scope): Promise<ClusterPlan> {
  if (!readState(name)) {
    const directory = mkdtempSync(join(tmpdir(), 'k8ts-traffic-'));
    scope.defer(() => rmSync(directory, { recursive: true, force: true }));
    const env = { KUBECONFIG: join(directory, 'config'), NO_COLOR: '1' };
    const script = (file: string, ...args: string[]) =>
      exec.run([join(root, 'hack', file), '--name', name, ...args], { env, timeoutMs: scriptTimeoutMs });
    scope.defer(() => script('down'));
    await script('up', '--nodes', String(nodes), '--no-demo', '--quiet');
  }
  return planCluster(readState(name)!);
}

/** The first node has the pod of the inner client. */
const clientNodeOf = ({ nodes }: ClusterPlan): NodePlan => nodes[0]!;

async function deploy(plan: ClusterPlan, scope: Scope): Promise<void> {
  const kubectl = (args: readonly string[], input?: string) =>
    exec.run(['kubectl', '--kubeconfig', plan.adminConf, ...args], {
      timeoutMs: 180_000,
      ...(input === undefined ? {} : { input }),
    });
  scope.defer(() => kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--timeout=120s']));
  await kubectl(['apply', '-f', '-'], manifests(clientNodeOf(plan).name));
  await kubectl(['-n', namespace, 'rollout', 'status', 'deployment/web', '--timeout=120s']);
  await kubectl(['-n', namespace, 'wait', '--for=condition=Programmed', 'service/web', '--timeout=60s']);
  await kubectl(['-n', namespace, 'wait', '--for=condition=Ready', 'pod/client', '--timeout=60s']);
}

interface AllLanes {
  readonly host: readonly Lane[];
  readonly pod: readonly Lane[];
  /** The first process of the client's pod. */
  readonly podPid: number;
}

async function lanesOf(plan: ClusterPlan, client: Client): Promise<AllLanes> {
  const service: Service = await client.get(services, `${namespace}/web`);
  const nodePort = service.spec?.ports?.[0]?.nodePort ?? 0;
  const clusterIP = service.spec?.clusterIP ?? '';
  const balancer = service.status?.loadBalancer?.ingress?.[0]?.ip ?? '';
  const both = (lane: Omit<Lane, 'connection'>): readonly Lane[] => [
    { ...lane, connection: 'new' },
    { ...lane, connection: 'kept' },
  ];
  const plain = 'web';
  const host = [
    ...plan.nodes.flatMap(({ name, ip }) => [
      ...both({ way: 'NodePort', via: name, address: ip, port: nodePort, host: plain }),
      ...both({ way: 'Ingress', via: name, address: ip, port: 80, host: ingressHost }),
    ]),
    ...both({ way: 'LoadBalancer', address: balancer, port: 80, host: plain }),
  ];
  const inCluster = (name: string) => `${name}.${namespace}.svc.${ranges.domain}`;
  const pod = [
    ...both({ way: 'ClusterIP', address: clusterIP, port: 80, host: plain }),
    {
      way: 'DNS',
      via: clientNodeOf(plan).name,
      connection: 'new',
      address: ranges.dns,
      port: 0,
      host: inCluster('web'),
      expected: clusterIP,
    },
    {
      way: 'headless name',
      via: clientNodeOf(plan).name,
      connection: 'new',
      address: ranges.dns,
      port: 8080,
      host: inCluster('headless'),
    },
  ] as const;
  const object: Pod = await client.get(pods, `${namespace}/client`);
  const id = object.status?.containerStatuses?.[0]?.containerID?.replace(/^docker:\/\//, '') ?? '';
  return { host, pod, podPid: await pidOf(clientNodeOf(plan), id) };
}

async function observe(
  plan: ClusterPlan,
  client: Client,
  lanes: AllLanes,
  options: RunOptions,
  scope: Scope,
): Promise<RunResult> {
  const began = Date.now();
  const now = () => Date.now() - began;
  const ended = watchEnded(client, now, scope);
  const random = randomFrom(options.seed);
  const faults = new Faults({
    plan,
    client,
    exec,
    now,
    random,
    downMs: options.downSeconds * 1000,
    lossMs: options.lossSeconds * 1000,
    servers: options.servers,
    onChange: (fault) =>
      options.write(
        `${seconds(now())} ${faultName(fault)}${fault.until === undefined ? '' : ` over after ${seconds(fault.until - fault.from)}`}\n`,
      ),
  });
  const moves = await watchMoves(plan, lanes, now, scope);
  const flows = new Flows();
  scope.defer(
    await listenForFlows(
      plan.nodes.map(({ netns }) => netns),
      flows,
    ),
  );
  scope.defer(() => faults.restore());
  const requests: RequestEnd[] = [];
  const add = ({ end, flow }: ClientLine): void => {
    const index = requests.push(end) - 1;
    if (!flow) return;
    // The kernel's report may be on its way still.
    setTimeout(() => {
      const target = flows.targetOf(flow);
      if (target !== undefined) requests[index] = { ...end, target };
    }, reportMs);
  };
  const stop = await startClients(lanes, { began, rate: options.rate }, add);
  scope.defer(stop);
  await sleep(quietMs);
  await inject(faults, plan, options);
  await faults.settled();
  await sleep(quietMs);
  await stop();
  await sleep(2 * reportMs);
  return { accounts: account({ requests, faults: faults.list, ended, moves }, judge), faults: faults.list, moves };
}

/**
 * Watches which node answers for the load balancer's address: the neighbour that this machine knows for it. Returns the moves, a
 * list that grows.
 */
async function watchMoves(
  { nodes, bridge }: ClusterPlan,
  { host }: AllLanes,
  now: () => number,
  scope: Scope,
): Promise<readonly Move[]> {
  const address = host.find(({ way }) => way === 'LoadBalancer')!.address;
  const byLink = new Map<string, string>();
  for (const { name, netns } of nodes) {
    const { stdout } = await exec.run(['ip', '-n', netns, '-o', 'link', 'show', 'eth0']);
    byLink.set(/link\/ether (\S+)/.exec(stdout)?.[1] ?? '', name);
  }
  const moves: Move[] = [];
  const abort = new AbortController();
  scope.defer(() => abort.abort());
  const look = async () => {
    let last: string | undefined;
    while (!abort.signal.aborted) {
      const { stdout } = await exec.run(['ip', 'neigh', 'show', 'to', address, 'dev', bridge]);
      const node = byLink.get(/lladdr (\S+)/.exec(stdout)?.[1] ?? '');
      if (node !== undefined && last !== undefined && node !== last) moves.push({ at: now(), from: last, to: node });
      last = node ?? last;
      await sleep(movesEveryMs, undefined, { signal: abort.signal }).catch(() => {});
    }
  };
  void look().catch(() => {}); // It ends with the bridge.
  return moves;
}

/** Two loops: kills, and the other faults. No fault begins after the time, but kills go on while another fault does. */
async function inject(
  faults: Faults,
  plan: ClusterPlan,
  { seed, faults: kinds, timeSeconds }: RunOptions,
): Promise<void> {
  const nodes = plan.nodes.map(({ name }) => name);
  const schedule = planSchedule({ seed, kinds, nodes, clientNode: clientNodeOf(plan).name });
  const deadline = Date.now() + timeSeconds * 1000;
  const abort = new AbortController();
  let areEventsOver = false;
  const loop = async (next: () => Step | undefined, isOver: () => boolean) => {
    for (;;) {
      const step = next();
      if (!step) return;
      await sleep(step.pauseMs, undefined, { signal: abort.signal }).catch(() => {});
      if (abort.signal.aborted || isOver()) return;
      await faults.run(step);
    }
  };
  const isLate = () => Date.now() > deadline;
  const events = loop(schedule.events, isLate).finally(() => {
    areEventsOver = true;
  });
  const both = Promise.all([loop(schedule.kills, () => isLate() && areEventsOver), events]);
  // A fault that does not end well ends the other loop too.
  await both.catch(() => abort.abort());
  await both;
  const left = deadline - Date.now();
  if (left > 0) await sleep(left);
}

/** The pods of the workload that are ending, with the time at which this was first seen. */
function watchEnded(client: Client, now: () => number, scope: Scope): readonly EndedPod[] {
  const ended: EndedPod[] = [];
  const seen = new Set<string>();
  const abort = new AbortController();
  scope.defer(() => abort.abort());
  const informer = createInformer(client, pods, { params: { namespace, labelSelector: 'app=web' }, log: silentLogger });
  informer.onChange(({ type, object: { metadata, status } }) => {
    const name = metadata?.name ?? '';
    if (seen.has(name) || (type !== 'deleted' && metadata?.deletionTimestamp === undefined)) return;
    seen.add(name);
    ended.push({ name, address: status?.podIP ?? '', at: now() });
  });
  void informer.run(abort.signal).catch(() => {});
  return ended;
}

/** Starts both clients. Returns what stops them: it resolves when each request is accounted for. */
async function startClients(
  { host, pod, podPid }: AllLanes,
  { began, rate }: { readonly began: number; readonly rate: number },
  add: (line: ClientLine) => void,
): Promise<() => Promise<void>> {
  const start = async (from: 'host' | 'pod', lanes: readonly Lane[], inside: readonly string[]) => {
    const client: ClientOptions = { began, from, lanes, rate, timeoutMs: requestTimeoutMs, namespace };
    const argv = [
      ...inside,
      process.execPath,
      // The loader of tests works in their environment and outside of it.
      `--import=${join(root, 'hack/lib/ts-node.mjs')}`,
      join(__dirname, 'client.ts'),
      JSON.stringify(client),
    ];
    let text = '';
    let messages = '';
    const program = await startProgram(argv, {
      cwd: root,
      onOutput: (chunk) => {
        text += chunk.toString('utf8');
        const lines = text.split('\n');
        text = lines.pop()!;
        for (const line of lines) {
          if (line.startsWith('{')) add(JSON.parse(line) as ClientLine);
          else messages = `${messages}${line}\n`.slice(-2_000);
        }
      },
    });
    return async () => {
      program.kill('SIGTERM');
      const code = await program.exited;
      if (code !== 0) throw new Error(`the client on the ${from} ended with ${code}: ${messages}${text}`);
    };
  };
  const stops = [
    await start('host', host, []),
    await start('pod', pod, ['nsenter', `--net=/proc/${podPid}/ns/net`, '--']),
  ];
  let stopped: Promise<void> | undefined;
  return () => {
    stopped ??= Promise.all(stops.map((stop) => stop())).then(() => {});
    return stopped;
  };
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)}s`;
