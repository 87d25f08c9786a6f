// Assigns addresses to Services of type LoadBalancer and writes them to the status. All Services share one key: they share the pool, so
// one pass plans for all of them. Which node answers for an address is decided elsewhere.

import { withoutCondition } from '../../api/conditions';
import { type Node, nodes } from '../../api/node';
import { type Service, services } from '../../api/service';
import { programmedType } from '../../api/services/programmed';
import { objectKey } from '../../api/types';
import { isNotFound } from '../../base/errors';
import type { EventRecorder } from '../../client/event-recorder';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { metaOf } from '../shared/owner';
import { controllerQueue, runWorkers } from '../shared/worker';
import { WriteGuard } from '../shared/write-guard';
import { isLoadBalancer, planAddresses, type Step } from './plan';
import type { Pool } from './pool';

const allServices = 'pool';

export class LoadBalancerController implements Controller {
  private readonly services: TrackedInformer<Service>;
  private readonly nodes: TrackedInformer<Node>;
  private readonly queue: WorkQueue;
  private readonly events: EventRecorder;
  private readonly guard: WriteGuard<Service>;
  /** Service uid → the last report about it: each report is written once, not at every pass. */
  private readonly reported = new Map<string, string>();

  constructor(
    private readonly deps: Deps,
    private readonly options: { readonly pool: Pool },
  ) {
    this.services = deps.informers.of(services);
    this.nodes = deps.informers.of(nodes);
    this.queue = controllerQueue(deps);
    this.events = deps.recorder('load-balancer-controller');
    this.guard = new WriteGuard(this.services);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.services.onChange((change) => {
      const was = change.type === 'updated' && isLoadBalancer(change.previous);
      if (was || isLoadBalancer(change.object)) this.queue.add(allServices);
      if (change.type === 'deleted') this.reported.delete(metaOf(change.object).uid);
    });
    this.nodes.onChange((change) => {
      const addresses = (node: Node) => JSON.stringify(node.status?.addresses);
      if (change.type !== 'updated' || addresses(change.previous) !== addresses(change.object)) {
        this.queue.add(allServices);
      }
    });
    await Promise.all([this.services, this.nodes].map((informer) => informer.synced(signal)));
    await runWorkers({ queue: this.queue, reconcile: () => this.reconcile(signal) }, signal);
  }

  async reconcile(signal: AbortSignal): Promise<void> {
    // The event that shows our last write leads to the next pass.
    if (!this.guard.isCurrent(allServices)) return;
    for (const step of planAddresses(this.services.list(), this.nodes.list(), this.options.pool)) {
      try {
        await this.apply(step, signal);
      } catch (err) {
        if (!isNotFound(err)) throw err;
      }
    }
  }

  private async apply(step: Step, signal: AbortSignal): Promise<void> {
    const { service } = step;
    const { uid } = metaOf(service);
    switch (step.action) {
      case 'assign':
        await this.write(service, step.addresses, signal);
        this.reported.delete(uid);
        this.events.record(service, 'Normal', 'IPAllocated', `Assigned address ${step.addresses.join(', ')}`);
        return;
      case 'release':
        await this.write(service, [], signal);
        return;
      case 'report':
        if (this.reported.get(uid) === step.message) return;
        this.reported.set(uid, step.message);
        this.events.record(service, 'Warning', 'AllocationFailed', `No load balancer address: ${step.message}`);
    }
  }

  /** Writes with the resourceVersion: a Service that changed meanwhile is planned again. */
  private async write(service: Service, addresses: readonly string[], signal: AbortSignal): Promise<void> {
    const { client, log } = this.deps;
    const ingress = addresses.map((ip) => ({ ip, ipMode: 'VIP' }));
    // The nodes have not programmed the new address yet.
    const conditions = withoutCondition(service.status?.conditions, programmedType);
    const status = {
      ...service.status,
      loadBalancer: ingress.length > 0 ? { ingress } : {},
      ...(conditions.length > 0 ? { conditions: [...conditions] } : { conditions: undefined }),
    };
    const written = await client.update(services, { ...service, status }, { subresource: 'status', signal });
    this.guard.wrote(allServices, written);
    log.info(addresses.length > 0 ? 'address assigned' : 'address released', {
      service: objectKey(service),
      addresses,
    });
  }
}
