// Publishes the cluster's CA certificate as ConfigMap kube-root-ca.crt in every namespace: what projected volumes mount.
import { type ConfigMap, configMaps } from '../../api/config-map';
import { type Namespace, namespaces } from '../../api/namespace';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { createOnce, isTerminatingNamespace } from '../shared/namespaced';
import { controllerQueue, runWorkers } from '../shared/worker';

const name = 'kube-root-ca.crt';
const annotations = {
  'kubernetes.io/description':
    'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
};

export class RootCaController implements Controller {
  private readonly namespaces: TrackedInformer<Namespace>;
  private readonly maps: TrackedInformer<ConfigMap>;
  private readonly queue: WorkQueue;

  constructor(
    private readonly deps: Deps,
    private readonly options: { readonly caPem: string },
  ) {
    this.namespaces = deps.informers.of(namespaces);
    this.maps = deps.informers.of(configMaps);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.namespaces.onChange(({ key }) => this.queue.add(key));
    this.maps.onChange(({ object }) => {
      if (object.metadata?.name === name) this.queue.add(object.metadata.namespace ?? '');
    });
    await Promise.all([this.namespaces.synced(signal), this.maps.synced(signal)]);
    await runWorkers({ queue: this.queue, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(namespace: string, signal: AbortSignal): Promise<void> {
    const object = this.namespaces.get(namespace);
    if (!object || isTerminatingNamespace(object)) return;
    const data = { 'ca.crt': this.options.caPem };
    const present = this.maps.get(`${namespace}/${name}`);
    if (!present) {
      await createOnce(this.deps.client, configMaps, { metadata: { name, namespace, annotations }, data }, signal);
    } else if (present.data?.['ca.crt'] !== data['ca.crt'] || Object.keys(present.data).length !== 1) {
      await this.deps.client.update(configMaps, { ...present, data }, { signal });
    }
  }
}
