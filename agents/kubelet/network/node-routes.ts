// Keeps the routes and the tunnel to the pods of all other nodes. Node objects say which; what another program removes is set again.
import type { Node } from '../../../controlplane/api/node';
import { formatCidr, parseCidr } from '../../../controlplane/base/cidr';
import { type Clock, systemClock } from '../../../controlplane/base/clock';
import { describeError, hasCode } from '../../../controlplane/base/errors';
import { markReconcile } from '../../../controlplane/base/event-loop';
import type { Logger } from '../../../controlplane/base/logger';
import type { Informer } from '../../../controlplane/client/informer';
import { WorkQueue } from '../../../controlplane/client/work-queue';
import { applyStep, applySteps } from '../../../dataplane/link/apply';
import { isLinkLocal, type LinkAddress, type Route } from '../../../dataplane/link/model';
import { type NetworkChange, NetworkMonitor } from '../../../dataplane/link/monitor';
import { planForwarding, planNeighbours, planRoutes, planVxlan, type Step } from '../../../dataplane/link/plan';
import { Rtnetlink } from '../../../dataplane/link/rtnetlink';
import { ensureSysctls, readSysctl } from '../../../dataplane/link/sysctl';
import type { Netns } from '../../../dataplane/netns/netns';
import { ownNetns } from '../../../dataplane/netns/system-netns';
import { type NodeLease, podRouteProtocol } from '../../../dataplane/overlay/lease';
import { type OverlayMode, type OverlayPlan, planOverlay, type Tunnel } from '../../../dataplane/overlay/plan';
import { vxlanName } from '../../../dataplane/overlay/vxlan';
import { bridgeName, vethPrefix } from './names';
import { nodeLease } from './translate';
import { type LinksFound, uplinkMtu, uplinkOf } from './uplink';

export interface NodeRoutesDeps {
  /** The caller runs this informer. */
  readonly nodes: Pick<Informer<Node>, 'list' | 'onChange' | 'synced'>;
  readonly nodeName: string;
  readonly mode: OverlayMode;
  readonly log: Logger;
  readonly clock?: Clock;
  /** The node's namespace; default the one this process runs in. */
  readonly netns?: Netns;
}

/** Compares again without a cause, in case the kernel's report was lost. */
export const routeResyncMs = 60_000;

/** The only key of the queue, so a burst of events causes one pass over all routes. */
const key = 'routes';

export class NodeRoutes {
  private readonly netns: Netns;
  private readonly queue: WorkQueue;
  private reported = '';
  /** Kept while our Node is deleted and created again, so that no packet is lost. */
  private own: NodeLease | undefined;
  private tunnelIndex: number | undefined;

  constructor(private readonly deps: NodeRoutesDeps) {
    const { clock = systemClock, log } = deps;
    this.netns = deps.netns ?? ownNetns();
    this.queue = new WorkQueue({
      onTake: markReconcile('node-routes'),
      clock,
      onRetry: (_key, err, delayMs) =>
        log.warn('routes to other nodes are incomplete, will retry', { error: describeError(err), retryMs: delayMs }),
    });
  }

  /** Keeps the routes until the signal is aborted. They stay after that, so traffic flows without the kubelet. */
  async run(signal: AbortSignal): Promise<void> {
    const { nodes } = this.deps;
    const rt = new Rtnetlink(this.netns);
    const onChange = (change: NetworkChange) => {
      if (matters(change, this.tunnelIndex)) this.queue.add(key);
    };
    const monitor = new NetworkMonitor(this.netns, onChange, { neighbours: true });
    try {
      await nodes.synced(signal);
      nodes.onChange(() => this.queue.add(key));
      this.queue.add(key);
      for await (const next of this.queue.keys(signal)) {
        const failure = await this.reconcile(rt).then(
          () => undefined,
          (err: unknown) => err,
        );
        this.queue.done(next, failure);
        if (failure === undefined) this.queue.addAfter(key, routeResyncMs);
      }
    } finally {
      monitor.close();
      rt.close();
    }
  }

  /** One pass: applies what it can, then throws the first failure. */
  private async reconcile(rt: Rtnetlink): Promise<void> {
    const { mode } = this.deps;
    const [links, addresses] = await Promise.all([rt.links(), rt.addresses()]);
    const plan = this.plan({ links, addresses });
    this.report(plan.unusable);
    const failures: unknown[] = [];
    const tunnel = plan.tunnel && (await this.ensureTunnel(rt, plan.tunnel, { links, addresses }, failures));
    this.tunnelIndex = tunnel?.index;
    const after = tunnel ? await this.planPeers(rt, tunnel) : { add: [], remove: [] };
    // Entries of a peer are added before its routes, and removed after them.
    for (const step of after.add) await this.apply(rt, step, failures);
    for (const step of planRoutes(desiredRoutes(plan, tunnel), await this.routes(rt), podRouteProtocol)) {
      await this.apply(rt, step, failures);
    }
    for (const step of after.remove) await this.apply(rt, step, failures);
    if (mode === 'host-gw' && links.some(({ name, kind }) => name === vxlanName && kind === 'vxlan')) {
      await this.apply(rt, { action: 'remove-link', name: vxlanName }, failures);
    }
    if (failures.length > 0) throw failures[0];
  }

  private plan(found: LinksFound): OverlayPlan {
    const { nodes, nodeName, mode } = this.deps;
    const leases = nodes.list().flatMap((node) => nodeLease(node) ?? []);
    this.own = leases.find(({ node }) => node === nodeName) ?? this.own;
    const { own } = this;
    const ours = found.links.filter(({ name }) => name === bridgeName || name === vxlanName).map(({ index }) => index);
    return planOverlay({
      mode,
      leases: [...leases.filter(({ node }) => node !== nodeName), ...(own ? [own] : [])],
      self: nodeName,
      links: found.addresses.filter((entry) => !ours.includes(entry.link) && !isLinkLocal(entry)).map(rangeOf),
      uplinkMtu: uplinkMtu(found, own?.addresses[0]),
    });
  }

  /** The tunnel's desired link, with its index; undefined where it cannot be created. */
  private async ensureTunnel(
    rt: Rtnetlink,
    tunnel: Tunnel,
    { links, addresses }: LinksFound,
    failures: unknown[],
  ): Promise<(Tunnel & { readonly index: number }) | undefined> {
    const { log } = this.deps;
    try {
      const steps = planVxlan(
        tunnel.link,
        links.find(({ name }) => name === vxlanName),
        addresses,
      );
      await applySteps(rt, steps);
      if (steps.length > 0)
        log.info('tunnel set', { ...tunnel.link.vxlan, mac: tunnel.link.mac, mtu: tunnel.link.mtu });
      const index = (await rt.link(vxlanName))?.index;
      if (index === undefined) return undefined;
      this.loosenReversePath({ links, addresses }, tunnel);
      return { ...tunnel, index };
    } catch (err) {
      // A kernel without the module, or a port that is taken, does no harm as long as all nodes are on one link.
      if (tunnel.needed || !hasCode(err, 'Unsupported')) failures.push(err);
      return undefined;
    }
  }

  /**
   * The answer to a tunnelled packet may come without the tunnel, or the reverse, while nodes differ in mode or see each other's
   * links differently. The larger of this setting and the one for `all` counts; strict is 1, loose is 2.
   */
  private loosenReversePath(found: LinksFound, { needed, link }: Tunnel): void {
    const setting = (name: string) => `net/ipv4/conf/${name}/rp_filter`;
    const uplink = uplinkOf(found, link.vxlan.local)?.name;
    const strict = (name: string) =>
      ['all', name].some((each) => readSysctl(this.netns, setting(each)) === '1') &&
      readSysctl(this.netns, setting(name)) !== '2';
    ensureSysctls(this.netns, { [setting(vxlanName)]: '2' });
    if (needed && uplink !== undefined && strict(uplink)) ensureSysctls(this.netns, { [setting(uplink)]: '2' });
  }

  private async planPeers(
    rt: Rtnetlink,
    { index, neighbours, forwarding }: Tunnel & { readonly index: number },
  ): Promise<{ readonly add: readonly Step[]; readonly remove: readonly Step[] }> {
    const found = [...(await rt.neighbours(4)), ...(this.hasIpv6 ? await rt.neighbours(6) : [])];
    const onTunnel = <T>(entry: T) => ({ ...entry, link: index });
    const next = planNeighbours(neighbours.map(onTunnel), found, index);
    const where = planForwarding(forwarding.map(onTunnel), await rt.fdb(index), index);
    return { add: [...where.add, ...next.add], remove: [...next.remove, ...where.remove] };
  }

  private async routes(rt: Rtnetlink): Promise<readonly Route[]> {
    return [...(await rt.routes(4)), ...(this.hasIpv6 ? await rt.routes(6) : [])];
  }

  /** On a kernel without IPv6, a request for IPv6 routes returns routes of other families. */
  private get hasIpv6(): boolean {
    return readSysctl(this.netns, 'net.ipv6.conf.all.disable_ipv6') !== undefined;
  }

  private async apply(rt: Rtnetlink, step: Step, failures: unknown[]): Promise<void> {
    const { log } = this.deps;
    try {
      await applyStep(rt, step);
      if (step.action === 'replace-route')
        log.info('route set', { to: step.route.destination, via: step.route.gateway });
      if (step.action === 'remove-route') log.info('route removed', { to: step.route.destination });
    } catch (err) {
      failures.push(err);
    }
  }

  /** Logs each node without a usable route once, not in every pass. */
  private report(unusable: readonly { readonly node: string; readonly reason: string }[]): void {
    const text = JSON.stringify(unusable);
    if (text === this.reported) return;
    this.reported = text;
    for (const { node, reason } of unusable) this.deps.log.warn('no route to the pods of a node', { node, reason });
  }
}

const desiredRoutes = (
  { routes }: OverlayPlan,
  tunnel: (Tunnel & { readonly index: number }) | undefined,
): readonly Route[] => [...routes, ...(tunnel?.routes ?? []).map((route) => ({ ...route, link: tunnel!.index }))];

const rangeOf = ({ address, prefix }: LinkAddress): string => formatCidr(parseCidr(`${address}/${prefix}`));

/**
 * True for changes that routes to nodes depend on. Links count because the kernel removes a link's routes without a report. Links and
 * link-local addresses of pods' wires do not count: they change all the time and carry no such route.
 */
function matters(change: NetworkChange, tunnelIndex: number | undefined): boolean {
  switch (change.type) {
    case 'route-removed':
      return change.route.protocol === podRouteProtocol;
    case 'route':
      return change.route.protocol !== podRouteProtocol && !isLinkLocal({ address: change.route.destination });
    case 'link':
    case 'link-removed':
      return !change.link.name.startsWith(vethPrefix);
    case 'address':
    case 'address-removed':
      return !isLinkLocal(change.address);
    case 'neighbour-removed':
      return change.link === tunnelIndex;
    case 'overrun':
      return true;
  }
}
