// PodNetwork by rtnetlink: a bridge per node, a veth pair per pod. Leaves routes to other nodes to node-routes.ts and all
// netfilter to kube-proxy.
import { type Cidr, formatCidr, parseCidr } from '../../../controlplane/base/cidr';
import { BadRequest, Conflict, isAlreadyExists, Unavailable } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import { AddressAllocator } from '../../../dataplane/ipam/allocator';
import { applySteps } from '../../../dataplane/link/apply';
import type { Link } from '../../../dataplane/link/model';
import { type NetworkChange, NetworkMonitor } from '../../../dataplane/link/monitor';
import { planBridge } from '../../../dataplane/link/plan';
import { Rtnetlink, sameNetns } from '../../../dataplane/link/rtnetlink';
import { ensureSysctls, readSysctl } from '../../../dataplane/link/sysctl';
import type { Netns } from '../../../dataplane/netns/netns';
import { netnsOfProcess, ownNetns } from '../../../dataplane/netns/system-netns';
import type { OverlayMode } from '../../../dataplane/overlay/plan';
import { bridgeName, macOf, vethName } from './names';
import type { PodNetwork, PodWire } from './pod-network';
import { podMtu } from './uplink';
import { findDamage, findFault, nearFault, podPrefix, podRoutes, type WireFound, type WireWish } from './wire-plan';

export interface PodNetworkOptions {
  readonly log: Logger;
  /** The node's address: the link that carries it decides the MTU. Without it, 1500. */
  readonly nodeIp?: string;
  /** How pods of other nodes are reached; a mode that may use a tunnel leaves room for its headers. Default host-gw. */
  readonly overlay?: OverlayMode;
  /** The node's namespace; default the one this process runs in. */
  readonly netns?: Netns;
}

interface OpenState {
  readonly cidr: Cidr;
  readonly allocator: AddressAllocator;
  readonly rt: Rtnetlink;
  readonly bridge: Link;
  readonly mtu: number;
  readonly monitor: NetworkMonitor;
}

export class NetlinkPodNetwork implements PodNetwork {
  private state: OpenState | undefined;
  private readonly netns: Netns;
  /** One attach or detach per address at a time. */
  private readonly busy = new Map<string, Promise<unknown>>();
  /** Links of finished wires, with their addresses: what is not here is being made or taken away by us. */
  private readonly wires = new Map<string, string>();
  private listener: (ip: string | undefined) => void = () => {};

  constructor(private readonly options: PodNetworkOptions) {
    this.netns = options.netns ?? ownNetns();
  }

  async open(podCidr: string): Promise<void> {
    const cidr = parseCidr(podCidr);
    if (cidr.family !== 4) throw new BadRequest(`pod range ${podCidr} is not IPv4`);
    if (this.state && formatCidr(this.state.cidr) !== formatCidr(cidr)) {
      throw new Conflict(`pod network is open with ${formatCidr(this.state.cidr)}, not ${podCidr}`);
    }
    if (this.state) {
      await this.repair();
      return;
    }
    const allocator = new AddressAllocator(cidr);
    const rt = new Rtnetlink(this.netns);
    try {
      const mtu = await this.podMtu(rt);
      const { bridge } = await this.ensureBridge(rt, allocator.gateway, cidr, mtu);
      const monitor = new NetworkMonitor(this.netns, (change) => this.onChange(change));
      this.state = { cidr, allocator, rt, bridge, mtu, monitor };
    } catch (err) {
      rt.close();
      throw err;
    }
  }

  async repair(): Promise<boolean> {
    const { cidr, allocator, rt, mtu } = this.opened();
    const { bridge, changed } = await this.ensureBridge(rt, allocator.gateway, cidr, mtu);
    this.state = { ...this.opened(), bridge };
    return changed;
  }

  onDamage(listener: (ip: string | undefined) => void): void {
    this.listener = listener;
  }

  private async ensureBridge(
    rt: Rtnetlink,
    gateway: string,
    { prefix }: Cidr,
    mtu: number,
  ): Promise<{ readonly bridge: Link; readonly changed: boolean }> {
    const wish = { name: bridgeName, mac: macOf(gateway), mtu, addresses: [{ address: gateway, prefix }] };
    const steps = planBridge(wish, await rt.link(bridgeName), await rt.addresses());
    await applySteps(rt, steps);
    const bridge = await rt.link(bridgeName);
    if (!bridge) throw new Unavailable(`bridge ${bridgeName} is gone`);
    this.ensureNodeSysctls();
    return { bridge, changed: steps.length > 0 };
  }

  private onChange(change: NetworkChange): void {
    const damage = findDamage(change, this.opened().bridge.index, this.wires);
    if (damage) this.listener(damage.ip);
  }

  allocate(): string {
    return this.opened().allocator.allocate();
  }

  reserve(ip: string): void {
    this.opened().allocator.reserve(ip);
  }

  release(ip: string): void {
    this.opened().allocator.release(ip);
  }

  attach(wire: PodWire): Promise<string | undefined> {
    return this.inTurn(wire.ip, async () => {
      const near = vethName(wire.ip);
      const known = this.wires.delete(near);
      const fault = await this.attachNow(wire, known);
      this.wires.set(near, wire.ip);
      return fault;
    });
  }

  detach({ ip }: { readonly ip: string }): Promise<void> {
    return this.inTurn(ip, async () => {
      const { rt, bridge } = this.opened();
      this.wires.delete(vethName(ip));
      await rt.removeLink(vethName(ip));
      // Else the node would wait out a failed entry before it asks for the next pod with this address.
      await rt.removeNeighbour({ link: bridge.index, address: ip });
    });
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.busy.values());
    this.state?.monitor.close();
    this.state?.rt.close();
    this.state = undefined;
  }

  private async attachNow(wire: PodWire, known: boolean): Promise<string | undefined> {
    const { rt, allocator, bridge, mtu } = this.opened();
    const { ip, interfaceName } = wire;
    const podNetns = netnsOfProcess(wire.pid);
    // A process that shares the node's namespace would have the node's own eth0 replaced.
    for (const other of [this.netns, ownNetns()]) {
      if (sameNetns(podNetns, other)) throw new Conflict(`process ${wire.pid} has no network namespace of its own`);
    }
    const inside = new Rtnetlink(podNetns);
    const wish: WireWish = { ip, gateway: allocator.gateway, mtu, bridgeIndex: bridge.index };
    try {
      try {
        await this.create(inside, podNetns, wish, interfaceName);
        return known ? 'no link on the node' : undefined;
      } catch (err) {
        if (!isAlreadyExists(err)) throw err;
      }
      const found = await this.observe(inside, wish, interfaceName);
      const fault = findFault(wish, found);
      if (fault === undefined) return undefined;
      if (nearFault(found)) {
        await rt.setLink(vethName(ip), { master: bridge.index, mtu, up: true });
        // The mode of the overlay has changed: connections go on.
        await inside.setLink(interfaceName, { mtu });
        await rt.setLink(vethName(ip), { hairpin: true });
        if (findFault(wish, await this.observe(inside, wish, interfaceName)) === undefined) return fault;
      }
      this.options.log.info('replacing a pod wire', { ip, fault });
      const inTheWay = await inside.link(interfaceName);
      if (inTheWay && inTheWay.kind !== 'veth') {
        throw new Conflict(`${interfaceName} of the pod is a ${inTheWay.kind || 'physical'} link of someone else`);
      }
      await inside.removeLink(interfaceName);
      await rt.removeLink(vethName(ip));
      await this.create(inside, podNetns, wish, interfaceName);
      return fault;
    } finally {
      inside.close();
    }
  }

  /** @throws AlreadyExists when one of the two names is taken; nothing has changed then. */
  private async create(inside: Rtnetlink, podNetns: Netns, wish: WireWish, interfaceName: string): Promise<void> {
    const { rt } = this.opened();
    const { ip, mtu, bridgeIndex } = wish;
    const near = vethName(ip);
    // Duplicate address detection would keep the link-local address tentative for a second.
    if (readSysctl(podNetns, 'net.ipv6.conf.default.accept_dad') !== undefined) {
      ensureSysctls(podNetns, { 'net.ipv6.conf.default.accept_dad': '0', 'net.ipv6.conf.all.accept_dad': '0' });
    }
    await rt.createVeth(
      { name: near, mtu, up: true, master: bridgeIndex },
      { name: interfaceName, mac: macOf(ip), mtu },
      podNetns,
    );
    try {
      // The kernel works each request off as it is sent, in order; only the answers are waited for together.
      const far = inside.link(interfaceName);
      await Promise.all([
        rt.setLink(near, { hairpin: true }),
        inside.setLink('lo', { up: true }),
        inside.setLink(interfaceName, { up: true }),
      ]);
      const link = (await far)?.index;
      if (link === undefined) throw new Unavailable(`${interfaceName} of ${ip} vanished while being set up`);
      await Promise.all([
        inside.ensureAddress({ link, family: 4, address: ip, prefix: podPrefix }),
        ...podRoutes(wish.gateway, link).map((route) => inside.replaceRoute(route)),
      ]);
    } catch (err) {
      await rt.removeLink(near).catch((cause: unknown) => {
        this.options.log.warn('undoing a pod wire failed', { ip, error: cause });
      });
      throw err;
    }
  }

  private async observe(inside: Rtnetlink, { ip }: WireWish, interfaceName: string): Promise<WireFound> {
    const { rt } = this.opened();
    const [near, far, addresses, routes] = await Promise.all([
      rt.link(vethName(ip)),
      inside.link(interfaceName),
      inside.addresses(),
      inside.routes(4),
    ]);
    return { near, far, addresses, routes };
  }

  private ensureNodeSysctls(): void {
    ensureSysctls(this.netns, {
      'net.ipv4.ip_forward': '1',
      // Pods of one node reach each other through the gateway on purpose: nobody shall tell them a shorter way. The
      // kernel tells when either of the two is on.
      'net.ipv4.conf.all.send_redirects': '0',
      [`net.ipv4.conf.${bridgeName}.send_redirects`]: '0',
      // Loose: a pod's answer may leave on another link than the request came in. The larger of this and `all` counts.
      [`net.ipv4.conf.${bridgeName}.rp_filter`]: '2',
    });
  }

  private async podMtu(rt: Rtnetlink): Promise<number> {
    const { nodeIp, overlay = 'host-gw' } = this.options;
    const [links, addresses] = await Promise.all([rt.links(), rt.addresses()]);
    return podMtu({ links, addresses }, nodeIp, overlay);
  }

  private opened(): OpenState {
    if (!this.state) throw new Unavailable('pod network is not open yet');
    return this.state;
  }

  private async inTurn<T>(ip: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.busy.get(ip) ?? Promise.resolve()).then(work, work);
    this.busy.set(ip, turn);
    try {
      return await turn;
    } finally {
      if (this.busy.get(ip) === turn) this.busy.delete(ip);
    }
  }
}
