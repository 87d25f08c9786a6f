// Keeps the routes to the pods of all other nodes: from Node objects, and against whoever removes them.
import type { Node } from '../../../controlplane/api/node';
import { formatCidr, parseCidr } from '../../../controlplane/base/cidr';
import { type Clock, systemClock } from '../../../controlplane/base/clock';
import { describeError } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import type { Informer } from '../../../controlplane/client/informer';
import { WorkQueue } from '../../../controlplane/client/work-queue';
import { applyStep } from '../../../dataplane/link/apply';
import { type NetworkChange, NetworkMonitor } from '../../../dataplane/link/monitor';
import { planRoutes } from '../../../dataplane/link/plan';
import { Rtnetlink } from '../../../dataplane/link/rtnetlink';
import type { Netns } from '../../../dataplane/netns/netns';
import { ownNetns } from '../../../dataplane/netns/system-netns';
import { planHostGateway, podRouteProtocol } from '../../../dataplane/overlay/host-gw';
import { bridgeName, vethPrefix } from './names';
import { nodeLease } from './translate';

export interface NodeRoutesDeps {
  /** Run by the caller. */
  readonly nodes: Pick<Informer<Node>, 'list' | 'onChange' | 'synced'>;
  readonly nodeName: string;
  readonly log: Logger;
  readonly clock?: Clock;
  /** The node's namespace; default the one this process runs in. */
  readonly netns?: Netns;
}

/** Looks again without cause, should a report ever be lost. */
export const routeResyncMs = 60_000;

/** Bursts of events become one look at everything: there is only one key. */
const key = 'routes';

export class NodeRoutes {
  private readonly netns: Netns;
  private readonly queue: WorkQueue;
  private reported = '';

  constructor(private readonly deps: NodeRoutesDeps) {
    const { clock = systemClock, log } = deps;
    this.netns = deps.netns ?? ownNetns();
    this.queue = new WorkQueue({
      clock,
      onRetry: (_key, err, delayMs) => log.warn('routes not complete', { error: describeError(err), retryMs: delayMs }),
    });
  }

  /** Keeps the routes until the signal is aborted, and leaves them then: traffic goes on without the kubelet. */
  async run(signal: AbortSignal): Promise<void> {
    const { nodes } = this.deps;
    const rt = new Rtnetlink(this.netns);
    const monitor = new NetworkMonitor(this.netns, (change) => {
      if (matters(change)) this.queue.add(key);
    });
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

  /** One look: applies what it can, then throws the first failure. */
  private async reconcile(rt: Rtnetlink): Promise<void> {
    const { nodes, nodeName, log } = this.deps;
    const leases = nodes.list().flatMap((node) => nodeLease(node) ?? []);
    const [found, links, addresses] = await Promise.all([rt.routes(4), rt.links(), rt.addresses()]);
    const bridge = links.find(({ name }) => name === bridgeName)?.index;
    const onLink = addresses
      .filter(({ family, link }) => family === 4 && link !== bridge)
      .map(({ address, prefix }) => formatCidr(parseCidr(`${address}/${prefix}`)));
    const { routes, unusable } = planHostGateway(leases, nodeName, onLink);
    this.report(unusable);
    let failure: unknown;
    for (const step of planRoutes(routes, found, podRouteProtocol)) {
      try {
        await applyStep(rt, step);
        if (step.action === 'replace-route')
          log.info('route set', { to: step.route.destination, via: step.route.gateway });
        if (step.action === 'remove-route') log.info('route removed', { to: step.route.destination });
      } catch (err) {
        failure ??= err;
      }
    }
    if (failure !== undefined) throw failure;
  }

  /** Says once what cannot be a route, not at every look. */
  private report(unusable: readonly { readonly node: string; readonly reason: string }[]): void {
    const text = JSON.stringify(unusable);
    if (text === this.reported) return;
    this.reported = text;
    for (const { node, reason } of unusable) this.deps.log.warn('no route to the pods of a node', { node, reason });
  }
}

/**
 * A route of ours that went; any route change where reports were lost; a link that comes or goes, as links take their
 * routes with them silently. The wires of pods come and go all the time and carry no such route.
 */
function matters(change: NetworkChange): boolean {
  switch (change.type) {
    case 'route-removed':
      return change.route.protocol === podRouteProtocol;
    case 'route':
      return change.route.protocol !== podRouteProtocol;
    case 'link':
    case 'link-removed':
      return !change.link.name.startsWith(vethPrefix);
    case 'overrun':
      return true;
  }
}
