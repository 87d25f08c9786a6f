// Deletes bootstrap tokens that have expired: they authenticate no request any more, so their Secrets must not stay.
import { bootstrapTokenType, readBootstrapToken } from '../../api/bootstrap-token';
import { type Secret, secrets } from '../../api/index';
import { isNotFound } from '../../base/errors';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import { maxDelayMs } from '../shared/bootstrap-tokens';
import type { Controller, Deps } from '../shared/deps';
import { controllerQueue, runWorkers } from '../shared/worker';

export class TokenCleanerController implements Controller {
  private readonly secrets: TrackedInformer<Secret>;
  private readonly queue: WorkQueue;

  constructor(private readonly deps: Deps) {
    this.secrets = deps.informers.of(secrets);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.secrets.onChange(({ key, object }) => {
      if (object.type === bootstrapTokenType) this.queue.add(key);
    });
    await this.secrets.synced(signal);
    await runWorkers({ queue: this.queue, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const secret = this.secrets.get(key);
    const end = secret && readBootstrapToken(secret)?.expiresAtMs;
    // The token has no expiration: there is nothing to wait for.
    if (!secret || end === undefined || Number.isNaN(end)) return;
    const leftMs = end - this.deps.clock.now();
    if (leftMs > 0) {
      this.queue.addAfter(key, Math.min(leftMs, maxDelayMs));
      return;
    }
    const { uid, resourceVersion } = secret.metadata ?? {};
    // With the resourceVersion that was checked: a token whose expiration was extended meanwhile stays.
    await this.deps.client
      .delete(secrets, key, { preconditions: { uid, resourceVersion }, signal })
      .catch((err: unknown) => {
        if (!isNotFound(err)) throw err;
      });
  }
}
