// Keeps the legacy Endpoints object of every Service with a selector: older clients read nothing else. Deletes the Endpoints of
// each deleted Service.
import { type Endpoints, endpoints } from '../../api/endpoints';
import { type Pod, pods } from '../../api/pod';
import { type Service, services } from '../../api/service';
import { isAlreadyExists, isNotFound } from '../../base/errors';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { refusedByTermination } from '../shared/namespaced';
import { metaOf } from '../shared/owner';
import { podsOf, servicesTouched } from '../shared/service-pods';
import { TriggerTimes } from '../shared/trigger-times';
import { controllerQueue, runWorkers } from '../shared/worker';
import { planEndpoints, type Step } from './plan';

const workers = 5;

export class EndpointsController implements Controller {
  private readonly services: TrackedInformer<Service>;
  private readonly pods: TrackedInformer<Pod>;
  private readonly endpoints: TrackedInformer<Endpoints>;
  private readonly queue: WorkQueue;
  private readonly triggers = new TriggerTimes();
  /** Services that were deleted, until their Endpoints are. */
  private readonly deleted = new Set<string>();

  constructor(private readonly deps: Deps) {
    this.services = deps.informers.of(services);
    this.pods = deps.informers.of(pods);
    this.endpoints = deps.informers.of(endpoints);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.services.onChange(({ key, type }) => {
      if (type === 'deleted') this.deleted.add(key);
      else this.deleted.delete(key);
      this.queue.add(key);
    });
    this.endpoints.onChange(({ key }) => this.queue.add(key));
    this.pods.onChange((change) => {
      for (const key of servicesTouched(change, this.services)) this.queue.add(key);
    });
    await Promise.all([this.services, this.pods, this.endpoints].map((informer) => informer.synced(signal)));
    await runWorkers({ queue: this.queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const service = this.services.get(key);
    const pods = podsOf(service, this.pods);
    const triggeredAt = service && this.triggers.observe(key, service, pods);
    if (!service) this.triggers.forget(key);
    const existing = this.endpoints.get(key);
    const deleted = this.deleted.has(key);
    for (const step of planEndpoints({ service, pods, existing, deleted, triggeredAt })) {
      try {
        await this.apply(key, step, signal);
      } catch (err) {
        if (refusedByTermination(err)) return;
        // The copy does not show our own create yet: its event leads to the next pass.
        if (step.action === 'create' && isAlreadyExists(err)) return;
        throw err;
      }
    }
    // Later Endpoints of the name belong to nothing that was deleted.
    this.deleted.delete(key);
  }

  private async apply(key: string, { action, endpoints: object }: Step, signal: AbortSignal): Promise<void> {
    const { client } = this.deps;
    if (action === 'create') await client.create(endpoints, object, { signal });
    else if (action === 'update') await client.update(endpoints, object, { signal });
    else {
      await client
        .delete(endpoints, key, { preconditions: { uid: metaOf(object).uid }, signal })
        .catch((err: unknown) => {
          if (!isNotFound(err)) throw err;
        });
    }
  }
}
