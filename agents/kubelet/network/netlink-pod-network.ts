// PodNetwork by rtnetlink: a bridge per node, a veth pair per pod. node-routes.ts sets the routes to other nodes, and kube-proxy writes
// the netfilter rules.
import { cidrContains, formatCidr, parseAddress, parseCidr } from '../../../controlplane/base/cidr';
import { BadRequest, Conflict, isAlreadyExists, Unavailable } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import { AddressAllocator } from '../../../dataplane/ipam/allocator';
import { applySteps } from '../../../dataplane/link/apply';
import { isLinkLocal, type Link, type LinkAddress } from '../../../dataplane/link/model';
import { type NetworkChange, NetworkMonitor } from '../../../dataplane/link/monitor';
import { planBridge } from '../../../dataplane/link/plan';
import { Rtnetlink, sameNetns } from '../../../dataplane/link/rtnetlink';
import { ensureSysctls, readSysctl } from '../../../dataplane/link/sysctl';
import type { Netns } from '../../../dataplane/netns/netns';
import { netnsOfProcess, ownNetns } from '../../../dataplane/netns/system-netns';
import type { OverlayMode } from '../../../dataplane/overlay/plan';
import { bridgeName, macOf, vethName } from './names';
import type { PodNetwork, PodWire } from './pod-network';
import type { PodSources } from './pod-sources';
import { podMtu } from './uplink';
import {
  type DesiredWire,
  findDamage,
  findFault,
  nearFault,
  podIpv6Sysctls,
  podPrefix,
  podRoutes,
  type WireFound,
} from './wire-plan';

export interface PodNetworkOptions {
  readonly log: Logger;
  /** The node's address: the link that carries it decides the MTU. Without it, 1500. */
  readonly nodeIp?: string;
  /** How pods of other nodes are reached; with a mode that may use a tunnel, the MTU leaves room for its headers. Default host-gw. */
  readonly overlay?: OverlayMode;
  /** The node's namespace; default the one this process runs in. */
  readonly netns?: Netns;
  /** Checks what pods send. Without it a pod can send under any address. */
  readonly sources?: Pick<PodSources, 'open' | 'admit'>;
}

interface OpenState {
  /** One for each range, in the order of the ranges. */
  readonly allocators: readonly AddressAllocator[];
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
  /** Links of finished wires, with their addresses. A link that is missing here is just being created or removed. */
  private readonly wires = new Map<string, string>();
  private listener: (ip: string | undefined) => void = () => {};

  constructor(private readonly options: PodNetworkOptions) {
    this.netns = options.netns ?? ownNetns();
  }

  async open(podCidrs: readonly string[]): Promise<void> {
    const cidrs = podCidrs.map(parseCidr);
    if (cidrs.length === 0 || new Set(cidrs.map(({ family }) => family)).size < cidrs.length) {
      throw new BadRequest(`expected one pod range, or one of each family: ${podCidrs.join(', ')}`);
    }
    if (this.state) {
      const open = this.state.allocators.map(({ cidr }) => formatCidr(cidr)).join();
      if (open !== cidrs.map(formatCidr).join())
        throw new Conflict(`pod network is open with ${open}, not ${podCidrs}`);
      await this.repair();
      return;
    }
    const allocators = cidrs.map((cidr) => new AddressAllocator(cidr));
    const rt = new Rtnetlink(this.netns);
    try {
      const mtu = await this.podMtu(rt);
      const { bridge } = await this.ensureBridge(rt, allocators, mtu);
      // Before the first wire, so that its first packet is checked.
      await this.options.sources?.open(cidrs);
      const monitor = new NetworkMonitor(this.netns, (change) => this.onChange(change));
      this.state = { allocators, rt, bridge, mtu, monitor };
    } catch (err) {
      rt.close();
      throw err;
    }
  }

  async repair(): Promise<boolean> {
    const { allocators, rt, mtu } = this.opened();
    const { bridge, changed } = await this.ensureBridge(rt, allocators, mtu);
    this.state = { ...this.opened(), bridge };
    return changed;
  }

  onDamage(listener: (ip: string | undefined) => void): void {
    this.listener = listener;
  }

  private async ensureBridge(
    rt: Rtnetlink,
    allocators: readonly AddressAllocator[],
    mtu: number,
  ): Promise<{ readonly bridge: Link; readonly changed: boolean }> {
    const addresses = allocators.map(({ gateway, cidr }) => ({ address: gateway, prefix: cidr.prefix }));
    const hasIpv6 = allocators.some(({ cidr }) => cidr.family === 6);
    const desired = { name: bridgeName, mac: macOf(allocators[0]!.gateway), mtu, addresses };
    if (hasIpv6) await this.ensureIpv6(rt);
    const steps = planBridge(desired, await rt.link(bridgeName), await rt.addresses());
    await applySteps(rt, steps);
    const bridge = await rt.link(bridgeName);
    if (!bridge) throw new Unavailable(`bridge ${bridgeName} was removed`);
    this.ensureNodeSysctls(hasIpv6);
    return { bridge, changed: steps.length > 0 };
  }

  private onChange(change: NetworkChange): void {
    const damage = findDamage(change, this.opened().bridge.index, this.wires);
    if (damage) this.listener(damage.ip);
  }

  allocate(): readonly string[] {
    const taken: string[] = [];
    try {
      const [first, ...others] = this.opened().allocators;
      taken.push(first!.allocate());
      // The same place in each range, so that the second address follows from the first (port-plan.ts).
      for (const allocator of others) taken.push(allocator.allocateLike(taken[0]!, first!));
      return taken;
    } catch (err) {
      this.release(taken);
      throw err;
    }
  }

  reserve(ips: readonly string[]): void {
    for (const ip of ips) this.allocatorOf(ip).reserve(ip);
  }

  release(ips: readonly string[]): void {
    // An allocator ignores addresses outside its range.
    for (const ip of ips) for (const allocator of this.state?.allocators ?? []) allocator.release(ip);
  }

  attach(wire: PodWire): Promise<string | undefined> {
    const ip = wire.ips[0]!;
    return this.inTurn(ip, async () => {
      const near = vethName(ip);
      const known = this.wires.delete(near);
      await this.options.sources?.admit(wire.ips);
      const fault = await this.attachNow(wire, known);
      this.wires.set(near, ip);
      return fault;
    });
  }

  detach({ ips }: { readonly ips: readonly string[] }): Promise<void> {
    const near = vethName(ips[0]!);
    return this.inTurn(ips[0]!, async () => {
      const { rt, bridge } = this.opened();
      this.wires.delete(near);
      await rt.removeLink(near);
      // A failed neighbour entry would delay the first packets to the next pod with this address.
      for (const address of ips) await rt.removeNeighbour({ link: bridge.index, address });
    });
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.busy.values());
    this.state?.monitor.close();
    this.state?.rt.close();
    this.state = undefined;
  }

  private async attachNow(wire: PodWire, known: boolean): Promise<string | undefined> {
    const { rt, bridge, mtu } = this.opened();
    const { ips, interfaceName } = wire;
    const near = vethName(ips[0]!);
    const podNetns = netnsOfProcess(wire.pid);
    // In the node's own namespace, the kubelet would replace the node's eth0.
    for (const other of [this.netns, ownNetns()]) {
      if (sameNetns(podNetns, other)) throw new Conflict(`process ${wire.pid} has no network namespace of its own`);
    }
    const inside = new Rtnetlink(podNetns);
    const addresses = ips.map((ip) => {
      const { cidr, gateway } = this.allocatorOf(ip);
      return { ip, family: cidr.family, gateway };
    });
    const desired: DesiredWire = { addresses, mtu, bridgeIndex: bridge.index };
    try {
      try {
        await this.create(inside, podNetns, desired, interfaceName);
        return known ? 'no link on the node' : undefined;
      } catch (err) {
        if (!isAlreadyExists(err)) throw err;
      }
      const found = await this.observe(inside, desired, interfaceName);
      const fault = findFault(desired, found);
      if (fault === undefined) return undefined;
      if (nearFault(found)) {
        await rt.setLink(near, { master: bridge.index, mtu, up: true });
        // Only the MTU may differ, after the overlay's mode changed: it is set in place, so that connections survive.
        await inside.setLink(interfaceName, { mtu });
        await rt.setLink(near, { hairpin: true });
        if (findFault(desired, await this.observe(inside, desired, interfaceName)) === undefined) return fault;
      }
      this.options.log.info('replacing a pod wire', { ips: ips.join(','), fault });
      const inTheWay = await inside.link(interfaceName);
      if (inTheWay && inTheWay.kind !== 'veth') {
        throw new Conflict(
          `${interfaceName} of the pod is a ${inTheWay.kind || 'physical'} link that the kubelet did not create`,
        );
      }
      await inside.removeLink(interfaceName);
      await rt.removeLink(near);
      await this.create(inside, podNetns, desired, interfaceName);
      return fault;
    } finally {
      inside.close();
    }
  }

  /** @throws AlreadyExists when one of the two names is taken; then it has changed nothing. */
  private async create(inside: Rtnetlink, podNetns: Netns, desired: DesiredWire, interfaceName: string): Promise<void> {
    const { rt } = this.opened();
    const { addresses, mtu, bridgeIndex } = desired;
    const { ip } = addresses[0]!;
    const near = vethName(ip);
    if (readSysctl(podNetns, 'net.ipv6.conf.default.accept_dad') !== undefined) {
      ensureSysctls(podNetns, podIpv6Sysctls(addresses.some(({ family }) => family === 6)));
    }
    await rt.createVeth(
      { name: near, mtu, up: true, master: bridgeIndex },
      { name: interfaceName, mac: macOf(ip), mtu },
      podNetns,
    );
    try {
      // The kernel carries out each request when it is sent, in order. So the code waits for all answers together.
      const far = inside.link(interfaceName);
      await Promise.all([
        rt.setLink(near, { hairpin: true }),
        inside.setLink('lo', { up: true }),
        inside.setLink(interfaceName, { up: true }),
      ]);
      const link = (await far)?.index;
      if (link === undefined) throw new Unavailable(`${interfaceName} of ${ip} vanished while being set up`);
      await Promise.all([
        ...addresses.flatMap(({ ip: address, family, gateway }) => [
          inside.ensureAddress({ link, family, address, prefix: podPrefix(family) }),
          ...podRoutes(gateway, link).map((route) => inside.replaceRoute(route)),
        ]),
      ]);
    } catch (err) {
      await rt.removeLink(near).catch((cause: unknown) => {
        this.options.log.warn('a pod wire that could not be completed was not removed', { ip, error: cause });
      });
      throw err;
    }
  }

  private async observe(inside: Rtnetlink, desired: DesiredWire, interfaceName: string): Promise<WireFound> {
    const { rt } = this.opened();
    const [near, far, addresses, routes] = await Promise.all([
      rt.link(vethName(desired.addresses[0]!.ip)),
      inside.link(interfaceName),
      inside.addresses(),
      Promise.all(desired.addresses.map(({ family }) => inside.routes(family))),
    ]);
    return { near, far, addresses, routes: routes.flat() };
  }

  /** Sets the defaults that the bridge gets when it is created. @throws Unsupported without IPv6 in the kernel */
  private async ensureIpv6(rt: Rtnetlink): Promise<void> {
    const [links, addresses] = await Promise.all([rt.links(), rt.addresses()]);
    for (const { index, name } of links) {
      const setting = `net/ipv6/conf/${name}/accept_ra`;
      const isGlobal = (entry: LinkAddress) => entry.link === index && entry.family === 6 && !isLinkLocal(entry);
      // A machine that forwards packets ignores router advertisements and would lose its own default route; 2 accepts them.
      if (name !== 'lo' && addresses.some(isGlobal) && readSysctl(this.netns, setting) === '1') {
        ensureSysctls(this.netns, { [setting]: '2' });
      }
    }
    ensureSysctls(this.netns, { 'net.ipv6.conf.default.disable_ipv6': '0', 'net.ipv6.conf.all.forwarding': '1' });
  }

  private ensureNodeSysctls(hasIpv6: boolean): void {
    if (hasIpv6) ensureSysctls(this.netns, { [`net.ipv6.conf.${bridgeName}.disable_ipv6`]: '0' });
    ensureSysctls(this.netns, {
      'net.ipv4.ip_forward': '1',
      // Pods of one node must reach each other through the gateway: the kernel must not redirect them to a shorter path.
      // It sends redirects when either of the two settings is on.
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

  /** @throws BadRequest for an address outside all ranges */
  private allocatorOf(ip: string): AddressAllocator {
    const { allocators } = this.opened();
    const found = allocators.find(({ cidr }) => cidrContains(cidr, parseAddress(ip)));
    if (found) return found;
    throw new BadRequest(
      `address ${ip} is in no pod range: ${allocators.map(({ cidr }) => formatCidr(cidr)).join(', ')}`,
    );
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
