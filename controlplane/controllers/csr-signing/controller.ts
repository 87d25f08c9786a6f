// Signs approved requests with the authority of the cluster, or reports why not.
import { type CertificateSigningRequest, certificateSigningRequests } from '../../api/index';
import { formatTime } from '../../base/clock';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { KeyPair } from '../../pki/certificate';
import { signRequest } from '../../pki/sign-request';
import { parsedRequest } from '../shared/certificates';
import type { Controller, Deps } from '../shared/deps';
import { controllerQueue, runWorkers } from '../shared/worker';
import { isDue, planSigning } from './plan';

export interface CsrSigningOptions {
  /** ca.crt and ca.key of the server's pki directory. */
  readonly authority: KeyPair;
  /** The longest validity of a certificate, in ms: --cluster-signing-duration. */
  readonly maxLifetimeMs: number;
}

export class CsrSigningController implements Controller {
  private readonly requests: TrackedInformer<CertificateSigningRequest>;
  private readonly queue: WorkQueue;

  constructor(
    private readonly deps: Deps,
    private readonly options: CsrSigningOptions,
  ) {
    this.requests = deps.informers.of(certificateSigningRequests);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.requests.onChange(({ key, object }) => {
      if (isDue(object)) this.queue.add(key);
    });
    await this.requests.synced(signal);
    await runWorkers({ queue: this.queue, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const object = this.requests.get(key);
    if (!object || !isDue(object)) return;
    const { authority, maxLifetimeMs } = this.options;
    const request = parsedRequest(object);
    const plan = planSigning(object, request, maxLifetimeMs);
    const nowMs = this.deps.clock.now();
    if (plan.action === 'fail') {
      const now = formatTime(nowMs);
      const failed = { type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message: plan.message };
      const conditions = [...(object.status?.conditions ?? []), { ...failed, lastUpdateTime: now }];
      await this.write(object, { ...object.status, conditions }, signal);
    } else if (plan.action === 'sign' && request) {
      const certificate = Buffer.from(await signRequest(authority, request, plan, nowMs)).toString('base64');
      await this.write(object, { ...object.status, certificate }, signal);
    }
  }

  private async write(
    object: CertificateSigningRequest,
    status: NonNullable<CertificateSigningRequest['status']>,
    signal: AbortSignal,
  ): Promise<void> {
    await this.deps.client.update(certificateSigningRequests, { ...object, status }, { subresource: 'status', signal });
  }
}
