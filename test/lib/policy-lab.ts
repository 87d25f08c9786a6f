// For kernel tests of NetworkPolicies: two nodes with k8ts' pod network, nine pods and a client outside, each in a namespace of
// its own. On each node kube-proxy enforces the policies of an API in memory.
//
//   outside 192.168.57.1 ─┐                  ┌─ cni0 ─ x/a x/c y/b z/a z/c
//                         ├─ lan ─ n1 .11 ───┘
//                         └─────── n2 .12 ───── cni0 ─ x/b y/a y/c z/b
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { sliceIndexes } from '../../agents/kube-proxy/informers';
import { PolicyEnforcer } from '../../agents/kube-proxy/policy/enforcer';
import { PolicyMetrics } from '../../agents/kube-proxy/policy/metrics';
import { NetlinkPodNetwork } from '../../agents/kubelet/network/netlink-pod-network';
import { endpointSlices, namespaces, networkPolicies, nodes, type Pod, pods, services } from '../../controlplane/api';
import type { Family } from '../../controlplane/base/cidr';
import { systemClock } from '../../controlplane/base/clock';
import { silentLogger } from '../../controlplane/base/logger';
import type { Scope } from '../../controlplane/base/scope';
import { createInformer } from '../../controlplane/client/informer';
import { startProgram } from '../../dataplane/exec/system-exec';
import type { Drift } from '../../dataplane/netfilter/writer';
import { connectInNetns } from '../../dataplane/netns/connect';
import { inNetns } from '../../dataplane/netns/named';
import type { Netns } from '../../dataplane/netns/netns';
import { NftProgram } from '../../dataplane/nftables/nft';
import { PolicyApplier, type PolicyWrite } from '../../dataplane/policy/applier';
import type { PolicyPlan } from '../../dataplane/policy/model';
import { MemoryClient } from './memory-client';
import { connect, createNetns, type TestNetns } from './netns';
import { podSources } from './pod-lab';
import { namespace, pod } from './policy-fixture';
import { NetnsExec } from './service-lab';

const log = silentLogger;
export const nodeNames = ['n1', 'n2'] as const;
export type NodeName = (typeof nodeNames)[number];
export const nodeIps = { n1: '192.168.57.11', n2: '192.168.57.12' } as const;
export const ranges = { n1: '10.244.1.0/24', n2: '10.244.2.0/24' } as const;
/** The IPv6 range of pods in a dual-stack lab; the nodes have no route to each other for it. */
const ranges6 = { n1: 'fd00:244:1::/64', n2: 'fd00:244:2::/64' } as const;
export const outsideIp = '192.168.57.1';
export const podNames = ['x/a', 'x/b', 'x/c', 'y/a', 'y/b', 'y/c', 'z/a', 'z/b', 'z/c'] as const;
export type PodName = (typeof podNames)[number];
export type Place = PodName | NodeName | 'outside';
/** Every pod answers on these ports, on TCP and UDP. */
export const ports = [80, 81] as const;

export interface LabPod {
  readonly netns: TestNetns;
  readonly ip: string;
  /** All addresses; `ip` is the first. */
  readonly ips: readonly string[];
  readonly node: NodeName;
}

/** Remembers the plan that the kernel holds. */
class WatchedApplier extends PolicyApplier {
  /** undefined before the first write. */
  private applied: { readonly plan: PolicyPlan | undefined } | undefined;
  private wake = Promise.withResolvers<void>();

  override async apply(plan: PolicyPlan | undefined): Promise<PolicyWrite> {
    const written = await super.apply(plan);
    this.applied = { plan };
    this.wake.resolve();
    this.wake = Promise.withResolvers();
    return written;
  }

  /** Resolves with the next write. */
  next(): Promise<void> {
    return this.wake.promise;
  }

  /** Resolves when the kernel holds a plan for which `holds` is true. */
  async until(holds: (plan: PolicyPlan | undefined) => boolean): Promise<void> {
    while (!this.applied || !holds(this.applied.plan)) await this.wake.promise;
  }
}

export interface Enforcement {
  readonly applier: WatchedApplier;
  readonly drifts: Drift[];
  readonly end: () => Promise<void>;
}

export class PolicyLab {
  readonly client = new MemoryClient();
  readonly pods = new Map<PodName, LabPod>();
  readonly at: Record<NodeName | 'outside', TestNetns>;
  private readonly networks: Record<NodeName, NetlinkPodNetwork>;

  private constructor(
    at: Record<NodeName | 'outside', TestNetns>,
    readonly scope: Scope,
    readonly families: readonly Family[],
  ) {
    this.at = at;
    const network = (name: NodeName) => {
      const sources = podSources(at[name]);
      return new NetlinkPodNetwork({ log, netns: at[name], nodeIp: nodeIps[name], sources });
    };
    this.networks = { n1: network('n1'), n2: network('n2') };
  }

  /** `scope` undoes everything. */
  static async open(scope: Scope, families: readonly Family[] = [4]): Promise<PolicyLab> {
    const make = async () => {
      const netns = await createNetns();
      scope.defer(() => netns.teardown());
      return netns;
    };
    const lan = await make();
    const at = { n1: await make(), n2: await make(), outside: await make() };
    await lan.run('ip', 'link', 'add', 'lan0', 'type', 'bridge');
    await lan.run('ip', 'link', 'set', 'lan0', 'up');
    for (const [name, address] of Object.entries({ ...nodeIps, outside: outsideIp })) {
      const netns = at[name as NodeName | 'outside'];
      await connect({ netns, link: 'eth0', address: `${address}/24` }, { netns: lan, link: `to-${name}` });
      await lan.run('ip', 'link', 'set', `to-${name}`, 'master', 'lan0');
    }
    const lab = new PolicyLab(at, scope, families);
    for (const name of nodeNames) {
      await lab.networks[name].open(lab.rangesOf(name));
      scope.defer(() => lab.networks[name].close());
      const other = name === 'n1' ? 'n2' : 'n1';
      await at[name].run('ip', 'route', 'add', ranges[other], 'via', nodeIps[other]);
      await at[name].run('ip', 'route', 'add', 'default', 'via', outsideIp);
      await at.outside.run('ip', 'route', 'add', ranges[name], 'via', nodeIps[name]);
      await lab.client.create(nodes, {
        metadata: { name },
        spec: { podCIDR: ranges[name], podCIDRs: [...lab.rangesOf(name)] },
      });
    }
    for (const name of ['x', 'y', 'z']) await lab.client.create(namespaces, namespace(name, { ns: name }));
    await Promise.all(podNames.map((name, i) => lab.startPod(name, nodeNames[i % 2]!)));
    for (const name of podNames) await lab.client.create(pods, lab.apiPod(name));
    return lab;
  }

  rangesOf(node: NodeName): readonly string[] {
    return this.families.map((family) => (family === 4 ? ranges : ranges6)[node]);
  }

  /** The pod's object: label `pod` is its name; the port named `serve-80` is 80 in namespaces x and y, and 81 in z. */
  apiPod(name: PodName): Pod {
    const [inNamespace = '', own = ''] = name.split('/');
    const { node, ips } = this.pods.get(name)!;
    const named = inNamespace === 'z' ? 81 : 80;
    return pod({
      namespace: inNamespace,
      name: own,
      node,
      addresses: ips,
      labels: { pod: own },
      ports: { 'serve-80': named, 'udp:serve-80-udp': named },
    });
  }

  ipOf(place: Place): string {
    if (place === 'outside') return outsideIp;
    return place === 'n1' || place === 'n2' ? nodeIps[place] : this.pods.get(place)!.ip;
  }

  netnsOf(place: Place): TestNetns {
    return place === 'n1' || place === 'n2' || place === 'outside' ? this.at[place] : this.pods.get(place)!.netns;
  }

  /** A namespace on the node's bridge, with servers, without an object in the API. */
  async startPod(name: PodName, node: NodeName): Promise<LabPod> {
    const made = await this.wire(node);
    this.pods.set(name, made);
    for (const port of ports) await serve(made.netns, port, name, this.scope);
    return made;
  }

  async wire(node: NodeName): Promise<LabPod> {
    const netns = await createNetns();
    this.scope.defer(() => netns.teardown());
    const holder = await startProgram(inNetns(netns, ['sleep', '600']));
    this.scope.defer(async () => {
      holder.kill('SIGKILL');
      await holder.exited;
    });
    // nsenter becomes the program by exec; until then /proc/PID/ns/net is the starter's.
    const identity = (await netns.run('readlink', '/proc/self/ns/net')).trim();
    while (readlinkSync(`/proc/${holder.pid}/ns/net`) !== identity) await new Promise((done) => setImmediate(done));
    const ips = this.networks[node].allocate();
    await this.networks[node].attach({ pid: holder.pid, ips, interfaceName: 'eth0' });
    return { netns, ip: ips[0]!, ips, node };
  }

  serve(place: Place, port: number): Promise<void> {
    return serve(this.netnsOf(place), port, place, this.scope);
  }

  /** kube-proxy's enforcement of policies on one node, until the scope ends or end() is called. */
  enforce(nodeName: NodeName): Enforcement {
    const { client } = this;
    const stop = new AbortController();
    const informers = {
      policies: createInformer(client, networkPolicies, { log }),
      services: createInformer(client, services, { log }),
      slices: createInformer(client, endpointSlices, { log, indexes: sliceIndexes }),
      nodes: createInformer(client, nodes, { log }),
    };
    const applier = new WatchedApplier(new NftProgram(new NetnsExec(this.at[nodeName])));
    const drifts: Drift[] = [];
    const failures: string[] = [];
    const enforcer = new PolicyEnforcer({
      client,
      nodeName,
      families: this.families,
      ...informers,
      applier,
      metrics: new PolicyMetrics(),
      clock: systemClock,
      log,
      onDrift: (drift) => drifts.push(drift),
      onFailure: (message) => failures.push(message),
    });
    const running = [...Object.values(informers), enforcer].map((part) => part.run(stop.signal));
    const end = async () => {
      stop.abort(new Error('test ends'));
      await Promise.allSettled(running);
      if (failures.length > 0) throw new Error(failures.join('; '));
    };
    this.scope.defer(end);
    return { applier, drifts, end };
  }

  /** The answer of a server over TCP; rejects when the signal is aborted. */
  async ask(from: Place, host: string, port: number, signal: AbortSignal): Promise<string> {
    const socket = await connectInNetns(this.netnsOf(from), { host, port, signal });
    const close = () => socket.destroy(new Error('given up'));
    signal.addEventListener('abort', close, { once: true });
    try {
      let text = '';
      for await (const chunk of socket) text += chunk;
      return text;
    } finally {
      signal.removeEventListener('abort', close);
      socket.destroy();
    }
  }

  /** The same over UDP; sends the request again each half second. */
  async askUdp(from: Place, host: string, port: number, signal: AbortSignal): Promise<string> {
    const socket = await bindUdp(this.netnsOf(from), 0, host.includes(':') ? 6 : 4);
    const send = () => socket.send('?', port, host, () => {});
    const again = setInterval(send, 500);
    try {
      const answer = once(socket, 'message', { signal });
      // The next call on the socket reports a refused datagram.
      socket.on('error', () => {});
      send();
      const [message] = (await answer) as [Buffer];
      return message.toString();
    } finally {
      clearInterval(again);
      socket.close();
    }
  }
}

/** Servers that answer `NAME SOURCE`, on TCP and UDP. */
async function serve(netns: Netns, port: number, name: string, scope: Scope): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`${name} ${socket.remoteAddress?.replace('::ffff:', '')}`);
  });
  await new Promise<void>((resolve) => netns.enter(() => server.listen(port, resolve)));
  scope.defer(() => new Promise((resolve) => server.close(resolve)));
  const udp = await bindUdp(netns, port, 4);
  scope.defer(() => udp.close());
  udp.on('message', (_data, from) => udp.send(`${name} ${from.address}`, from.port, from.address, () => {}));
  udp.on('error', () => {});
}

/** Node opens the socket in bind(), which is synchronous only when the look-up is. */
async function bindUdp(netns: Netns, port: number, family: Family): Promise<UdpSocket> {
  const socket = createSocket({ type: `udp${family}`, lookup: (host, _options, done) => done(null, host, family) });
  const bound = once(socket, 'listening');
  netns.enter(() => socket.bind(port, family === 4 ? '0.0.0.0' : '::'));
  await bound;
  return socket;
}
