// Mirrors Endpoints that people keep by hand into EndpointSlices, for Services without a selector.

import { type EndpointSlice, endpointSlices } from '../../api/endpoint-slice';
import { type Endpoints, endpoints } from '../../api/endpoints';
import { type Service, services } from '../../api/service';
import { serviceKeyOf, sliceManagedByLabel } from '../../api/slices/facts';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { byNamespace } from '../shared/informers';
import { refusedByTermination } from '../shared/namespaced';
import { applySliceStep, servicesOfSlice } from '../shared/slice-step';
import { controllerQueue, runWorkers } from '../shared/worker';
import { WriteGuard } from '../shared/write-guard';
import { managedBy, planMirror } from './plan';

const workers = 2;

export class EndpointSliceMirroringController implements Controller {
  private readonly services: TrackedInformer<Service>;
  private readonly endpoints: TrackedInformer<Endpoints>;
  private readonly slices: TrackedInformer<EndpointSlice>;
  private readonly queue: WorkQueue;
  private readonly guard: WriteGuard<EndpointSlice>;

  constructor(private readonly deps: Deps) {
    this.services = deps.informers.of(services);
    this.endpoints = deps.informers.of(endpoints);
    this.slices = deps.informers.of(endpointSlices);
    this.queue = controllerQueue(deps);
    this.guard = new WriteGuard(this.slices);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.services.onChange(({ key }) => this.queue.add(key));
    this.endpoints.onChange(({ key }) => this.queue.add(key));
    this.slices.onChange((change) => {
      if (isOurs(change.object)) for (const key of servicesOfSlice(change)) this.queue.add(key);
    });
    await Promise.all([this.services, this.endpoints, this.slices].map((informer) => informer.synced(signal)));
    await runWorkers({ queue: this.queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    if (!this.guard.isCurrent(key)) return;
    const service = this.services.get(key);
    const [namespace = ''] = key.split('/');
    const mine = this.slices.by(byNamespace, namespace).filter((slice) => isOurs(slice) && serviceKeyOf(slice) === key);
    try {
      for (const step of planMirror(service, this.endpoints.get(key), mine))
        await applySliceStep({ client: this.deps.client, guard: this.guard }, key, step, signal);
    } catch (err) {
      if (!refusedByTermination(err)) throw err;
    }
    if (!service) this.guard.forget(key);
  }
}

const isOurs = ({ metadata }: EndpointSlice): boolean => metadata?.labels?.[sliceManagedByLabel] === managedBy;
