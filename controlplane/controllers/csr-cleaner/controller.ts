// Deletes CertificateSigningRequests that are old enough.
import { type CertificateSigningRequest, certificateSigningRequests } from '../../api/index';
import { isNotFound } from '../../base/errors';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { controllerQueue, runWorkers } from '../shared/worker';
import { remainingMs } from './plan';

export class CsrCleanerController implements Controller {
  private readonly requests: TrackedInformer<CertificateSigningRequest>;
  private readonly queue: WorkQueue;

  constructor(private readonly deps: Deps) {
    this.requests = deps.informers.of(certificateSigningRequests);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.requests.onChange(({ key }) => this.queue.add(key));
    await this.requests.synced(signal);
    await runWorkers({ queue: this.queue, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const object = this.requests.get(key);
    if (!object) return;
    const leftMs = remainingMs(object, this.deps.clock.now());
    if (leftMs > 0) {
      this.queue.addAfter(key, leftMs);
      return;
    }
    const preconditions = { uid: object.metadata?.uid };
    await this.deps.client.delete(certificateSigningRequests, key, { preconditions, signal }).catch((err: unknown) => {
      if (!isNotFound(err)) throw err;
    });
  }
}
