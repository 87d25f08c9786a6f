// Three nodes with a pod each, and a client, on one link; nodes, pods and client each have a namespace of their own. Each node runs
// kube-proxy's loop with its announcer. The API is in memory.
//
//   client 192.168.57.1 ─┐         ┌─ n1 192.168.57.11 ── pod 10.244.1.5
//                        bridge ───┼─ n2 192.168.57.12 ── pod 10.244.2.5
//                                  └─ n3 192.168.57.13 ── pod 10.244.3.5
import { createServer } from 'node:net';
import { Announcer } from '../../agents/kube-proxy/announcer/announcer';
import { Programming } from '../../agents/kube-proxy/programming';
import {
  type EndpointSlice,
  endpointSlices,
  type Node,
  nodes,
  type Service,
  services,
} from '../../controlplane/api/index';
import { systemClock } from '../../controlplane/base/clock';
import { silentLogger } from '../../controlplane/base/logger';
import type { Scope } from '../../controlplane/base/scope';
import { createInformer } from '../../controlplane/client/informer';
import type { Netns } from '../../dataplane/netns/netns';
import type { ProxyMode } from '../../dataplane/service/mode';
import { MemoryClient } from './memory-client';
import { connect, createNetns, type TestNetns } from './netns';
import { type RunningProxy, runProxyOn } from './running-proxy';
import { NetnsExec } from './service-lab';

const log = silentLogger;
export const nodeNames = ['n1', 'n2', 'n3'] as const;
export type NodeName = (typeof nodeNames)[number];
export const clientAddress = '192.168.57.1';
export const nodeAddress = (name: NodeName): string => `192.168.57.1${name.slice(1)}`;
export const podAddress = (name: NodeName): string => `10.244.${name.slice(1)}.5`;
export const podPort = 8080;

export interface LabNode {
  readonly netns: TestNetns;
  readonly mac: string;
  readonly announcer: Announcer;
  /** Ends the updates of the Nodes that this node's announcer knows, as if only this node had lost the API. */
  readonly loseApi: () => void;
  /** `SERVICE ADDRESS MAC` of each reported conflict; firstConflict() resolves with the list when it has an entry. */
  readonly conflicts: readonly string[];
  readonly firstConflict: () => Promise<readonly string[]>;
  /** Ends its kube-proxy in an orderly way. */
  readonly stop: () => Promise<void>;
}

export class AnnounceLab {
  private constructor(
    readonly outside: TestNetns,
    readonly link: TestNetns,
    readonly nodes: Readonly<Record<NodeName, LabNode>>,
    private readonly scope: Scope,
    readonly api: MemoryClient,
  ) {}

  /** `scope` undoes everything. Pods answer `NODE SOURCE` on TCP port 8080. */
  static async open(scope: Scope, mode: ProxyMode = 'iptables'): Promise<AnnounceLab> {
    const make = async () => {
      const netns = await createNetns();
      scope.defer(() => netns.teardown());
      return netns;
    };
    const api = new MemoryClient();
    const link = await make();
    await link.run('ip', 'link', 'add', 'br0', 'type', 'bridge');
    await link.run('ip', 'link', 'set', 'br0', 'up');
    const plug = async (netns: TestNetns, port: string, address: string) => {
      await connect({ netns: link, link: port }, { netns, link: 'eth0', address: `${address}/24` });
      await link.run('ip', 'link', 'set', port, 'master', 'br0');
    };
    const outside = await make();
    await plug(outside, 'client', clientAddress);
    const machines = { n1: await make(), n2: await make(), n3: await make() };
    for (const name of nodeNames) {
      const netns = machines[name];
      await plug(netns, name, nodeAddress(name));
      await netns.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
      await addPod(scope, name, netns, await make());
    }
    for (const name of nodeNames) {
      for (const other of nodeNames) {
        const to = `${podAddress(other)}/32`;
        if (other !== name) await machines[name].run('ip', 'route', 'add', to, 'via', nodeAddress(other));
      }
      await api.create(nodes, nodeObject(name));
    }
    const started = {
      n1: await startNode(scope, api, 'n1', machines.n1, mode),
      n2: await startNode(scope, api, 'n2', machines.n2, mode),
      n3: await startNode(scope, api, 'n3', machines.n3, mode),
    };
    return new AnnounceLab(outside, link, started, scope, api);
  }

  /** Creates a load balancer with this address, for all pods or for the pods of some nodes. */
  async expose(
    name: string,
    address: string,
    policy: 'Cluster' | 'Local',
    on: readonly NodeName[] = nodeNames,
    port = 80,
  ): Promise<void> {
    await this.api.create(endpointSlices, sliceOf(name, on));
    const clusterIP = `10.96.${port % 256}.${address.split('.')[3]}`;
    const service: Service = {
      metadata: { name, namespace: 'shop' },
      spec: {
        type: 'LoadBalancer',
        clusterIP,
        clusterIPs: [clusterIP],
        externalTrafficPolicy: policy,
        ports: [{ name: 'http', port, protocol: 'TCP' }],
      },
      status: { loadBalancer: { ingress: [{ ip: address, ipMode: 'VIP' }] } },
    };
    await this.api.create(services, service);
  }

  async moveEndpoints(name: string, on: readonly NodeName[]): Promise<void> {
    await this.api.update(endpointSlices, sliceOf(name, on));
  }

  /** Cuts a node off: `nomaster` takes its port off the switch and keeps the carrier, `down` also removes the carrier. */
  async cut(name: NodeName, how: 'nomaster' | 'down'): Promise<void> {
    await this.link.run('ip', 'link', 'set', name, how);
  }

  async plug(name: NodeName): Promise<void> {
    await this.link.run('ip', 'link', 'set', name, 'master', 'br0');
    await this.link.run('ip', 'link', 'set', name, 'up');
  }

  /** Calls `undo` when the lab ends. */
  defer(undo: () => Promise<void> | void): void {
    this.scope.defer(undo);
  }
}

const nodeObject = (name: NodeName): Node => ({
  metadata: { name },
  spec: { podCIDR: `10.244.${name.slice(1)}.0/24` },
  status: {
    addresses: [{ type: 'InternalIP', address: nodeAddress(name) }],
    conditions: [{ type: 'Ready', status: 'True' }],
  },
});

const sliceOf = (name: string, on: readonly NodeName[]): EndpointSlice => ({
  metadata: { name, namespace: 'shop', labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: podPort, protocol: 'TCP' }],
  endpoints: on.map((node) => ({ addresses: [podAddress(node)], nodeName: node, conditions: { ready: true } })),
});

async function addPod(scope: Scope, name: NodeName, node: TestNetns, pod: TestNetns): Promise<void> {
  await connect({ netns: node, link: 'to-pod' }, { netns: pod, link: 'eth0', address: `${podAddress(name)}/32` });
  await node.run('ip', 'address', 'add', '10.244.0.1/32', 'dev', 'to-pod');
  await node.run('ip', 'route', 'add', `${podAddress(name)}/32`, 'dev', 'to-pod');
  await pod.run('ip', 'route', 'add', '10.244.0.1', 'dev', 'eth0');
  await pod.run('ip', 'route', 'add', 'default', 'via', '10.244.0.1');
  await serveName(scope, pod, name, podPort);
}

/** A TCP server that answers `NAME SOURCE`. */
export async function serveName(scope: Pick<Scope, 'defer'>, netns: Netns, name: string, port: number): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`${name} ${socket.remoteAddress?.replace('::ffff:', '')}`);
  });
  await new Promise<void>((resolve) => netns.enter(() => server.listen(port, resolve)));
  scope.defer(() => new Promise((resolve) => server.close(resolve)));
}

async function startNode(
  scope: Scope,
  client: MemoryClient,
  name: NodeName,
  netns: TestNetns,
  mode: ProxyMode,
): Promise<LabNode> {
  const stop = new AbortController();
  const api = new AbortController();
  const allNodes = createInformer(client, nodes, { log });
  const conflicts: string[] = [];
  const told = Promise.withResolvers<void>();
  const announcer: Announcer = new Announcer({
    nodeName: name,
    netns,
    nodes: allNodes,
    clock: systemClock,
    log,
    able: () => proxy.proxier.problem() === undefined,
    onAnnounce: () => {},
    onConflict: (service, address, mac) => {
      conflicts.push(`${service} ${address} ${mac}`);
      told.resolve();
    },
  });
  const host = {
    netns,
    exec: new NetnsExec(netns),
    mode,
    defer: (undo: () => Promise<void> | void) => scope.defer(undo),
  };
  const proxy: RunningProxy = await runProxyOn(host, client, {
    nodeName: name,
    programming: (informers) =>
      new Programming({ ...informers, announcers: [announcer], receipts: { taken: () => {}, written: () => {} } }),
  });
  const running = [announcer.run(stop.signal), allNodes.run(AbortSignal.any([stop.signal, api.signal]))];
  const end = async () => {
    stop.abort(new Error('test ends'));
    await Promise.allSettled([...running, proxy.end()]);
  };
  scope.defer(end);
  const mac = JSON.parse(await netns.run('ip', '-j', 'link', 'show', 'eth0'))[0].address;
  const firstConflict = () => told.promise.then(() => conflicts);
  return { netns, mac, announcer, conflicts, firstConflict, loseApi: () => api.abort(new Error('cut off')), stop: end };
}
