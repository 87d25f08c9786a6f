// How fast kube-proxy makes Services work, and their cost for a connection and for the node: the agent without the API client
// in a process of its own, in network namespaces, measured with real connections.
//   hack/bench services [--proxy-mode=iptables-nft,iptables-legacy,nftables] [--services=100,1000,5000,10000] [--probes=20]
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { canaryMs } from '../../agents/kube-proxy/rules-keeper';
import { BadRequest } from '../../controlplane/base/errors';
import { Scope } from '../../controlplane/base/scope';
import { type BenchRow, renderRows } from './row';
import {
  connectionCost,
  connectionRounds,
  connections,
  type Lab,
  openLab,
  server,
  serverAddress,
  trackConnections,
  until,
} from './services-lab';
import { type BenchMode, type BenchService, benchModes, type Order, type Report } from './services-proxy';

const endpointsPerService = 4;
const manyEndpoints = 1_000;
/** The budget until connections see one change. */
const budgetMs: Readonly<Record<BenchMode, number>> = { 'iptables-nft': 50, 'iptables-legacy': 50, nftables: 20 };

export async function run(options: readonly string[] = []): Promise<BenchRow[]> {
  const { modes, sizes, probes } = parse(options);
  const rows: BenchRow[] = [];
  for (const mode of modes) for (const size of sizes) rows.push(...(await measure(mode, size, probes)));
  return rows;
}

function parse(options: readonly string[]) {
  const given = new Map(options.map((option) => option.replace(/^--/, '').split('=') as [string, string]));
  const known = ['proxy-mode', 'services', 'probes'];
  const odd = [...given.keys()].find((name) => !known.includes(name));
  if (odd !== undefined) throw new BadRequest(`services has no option --${odd}; there are: ${known.join(', ')}`);
  const modes = (given.get('proxy-mode') ?? 'iptables-nft').split(',').map((name) => {
    const mode = benchModes.find((one) => one === name);
    if (!mode) throw new BadRequest(`--proxy-mode: expected one or more of ${benchModes.join(', ')}, comma-joined`);
    return mode;
  });
  const numbers = (text: string) =>
    text.split(',').map((part) => {
      if (!/^[1-9]\d*$/.test(part))
        throw new BadRequest(`expected a positive whole number, not ${JSON.stringify(part)}`);
      return Number(part);
    });
  const sizes = numbers(given.get('services') ?? '100,1000,5000,10000');
  return { modes, sizes, probes: numbers(given.get('probes') ?? '20')[0]! };
}

async function measure(mode: BenchMode, size: number, probes: number): Promise<BenchRow[]> {
  const scope = new Scope();
  try {
    const lab = await openLab(scope);
    await trackConnections(lab, mode === 'nftables' ? 'iptables-nft' : mode);
    const [bare] = await connectionCost(lab, [server]);
    const proxy = new ProxyProcess(scope);
    const edges = { first: service('first', '10.96.0.1', [server]), last: service('last', '10.111.255.254', [server]) };
    const services = [edges.first, ...fillers(size), edges.last];
    const { ms: settledMs } = await proxy.ask({ do: 'start', nodeName: lab.nodeName, mode, services });
    await until(lab, edges.last.clusterIp, 'connected');
    const idle = await idleCpu(proxy);
    const changes = await probe(lab, proxy, size, probes);
    const { megabytes } = await proxy.ask({ do: 'figures' });
    const [direct, first, last] = await connectionCost(lab, [server, edges.first.clusterIp, edges.last.clusterIp]);
    const many = await oneLarge(lab, proxy, probes);
    const label = `${mode}, ${size} Services`;
    const note = `${endpointsPerService} endpoints each, ${probes} probes`;
    const connectionNote = (stalled = 0) =>
      `${connections} connections, best of ${connectionRounds} rounds${stalled > 0 ? `; ${stalled} WERE NOT ESTABLISHED` : ''}`;
    const budget = { peer: 'budget', theirs: budgetMs[mode], budget: { max: 1 }, note };
    return [
      { what: `new Service usable, ${label}, median`, unit: 'ms', ours: percentile(changes.up, 0.5), ...budget },
      { what: `new Service usable, ${label}, p95`, unit: 'ms', ours: percentile(changes.up, 0.95), note },
      {
        what: `last endpoint gone: refused, ${label}, median`,
        unit: 'ms',
        ours: percentile(changes.down, 0.5),
        ...budget,
      },
      { what: `last endpoint gone: refused, ${label}, p95`, unit: 'ms', ours: percentile(changes.down, 0.95), note },
      {
        what: `CPU per change, ${label}`,
        unit: 'ms',
        ours: (changes.cpuMs - idle * changes.elapsedMs) / (2 * probes),
        note: `of kube-proxy and its programs, less their use when nothing changes (${(idle * 100).toFixed(1)} % of a core)`,
      },
      { what: `all rules in an empty kernel, ${label}`, unit: 'ms', ours: settledMs },
      { what: `memory of Services and rules, ${label}`, unit: 'MB', ours: megabytes, note: 'API objects included' },
      ...[
        { name: 'first', cost: first },
        { name: 'last', cost: last },
      ].map(({ name, cost }) => ({
        what: `new connection through the ${name} of ${label}`,
        unit: 'µs',
        ours: cost?.micros ?? Number.NaN,
        peer: 'direct',
        theirs: direct?.micros,
        budget: { max: 1.3 },
        note: connectionNote(cost?.stalled),
      })),
      {
        what: `new connection to no Service, ${label}`,
        unit: 'µs',
        ours: direct?.micros ?? Number.NaN,
        peer: 'no rules at all',
        theirs: bare?.micros,
        note: connectionNote(direct?.stalled),
      },
      {
        what: `one of ${manyEndpoints} endpoints replaced, beside ${label}, median`,
        unit: 'ms',
        ours: percentile(many.writes, 0.5),
        note: 'until the write has returned',
      },
      {
        what: `new connection to a Service of ${manyEndpoints} endpoints, beside ${label}`,
        unit: 'µs',
        ours: many.cost?.micros ?? Number.NaN,
        peer: 'direct',
        theirs: direct?.micros,
        note: connectionNote(many.cost?.stalled),
      },
    ];
  } finally {
    await scope.close();
  }
}

/** The process with the proxy; it handles one message after the other. */
class ProxyProcess {
  private readonly child: ChildProcess;
  private readonly ended: Promise<never>;
  constructor(scope: Scope) {
    const execArgv = ['--expose-gc', '-r', 'ts-node/register'];
    this.child = fork(join(__dirname, 'services-proxy.ts'), [], { execArgv });
    this.ended = once(this.child, 'exit').then(([code]) => Promise.reject(new Error(`the proxy ended with ${code}`)));
    this.ended.catch(() => {});
    scope.defer(async () => {
      const ended = once(this.child, 'exit');
      if (this.child.exitCode === null && this.child.kill('SIGKILL')) await ended;
    });
  }

  async ask(order: Order): Promise<Report> {
    const answer = new Promise<Report>((resolve) => this.child.once('message', (report) => resolve(report as Report)));
    this.child.send(order);
    const report = await Promise.race([answer, this.ended]);
    if (report.failed !== undefined) throw new Error(report.failed);
    return report;
  }
}

interface Changes {
  readonly up: readonly number[];
  readonly down: readonly number[];
  readonly cpuMs: number;
  readonly elapsedMs: number;
}

/** New Services, one after the other, that lose their endpoint again. */
async function probe(lab: Lab, proxy: ProxyProcess, size: number, probes: number): Promise<Changes> {
  const up: number[] = [];
  const down: number[] = [];
  const start = performance.now();
  const { cpuMs } = await proxy.ask({ do: 'figures' });
  for (let i = 0; i < probes; i++) {
    const probed = service(`probe-${i}`, clusterIp(size + i), [server]);
    for (const [order, wanted, figures] of [
      [{ do: 'put', service: probed }, 'connected', up],
      [{ do: 'empty', service: probed }, 'refused', down],
    ] as const) {
      const asked = proxy.ask(order);
      figures.push(await until(lab, probed.clusterIp, wanted));
      // Rules work before their write has returned; a change at that moment would wait until the write ends.
      await asked;
    }
  }
  const after = await proxy.ask({ do: 'figures' });
  return { up, down, cpuMs: after.cpuMs - cpuMs, elapsedMs: performance.now() - start };
}

/** The part of a core that the checks of the rules take when nothing changes. */
async function idleCpu(proxy: ProxyProcess): Promise<number> {
  const windowMs = 10_000;
  // The first check after a start compares everything, as one check a minute does later.
  await new Promise((resolve) => setTimeout(resolve, 3 * canaryMs));
  const before = await proxy.ask({ do: 'figures' });
  await new Promise((resolve) => setTimeout(resolve, windowMs));
  const after = await proxy.ask({ do: 'figures' });
  return (after.cpuMs - before.cpuMs) / windowMs;
}

/** One Service with many endpoints: how long a change of one takes, and what a connection costs. */
async function oneLarge(lab: Lab, proxy: ProxyProcess, probes: number) {
  const endpoints = Array.from({ length: manyEndpoints }, (_, i) => serverAddress(i));
  const large = service('large', '10.100.0.1', endpoints);
  await proxy.ask({ do: 'put', service: large });
  const writes: number[] = [];
  for (let i = 0; i < probes; i++) {
    endpoints[i] = serverAddress(manyEndpoints + i);
    writes.push((await proxy.ask({ do: 'put', service: { ...large, endpoints } })).ms);
  }
  const [cost] = await connectionCost(lab, [large.clusterIp]);
  return { writes, cost };
}

const service = (name: string, clusterIp: string, endpoints: readonly string[]): BenchService => ({
  name,
  clusterIp,
  endpoints,
});

/** Spreads addresses over 10.96.0.0/12 like a random allocator: steps of a large odd number reach every address once. */
function clusterIp(index: number): string {
  const offset = (index * 611_953 + 1_000) % 2 ** 20;
  return `10.${96 + (offset >> 16)}.${(offset >> 8) & 255}.${offset & 255}`;
}

const fillers = (count: number): BenchService[] =>
  Array.from({ length: count }, (_, i) => {
    const endpoints = Array.from({ length: endpointsPerService }, (_, e) => {
      const at = i * endpointsPerService + e;
      return `10.244.${80 + (at >> 8)}.${at & 255}`;
    });
    return service(`s${i}`, clusterIp(i), endpoints);
  });

function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
}

if (require.main === module) {
  void run(process.argv.slice(2)).then((rows) => process.stdout.write(renderRows(rows)));
}
