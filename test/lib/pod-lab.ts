// Nodes with pods for kernel tests of the pod network. A node is a namespace whose bridge and routes the kubelet's own parts
// write. A pod is a process in a namespace of its own, like a pause container.
import { createSocket, type Socket } from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { NetlinkPodNetwork } from '../../agents/kubelet/network/netlink-pod-network';
import { NodeRoutes } from '../../agents/kubelet/network/node-routes';
import { PodSources, type PodSourcesDeps } from '../../agents/kubelet/network/pod-sources';
import type { Node } from '../../controlplane/api/node';
import { systemClock } from '../../controlplane/base/clock';
import { hasCode } from '../../controlplane/base/errors';
import { silentLogger } from '../../controlplane/base/logger';
import { Scope } from '../../controlplane/base/scope';
import type { Change } from '../../controlplane/client/informer';
import { startProgram } from '../../dataplane/exec/system-exec';
import { NetworkMonitor } from '../../dataplane/link/monitor';
import { connectInNetns } from '../../dataplane/netns/connect';
import { inNetns } from '../../dataplane/netns/named';
import type { Netns } from '../../dataplane/netns/netns';
import { NftProgram } from '../../dataplane/nftables/nft';
import type { OverlayMode } from '../../dataplane/overlay/plan';
import { vxlanPort } from '../../dataplane/overlay/vxlan';
import { SourceFilter } from '../../dataplane/pod-sources/filter';
import { createNetns, type TestNetns } from './netns';
import { NetnsExec } from './service-lab';

export async function withScope(fn: (scope: Scope) => Promise<void>): Promise<void> {
  const scope = new Scope();
  try {
    await fn(scope);
  } finally {
    await scope.close();
  }
}

export async function scopedNetns(scope: Scope): Promise<TestNetns> {
  const netns = await createNetns();
  scope.defer(() => netns.teardown());
  return netns;
}

/** The check of source addresses of a node's pods, as in its kubelet. */
export const podSources = (netns: Netns, deps: Partial<PodSourcesDeps> = {}): PodSources =>
  new PodSources({
    filter: new SourceFilter(new NftProgram(new NetnsExec(netns)), { tunnelPort: vxlanPort }),
    enabled: true,
    clock: systemClock,
    log: silentLogger,
    report: () => {},
    ...deps,
  });

/** A process that only keeps a new namespace alive. */
export async function startPod(scope: Scope): Promise<{ netns: TestNetns; pid: number }> {
  const netns = await scopedNetns(scope);
  await netns.run('ip', 'link', 'set', 'lo', 'down');
  const daemon = await startProgram(inNetns(netns, ['sleep', '600']));
  scope.defer(async () => {
    daemon.kill('SIGKILL');
    await daemon.exited;
  });
  // nsenter becomes the program by exec; until then /proc/PID/ns/net is the starter's.
  const identity = (await netns.run('readlink', '/proc/self/ns/net')).trim();
  while (readlinkSync(`/proc/${daemon.pid}/ns/net`) !== identity) await new Promise((resolve) => setImmediate(resolve));
  return { netns, pid: daemon.pid };
}

/** Reaches the host: no process listens on the discard port, and only the host itself can refuse the connection. */
export async function reach(from: TestNetns, host: string): Promise<void> {
  const err = await connectInNetns(from, { host, port: 9 }).catch((e: unknown) => e);
  if (!(hasCode(err, 'Unavailable') && (err.cause as NodeJS.ErrnoException).code === 'ECONNREFUSED')) throw err;
}

/** Answers every connection to port 8080 in `netns` with the client's address, followed by `fill`. */
export async function serve(scope: Scope, netns: TestNetns, fill = ''): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`seen from ${socket.remoteAddress?.replace('::ffff:', '')}${fill}`);
  });
  await new Promise<void>((resolve) => netns.enter(() => server.listen(8080, resolve)));
  scope.defer(() => new Promise((resolve) => server.close(resolve)));
}

/** Node opens the socket in bind(), which is synchronous only when the look-up is. */
export async function bindUdp(netns: TestNetns, port: number, scope: Scope): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
  const bound = once(socket, 'listening');
  netns.enter(() => socket.bind(port, '0.0.0.0'));
  scope.defer(() => socket.close());
  await bound;
  return socket;
}

/** The answer of serve(). */
export async function ask(netns: TestNetns, host: string, port = 8080): Promise<string> {
  const socket = await connectInNetns(netns, { host, port });
  let text = '';
  for await (const chunk of socket) text += chunk;
  socket.destroy();
  return text;
}

/** A comma joins the addresses, and the pod ranges, of a node with both families. */
export function nodeObject(name: string, addresses: string, podCidrs: string): Node {
  const ranges = podCidrs.split(',');
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: { podCIDR: ranges[0], podCIDRs: ranges },
    status: { addresses: addresses.split(',').map((address) => ({ type: 'InternalIP', address })) },
  } as Node;
}

/** An informer whose objects the test sets. */
export class FakeNodes {
  private readonly handlers: ((change: Change<Node>) => void)[] = [];
  constructor(private objects: Node[]) {}
  list = () => this.objects;
  synced = async () => {};
  onChange(handler: (change: Change<Node>) => void): void {
    this.handlers.push(handler);
  }
  /** Adds the object, or replaces the object with its name. */
  put(object: Node): void {
    const name = object.metadata!.name!;
    const type = this.objects.some(({ metadata }) => metadata?.name === name) ? 'updated' : 'added';
    this.objects = [...this.objects.filter(({ metadata }) => metadata?.name !== name), object];
    for (const handler of this.handlers) handler({ type, key: name, object } as Change<Node>);
  }
  remove(name: string): void {
    const object = this.objects.find(({ metadata }) => metadata?.name === name)!;
    this.objects = this.objects.filter((one) => one !== object);
    for (const handler of this.handlers) handler({ type: 'deleted', key: name, object });
  }
}

export interface LabPod {
  readonly netns: TestNetns;
  readonly pid: number;
  readonly ips: readonly string[];
  /** The first address. */
  readonly ip: string;
}

/** A node's network as the kubelet keeps it. */
export class LabNode {
  network: NetlinkPodNetwork;
  sources!: PodSources;
  private readonly changed = new EventEmitter();
  private stopRoutes: () => Promise<void> = async () => {};

  constructor(
    readonly name: string,
    readonly netns: TestNetns,
    readonly address: string,
    readonly podCidr: string,
    private mode: OverlayMode,
    private readonly scope: Scope,
    private readonly sourcesDeps: Partial<PodSourcesDeps> = {},
  ) {
    this.network = this.makeNetwork();
  }

  /** The bridge, and the routes to all of `nodes`. */
  async start(nodes: FakeNodes): Promise<void> {
    await this.network.open(this.podCidr.split(','));
    const monitor = new NetworkMonitor(this.netns, () => this.changed.emit('change'));
    // A netlink socket does not keep the process alive, but the test waits for its messages.
    const keepAlive = setInterval(() => {}, 1000);
    this.scope.defer(() => clearInterval(keepAlive));
    this.scope.defer(() => monitor.close());
    this.scope.defer(() => this.network.close());
    this.scope.defer(() => this.stopRoutes());
    this.runRoutes(nodes);
  }

  /** Restarts the kubelet's parts, possibly in another mode: they adopt the wires. */
  async restart(nodes: FakeNodes, mode: OverlayMode, pods: readonly LabPod[]): Promise<void> {
    await this.stopRoutes();
    await this.network.close();
    this.mode = mode;
    this.network = this.makeNetwork();
    await this.network.open(this.podCidr.split(','));
    for (const { pid, ips } of pods) {
      this.network.reserve(ips);
      await this.network.attach({ pid, ips, interfaceName: 'eth0' });
    }
    this.runRoutes(nodes);
  }

  pod(): Promise<LabPod> {
    return this.podWith(this.network.allocate());
  }

  async podWith(ips: readonly string[]): Promise<LabPod> {
    const started = await startPod(this.scope);
    await this.network.attach({ pid: started.pid, ips, interfaceName: 'eth0' });
    return { ...started, ips, ip: ips[0]! };
  }

  /** Runs `argv` on the node, again after each change that the kernel reports, until its output matches (or no longer matches). */
  async until(wanted: boolean, pattern: RegExp, ...argv: string[]): Promise<void> {
    for (;;) {
      const event = once(this.changed, 'change');
      if (pattern.test(await this.netns.run(...argv)) === wanted) return;
      await event;
    }
  }

  object(address = this.address): Node {
    return nodeObject(this.name, address, this.podCidr);
  }

  private makeNetwork(): NetlinkPodNetwork {
    const nodeIp = this.address.split(',')[0]!;
    this.sources = podSources(this.netns, this.sourcesDeps);
    const { netns, mode: overlay, sources } = this;
    return new NetlinkPodNetwork({ log: silentLogger, netns, nodeIp, overlay, sources });
  }

  private runRoutes(nodes: FakeNodes): void {
    const abort = new AbortController();
    const deps = { nodes, nodeName: this.name, mode: this.mode, log: silentLogger, netns: this.netns };
    const running = new NodeRoutes(deps).run(abort.signal).catch(() => {});
    this.stopRoutes = async () => {
      abort.abort(new Error('test ends'));
      await running;
    };
  }
}
