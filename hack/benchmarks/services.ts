// How fast kube-proxy makes Services work, and what they cost a connection, with 100, 1,000 and 5,000 Services of four
// endpoints each: the whole agent below the API client, in network namespaces of its own, seen from real connections.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { FamilyProxy } from '../../agents/kube-proxy/family-proxy';
import { HealthPorts } from '../../agents/kube-proxy/health-ports';
import { Metrics } from '../../agents/kube-proxy/metrics';
import { Proxier } from '../../agents/kube-proxy/proxier';
import { openRules } from '../../agents/kube-proxy/rules';
import { serviceKeyOfSlice } from '../../agents/kube-proxy/translate';
import {
  type EndpointSlice,
  type KubeObject,
  type Node,
  objectKey,
  type Pod,
  type Service,
} from '../../controlplane/api';
import { systemClock } from '../../controlplane/base/clock';
import { silentLogger } from '../../controlplane/base/logger';
import { Scope } from '../../controlplane/base/scope';
import type { Change, Informer } from '../../controlplane/client/informer';
import { FlowCleaner } from '../../dataplane/conntrack/cleaner';
import type { Exec } from '../../dataplane/exec/exec';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { connectInNetns } from '../../dataplane/netns/connect';
import { ensureNamedNetns, inNetns, removeNamedNetns } from '../../dataplane/netns/named';
import type { Netns } from '../../dataplane/netns/netns';
import { type BenchRow, renderRows } from './row';

const sizes = [100, 1_000, 5_000];
const endpointsPerService = 4;
const probes = 20;
/** Connections per figure, in rounds that alternate between the two ways, so that both meet the same neighbours. */
const connections = 2_000;
const connectionRounds = 5;
const budgetMs = 50;

const client = '10.244.1.2';
const server = '10.244.2.2';
const port = 8080;

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const size of sizes) rows.push(...(await measure(size)));
  return rows;
}

async function measure(size: number): Promise<BenchRow[]> {
  const scope = new Scope();
  try {
    const lab = await openLab(scope);
    const bare = (await connectionCost(lab, [server]))[0]!;
    const world = new World();
    for (let i = 0; i < size; i++) world.add(i, fillerEndpoints(i));
    const started = performance.now();
    const { ready, memory } = await startProxy(lab, world, scope);
    await ready;
    const settledMs = performance.now() - started;
    const up: number[] = [];
    const down: number[] = [];
    for (let i = 0; i < probes; i++) {
      const ip = world.add(size + i, [server]);
      up.push(await until(lab, ip, true));
      await quiet();
      world.removeEndpoints(size + i);
      down.push(await until(lab, ip, false));
      await quiet();
    }
    const last = world.add(size + probes, [server]);
    await until(lab, last, true);
    const [direct = 0, through = 0] = await connectionCost(lab, [server, last]);
    const label = `${size} Services`;
    const note = `${endpointsPerService} endpoints each, ${probes} probes`;
    const budget = { max: 1 };
    return [
      {
        what: `new Service usable, ${label}, median`,
        unit: 'ms',
        ours: percentile(up, 0.5),
        peer: 'budget',
        theirs: budgetMs,
        budget,
        note,
      },
      { what: `new Service usable, ${label}, p95`, unit: 'ms', ours: percentile(up, 0.95), note },
      { what: `last endpoint gone: refused, ${label}, median`, unit: 'ms', ours: percentile(down, 0.5), note },
      { what: `all rules in an empty kernel, ${label}`, unit: 'ms', ours: settledMs },
      { what: `memory beyond an idle process, ${label}`, unit: 'MB', ours: memory() },
      {
        what: `new connection through the last of ${label}`,
        unit: 'µs',
        ours: through,
        peer: 'direct',
        theirs: direct,
        budget: { max: 1.3 },
        note: `${connections} connections, best of ${connectionRounds} rounds`,
      },
      {
        what: `new connection to no Service, ${label}`,
        unit: 'µs',
        ours: direct,
        peer: 'no rules at all',
        theirs: bare,
      },
    ];
  } finally {
    await scope.close();
  }
}

interface Lab {
  readonly node: Netns;
  readonly client: Netns;
  readonly exec: Exec;
}

/** A node between a client and a server, which stand for pods of this and another node. */
async function openLab(scope: Scope): Promise<Lab> {
  const exec = new SystemExec();
  const name = (role: string) => `k8ts-bench-${process.pid}-${role}`;
  const make = async (role: string) => {
    scope.defer(() => removeNamedNetns(exec, name(role)));
    return await ensureNamedNetns(exec, name(role));
  };
  const at = { node: await make('node'), client: await make('client'), server: await make('server') };
  const inside = (netns: Netns, ...argv: string[]) => exec.run(inNetns(netns, argv));
  await inside(at.node, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
  for (const [role, ip] of [
    ['client', client],
    ['server', server],
  ] as const) {
    await exec.run([
      'ip',
      '-n',
      name('node'),
      'link',
      'add',
      role,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      name(role),
    ]);
    await inside(at.node, 'ip', 'address', 'add', '10.244.1.1/32', 'dev', role);
    await inside(at.node, 'ip', 'link', 'set', role, 'up');
    await inside(at.node, 'ip', 'route', 'add', `${ip}/32`, 'dev', role);
    await inside(at[role], 'ip', 'address', 'add', `${ip}/32`, 'dev', 'eth0');
    await inside(at[role], 'ip', 'link', 'set', 'eth0', 'up');
    await inside(at[role], 'ip', 'route', 'add', '10.244.1.1', 'dev', 'eth0');
    await inside(at[role], 'ip', 'route', 'add', 'default', 'via', '10.244.1.1');
  }
  // A Service address must have a route before it can be translated.
  await inside(at.node, 'ip', 'route', 'add', 'default', 'via', server, 'dev', 'server', 'onlink');
  const listener = createServer((socket) => socket.on('error', () => {}).destroy());
  const listening = once(listener, 'listening');
  at.server.enter(() => listener.listen({ port, backlog: 4_096 }));
  await listening;
  scope.defer(() => new Promise((resolve) => listener.close(resolve)));
  const inNode: Exec = { run: (argv, options) => exec.run(inNetns(at.node, argv), options) };
  // Connection tracking must be at work for the bare figure too, or it would be compared with routing alone.
  await inNode.run(['iptables', '-A', 'FORWARD', '-m', 'conntrack', '--ctstate', 'NEW', '-j', 'ACCEPT']);
  await inNode.run(['iptables', '-t', 'nat', '-A', 'PREROUTING', '-s', '192.0.2.1', '-j', 'RETURN']);
  return { node: at.node, client: at.client, exec: inNode };
}

/** Services and slices as an informer would hold them. */
class World {
  readonly services = new Copy<Service>();
  readonly slices = new Copy<EndpointSlice>(serviceKeyOfSlice);
  readonly nodes = new Copy<Node>();
  readonly pods = new Copy<Pod>();

  /** Returns the ClusterIP. */
  add(index: number, ips: readonly string[]): string {
    // Spread over 10.96.0.0/12 as a random allocator does: steps of a large odd number meet every address once.
    const offset = (index * 611_953 + 100) % 2 ** 20;
    const clusterIP = `10.${96 + (offset >> 16)}.${(offset >> 8) & 255}.${offset & 255}`;
    const metadata = { name: `s${index}`, namespace: 'bench' };
    const ports = [{ port, protocol: 'TCP' }];
    this.services.put({ metadata, spec: { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ports } });
    this.slices.put({
      metadata: { name: `s${index}-x`, namespace: 'bench', labels: { 'kubernetes.io/service-name': `s${index}` } },
      addressType: 'IPv4',
      ports,
      endpoints: ips.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
    });
    return clusterIP;
  }

  removeEndpoints(index: number): void {
    this.slices.remove(`bench/s${index}-x`);
  }
}

class Copy<T extends KubeObject> implements Informer<T> {
  readonly hasSynced = true;
  private readonly objects = new Map<string, T>();
  private readonly index = new Map<string, T[]>();
  private handler: (change: Change<T>) => void = () => {};
  constructor(private readonly indexOf: (object: T) => string = () => '') {}

  get = (key: string) => this.objects.get(key);
  list = () => [...this.objects.values()];
  by = (_index: string, value: string) => this.index.get(value) ?? [];
  synced = async () => {};
  run = async () => {};
  onChange(handler: (change: Change<T>) => void): void {
    this.handler = handler;
    for (const [key, object] of this.objects) handler({ type: 'added', key, object });
  }
  put(object: T): void {
    const key = objectKey(object);
    this.objects.set(key, object);
    this.index.set(this.indexOf(object), [object]);
    this.handler({ type: 'added', key, object });
  }
  remove(key: string): void {
    const object = this.objects.get(key);
    if (!object) return;
    this.objects.delete(key);
    this.index.delete(this.indexOf(object));
    this.handler({ type: 'deleted', key, object });
  }
}

async function startProxy(lab: Lab, world: World, scope: Scope) {
  const before = usedMegabytes();
  const stop = new AbortController();
  const facts = { clusterCidr: '10.244.0.0/16' };
  const family = new FamilyProxy({
    family: 4,
    facts,
    rules: await openRules({ mode: 'iptables', exec: lab.exec, family: 4, facts, log: silentLogger }),
    cleaner: new FlowCleaner({
      exec: lab.exec,
      family: 4,
      nodeAddresses: () => new Set(),
      clusterCidr: '10.244.0.0/16',
    }),
    log: silentLogger,
  });
  const metrics = new Metrics();
  world.nodes.put({ metadata: { name: 'node' }, spec: { podCIDR: '10.244.1.0/24' } });
  const proxier = new Proxier({
    nodeName: 'node',
    families: [family],
    services: world.services,
    slices: world.slices,
    nodes: world.nodes,
    pods: world.pods,
    healthPorts: new HealthPorts(silentLogger),
    metrics,
    clock: systemClock,
    log: silentLogger,
    onDrift: () => {},
  });
  const running = proxier.run(stop.signal);
  scope.defer(async () => {
    stop.abort(new Error('measured'));
    await running;
  });
  const synced = async () => {
    while (metrics.lastSync === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  return { ready: synced(), memory: () => usedMegabytes() - before };
}

function usedMegabytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

const fillerEndpoints = (i: number): string[] =>
  Array.from({ length: endpointsPerService }, (_, e) => {
    const at = i * endpointsPerService + e;
    return `10.244.${3 + (at >> 8)}.${at & 255}`;
  });

/** Rules work before the write that brings them has returned; a change at that moment would wait for it to end. */
const quiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 300));

/** A SYN sent before the rules are there is lost without a word: an attempt's time-out is the resolution of the figure. */
const attemptMs = 8;

/** Milliseconds until connecting to `ip` succeeds, or is refused. */
async function until(lab: Lab, ip: string, wanted: boolean): Promise<number> {
  const start = performance.now();
  for (;;) {
    const socket = await connectInNetns(lab.client, { host: ip, port, signal: AbortSignal.timeout(attemptMs) }).catch(
      () => undefined,
    );
    socket?.destroy();
    if ((socket !== undefined) === wanted) return performance.now() - start;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Connects one after the other and resets each connection, which leaves no TIME_WAIT behind; prints µs per connection. */
const connectLoop = `
use strict; use Socket; use Time::HiRes 'time';
my ($n, $port, @hosts) = @ARGV;
for my $host (@hosts) {
  my $to = pack_sockaddr_in($port, inet_aton($host)); my $spent = 0;
  for (1 .. $n) {
    socket(my $s, PF_INET, SOCK_STREAM, 0) or die $!;
    setsockopt($s, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    my $t = time; connect($s, $to) or die $!; $spent += time - $t; close $s;
  }
  printf "%.2f\\n", $spent / $n * 1e6;
}`;

/** Microseconds of a new connection to each host, the best of the rounds: noise only ever adds. */
async function connectionCost(lab: Lab, hosts: readonly string[]): Promise<number[]> {
  const exec = new SystemExec();
  const best = hosts.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < connectionRounds; round++) {
    const count = String(Math.round(connections / connectionRounds));
    // Each way is first in every other round, after a short run that nobody counts.
    const order = [...hosts.keys()];
    if (round % 2 === 1) order.reverse();
    const ways = order.map((i) => hosts[i]!);
    await exec.run(inNetns(lab.client, ['perl', '-e', connectLoop, '20', String(port), ...ways]), {
      timeoutMs: 60_000,
    });
    const argv = inNetns(lab.client, ['perl', '-e', connectLoop, count, String(port), ...ways]);
    const { stdout } = await exec.run(argv, { timeoutMs: 60_000 });
    for (const [at, line] of stdout.trim().split('\n').entries()) {
      best[order[at]!] = Math.min(best[order[at]!]!, Number(line));
    }
  }
  return best;
}

function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
}

if (require.main === module) {
  void run().then((rows) => process.stdout.write(renderRows(rows)));
}
