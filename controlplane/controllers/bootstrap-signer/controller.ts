// Keeps the signatures of kube-public/cluster-info: a machine with a token verifies with them that the text comes from this cluster.
import { readBootstrapToken } from '../../api/bootstrap-token';
import { type ConfigMap, configMaps, type Secret, secrets } from '../../api/index';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import { clusterInfoName, clusterInfoNamespace } from '../../pki/cluster-info';
import { maxDelayMs, tokensOf } from '../shared/bootstrap-tokens';
import type { Controller, Deps } from '../shared/deps';
import { controllerQueue, runWorkers } from '../shared/worker';
import { nextEndMs, planSignatures } from './plan';

const key = `${clusterInfoNamespace}/${clusterInfoName}`;

export class BootstrapSignerController implements Controller {
  private readonly maps: TrackedInformer<ConfigMap>;
  private readonly secrets: TrackedInformer<Secret>;
  private readonly queue: WorkQueue;

  constructor(private readonly deps: Deps) {
    this.maps = deps.informers.of(configMaps);
    this.secrets = deps.informers.of(secrets);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.maps.onChange((change) => {
      if (change.key === key) this.queue.add(key);
    });
    this.secrets.onChange((change) => {
      const before = change.type === 'updated' && readBootstrapToken(change.previous);
      if (before || readBootstrapToken(change.object)) this.queue.add(key);
    });
    await Promise.all([this.maps.synced(signal), this.secrets.synced(signal)]);
    await runWorkers({ queue: this.queue, reconcile: () => this.reconcile(signal) }, signal);
  }

  async reconcile(signal: AbortSignal): Promise<void> {
    const info = this.maps.get(key);
    if (!info) return;
    const nowMs = this.deps.clock.now();
    const tokens = tokensOf(this.secrets);
    const before = info.data ?? {};
    const data = planSignatures(before, tokens, nowMs);
    if (data !== before) await this.deps.client.update(configMaps, { ...info, data: { ...data } }, { signal });
    const endMs = nextEndMs(tokens, nowMs);
    if (endMs !== undefined) this.queue.addAfter(key, Math.min(endMs, maxDelayMs));
  }
}
