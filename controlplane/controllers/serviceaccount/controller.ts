// Every namespace has a ServiceAccount named default.
import { type Namespace, namespaces } from '../../api/namespace';
import { type ServiceAccount, serviceAccounts } from '../../api/service-account';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { createOnce, isTerminatingNamespace } from '../shared/namespaced';
import { controllerQueue, runWorkers } from '../shared/worker';

const name = 'default';

export class ServiceAccountController implements Controller {
  private readonly namespaces: TrackedInformer<Namespace>;
  private readonly accounts: TrackedInformer<ServiceAccount>;
  private readonly queue: WorkQueue;

  constructor(private readonly deps: Deps) {
    this.namespaces = deps.informers.of(namespaces);
    this.accounts = deps.informers.of(serviceAccounts);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.namespaces.onChange(({ key }) => this.queue.add(key));
    this.accounts.onChange(({ type, object }) => {
      if (type === 'deleted' && object.metadata?.name === name) this.queue.add(object.metadata.namespace ?? '');
    });
    await Promise.all([this.namespaces.synced(signal), this.accounts.synced(signal)]);
    await runWorkers({ queue: this.queue, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(namespace: string, signal: AbortSignal): Promise<void> {
    const object = this.namespaces.get(namespace);
    if (!object || isTerminatingNamespace(object) || this.accounts.get(`${namespace}/${name}`)) return;
    await createOnce(this.deps.client, serviceAccounts, { metadata: { name, namespace } }, signal);
  }
}
