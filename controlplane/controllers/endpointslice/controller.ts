// Keeps the EndpointSlices of every Service with a selector.

import { type EndpointSlice, endpointSlices } from '../../api/endpoint-slice';
import { type Node, nodes } from '../../api/node';
import { type Pod, pods } from '../../api/pod';
import { type Service, services } from '../../api/service';
import { serviceKeyOf, sliceManagedByLabel } from '../../api/slices/facts';
import { objectKey } from '../../api/types';
import { describeError } from '../../base/errors';
import type { EventRecorder } from '../../client/event-recorder';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { byNamespace } from '../shared/informers';
import { refusedByTermination } from '../shared/namespaced';
import { podsOf, servicesTouched } from '../shared/service-pods';
import { applySliceStep, servicesOfSlice } from '../shared/slice-step';
import { TriggerTimes } from '../shared/trigger-times';
import { controllerQueue, runWorkers } from '../shared/worker';
import { WriteGuard } from '../shared/write-guard';
import { managedBy, planSlices } from './plan';

const workers = 5;
const zoneLabel = 'topology.kubernetes.io/zone';

export class EndpointSliceController implements Controller {
  private readonly services: TrackedInformer<Service>;
  private readonly pods: TrackedInformer<Pod>;
  private readonly slices: TrackedInformer<EndpointSlice>;
  private readonly nodes: TrackedInformer<Node>;
  private readonly queue: WorkQueue;
  private readonly guard: WriteGuard<EndpointSlice>;
  private readonly events: EventRecorder;
  private readonly triggers = new TriggerTimes();

  constructor(private readonly deps: Deps) {
    this.services = deps.informers.of(services);
    this.pods = deps.informers.of(pods);
    this.slices = deps.informers.of(endpointSlices);
    this.nodes = deps.informers.of(nodes);
    this.queue = controllerQueue(deps);
    this.guard = new WriteGuard(this.slices);
    this.events = deps.recorder('endpoint-slice-controller');
  }

  async run(signal: AbortSignal): Promise<void> {
    this.services.onChange(({ key }) => this.queue.add(key));
    this.pods.onChange((change) => {
      for (const key of servicesTouched(change, this.services)) this.queue.add(key);
    });
    this.slices.onChange((change) => {
      if (isOurs(change.object)) for (const key of servicesOfSlice(change)) this.queue.add(key);
    });
    this.nodes.onChange((change) => {
      const zone = ({ metadata }: Node) => metadata?.labels?.[zoneLabel];
      const same = change.type === 'updated' && zone(change.previous) === zone(change.object);
      if (!same && zone(change.object) !== undefined)
        for (const service of this.services.list()) this.queue.add(objectKey(service));
    });
    const all = [this.services, this.pods, this.slices, this.nodes];
    await Promise.all(all.map((informer) => informer.synced(signal)));
    await runWorkers({ queue: this.queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    if (!this.guard.isCurrent(key)) return;
    const service = this.services.get(key);
    const [namespace = ''] = key.split('/');
    const slices = this.slices
      .by(byNamespace, namespace)
      .filter((slice) => isOurs(slice) && serviceKeyOf(slice) === key);
    const pods = podsOf(service, this.pods);
    const steps = planSlices({
      service,
      pods,
      triggeredAt: service && this.triggers.observe(key, service, pods),
      slices,
      node: (name) => this.nodes.get(name),
    });
    try {
      // New endpoints are written before old ones are removed, so that a Service always has endpoints.
      for (const action of ['create', 'update', 'delete']) {
        await Promise.all(
          steps
            .filter((step) => step.action === action)
            .map((step) => applySliceStep({ client: this.deps.client, guard: this.guard }, key, step, signal)),
        );
      }
    } catch (err) {
      if (refusedByTermination(err)) return;
      if (service)
        this.events.record(
          service,
          'Warning',
          'FailedToUpdateEndpointSlices',
          `Error updating Endpoint Slices for Service ${key}: ${describeError(err)}`,
        );
      throw err;
    }
    if (service) return;
    this.guard.forget(key);
    this.triggers.forget(key);
  }
}

const isOurs = ({ metadata }: EndpointSlice): boolean => metadata?.labels?.[sliceManagedByLabel] === managedBy;
