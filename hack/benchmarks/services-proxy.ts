// kube-proxy without the API client as a process of its own, so that its memory and its CPU time are its own: it receives Services
// as messages and writes the rules of the given node namespace.
import { readFileSync } from 'node:fs';
import { FamilyProxy } from '../../agents/kube-proxy/family-proxy';
import { HealthPorts } from '../../agents/kube-proxy/health-ports';
import { Metrics } from '../../agents/kube-proxy/metrics';
import { Proxier } from '../../agents/kube-proxy/proxier';
import { ModeRules, openRules, type Rules } from '../../agents/kube-proxy/rules';
import {
  type EndpointSlice,
  type KubeObject,
  type Node,
  objectKey,
  type Pod,
  type Service,
  type ServiceCIDR,
  serviceKeyOf,
} from '../../controlplane/api';
import { systemClock } from '../../controlplane/base/clock';
import { describeError } from '../../controlplane/base/errors';
import { createLogger } from '../../controlplane/base/logger';
import type { Change, Informer } from '../../controlplane/client/informer';
import { FlowCleaner } from '../../dataplane/conntrack/cleaner';
import type { Exec } from '../../dataplane/exec/exec';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { Applier } from '../../dataplane/netfilter/applier';
import { programsOf } from '../../dataplane/netfilter/backend';
import { ensureNamedNetns, inNetns } from '../../dataplane/netns/named';
import { Generations } from '../../dataplane/nftables/generations';
import { ServiceCompiler } from '../../dataplane/service/iptables/compiler';
import { port } from './services-lab';

export const benchModes = ['iptables-nft', 'iptables-legacy', 'nftables'] as const;
export type BenchMode = (typeof benchModes)[number];

/** One Service of the benchmark: its address and those of its endpoints. */
export interface BenchService {
  readonly name: string;
  readonly clusterIp: string;
  readonly endpoints: readonly string[];
}

export type Order =
  | {
      readonly do: 'start';
      readonly nodeName: string;
      readonly mode: BenchMode;
      readonly services: readonly BenchService[];
    }
  | { readonly do: 'put'; readonly service: BenchService }
  /** The Service stays without endpoints. */
  | { readonly do: 'empty'; readonly service: BenchService }
  | { readonly do: 'figures' };

/** The proxy's answer, sent when the rules are written; with `failed` when they could not be. */
export interface Report {
  readonly ms: number;
  /** Heap and buffers after a garbage collection, less what the process had before the first Service. */
  readonly megabytes: number;
  /** Of this process and of the programs it has run, since its start. */
  readonly cpuMs: number;
  readonly failed?: string;
}

class World {
  readonly services = new Copy<Service>();
  readonly slices = new Copy<EndpointSlice>(serviceKeyOf);
  readonly nodes = new Copy<Node>();
  readonly pods = new Copy<Pod>();
  readonly cidrs = new Copy<ServiceCIDR>();

  put({ name, clusterIp, endpoints }: BenchService): void {
    const metadata = { name, namespace: 'bench' };
    const ports = [{ port, protocol: 'TCP' }];
    this.services.put({ metadata, spec: { type: 'ClusterIP', clusterIP: clusterIp, clusterIPs: [clusterIp], ports } });
    const labels = { 'kubernetes.io/service-name': name };
    for (let part = 0; part * 100 < Math.max(1, endpoints.length); part++) {
      this.slices.put({
        metadata: { name: `${name}-${part}`, namespace: 'bench', labels },
        addressType: 'IPv4',
        ports,
        endpoints: endpoints
          .slice(part * 100, part * 100 + 100)
          .map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
      });
    }
  }
}

/** Objects as an informer would hold them. */
class Copy<T extends KubeObject> implements Informer<T> {
  readonly hasSynced = true;
  private readonly objects = new Map<string, T>();
  private readonly index = new Map<string, Map<string, T>>();
  private handler: (change: Change<T>) => void = () => {};
  constructor(private readonly indexOf: (object: T) => string = () => '') {}

  get = (key: string) => this.objects.get(key);
  list = () => [...this.objects.values()];
  by = (_index: string, value: string) => [...(this.index.get(value)?.values() ?? [])];
  synced = async () => {};
  run = async () => {};
  onChange(handler: (change: Change<T>) => void): void {
    this.handler = handler;
    for (const [key, object] of this.objects) handler({ type: 'added', key, object });
  }
  put(object: T): void {
    const key = objectKey(object);
    const previous = this.objects.get(key);
    this.objects.set(key, object);
    const group = this.index.get(this.indexOf(object)) ?? new Map<string, T>();
    this.index.set(this.indexOf(object), group.set(key, object));
    this.handler(previous ? { type: 'updated', key, object, previous } : { type: 'added', key, object });
  }
}

const log = createLogger({ component: 'bench', level: 'error' });
const facts = { clusterCidr: '10.244.0.0/16', serviceCidrs: [] };

async function openModeRules(mode: BenchMode, nodeName: string): Promise<{ exec: Exec; rules: Rules }> {
  const system = new SystemExec();
  const netns = await ensureNamedNetns(system, nodeName);
  const exec: Exec = { run: (argv, options) => system.run(inNetns(netns, argv), options) };
  const generations = new Generations(netns);
  if (mode === 'nftables') return { exec, rules: await openRules({ mode, exec, family: 4, facts, log, generations }) };
  // Like openRules, but with the requested back end.
  const backend = programsOf(4).find((one) => `iptables-${one.mode}` === mode)!;
  const applier = new Applier({ exec, backend, ...(backend.mode === 'nft' ? { generations } : {}) });
  return { exec, rules: new ModeRules(new ServiceCompiler(4, facts), applier) };
}

const world = new World();
const metrics = new Metrics();
let before = 0;

async function start({ nodeName, mode, services }: Extract<Order, { do: 'start' }>): Promise<void> {
  before = usedMegabytes();
  for (const service of services) world.put(service);
  world.nodes.put({ metadata: { name: 'node' }, spec: { podCIDR: '10.244.1.0/24' } });
  const { exec, rules } = await openModeRules(mode, nodeName);
  const cleaner = new FlowCleaner({ exec, family: 4, nodeAddresses: () => new Set(), clusterCidr: facts.clusterCidr });
  const proxier = new Proxier({
    nodeName: 'node',
    families: [new FamilyProxy({ family: 4, facts, rules, cleaner, log })],
    services: world.services,
    slices: world.slices,
    nodes: world.nodes,
    pods: world.pods,
    cidrs: world.cidrs,
    healthPorts: new HealthPorts(log),
    metrics,
    clock: systemClock,
    log,
    onDrift: () => {},
  });
  void proxier.run(new AbortController().signal);
}

async function obey(order: Order): Promise<void> {
  if (order.do === 'start') await start(order);
  else if (order.do === 'put') world.put(order.service);
  else if (order.do === 'empty') world.put({ ...order.service, endpoints: [] });
}

/** When all requested rules are written. */
async function written(last: number): Promise<void> {
  while (metrics.lastSync === last) await new Promise((resolve) => setTimeout(resolve, 1));
}

function usedMegabytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

/** utime, stime, cutime and cstime of /proc/self/stat, in ticks of 10 ms: programs count once they have ended. */
function cpuMs(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * 10;
}

if (require.main === module) {
  process.on('message', (order: Order) => {
    const from = performance.now();
    const last = metrics.lastSync;
    const report = (failed?: string) => {
      const ms = performance.now() - from;
      const figures = order.do === 'figures' ? { megabytes: usedMegabytes() - before, cpuMs: cpuMs() } : {};
      process.send?.({ ms, megabytes: 0, cpuMs: 0, ...figures, ...(failed === undefined ? {} : { failed }) });
    };
    obey(order)
      .then(() => (order.do === 'figures' ? undefined : written(last)))
      .then(
        () => report(),
        (err: unknown) => report(describeError(err)),
      );
  });
}
