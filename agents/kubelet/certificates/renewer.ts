// Renews the certificates of this node before they end: the kubelet's own client certificate, the pair of its server, and the
// client certificates of the node's other processes, which may not request them. Files are replaced in one step, and their
// users notice the change themselves (KubeconfigTransport, ServingCertificate).
import type { Clock } from '../../../controlplane/base/clock';
import { AppError } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import { orderCertificate } from '../../../controlplane/client/certificates';
import type { Client } from '../../../controlplane/client/client';
import { whyReplace } from '../../../controlplane/pki/certificate';
import { type NodeCredential, nodeCredentials } from '../../../controlplane/pki/node-credentials';
import { type NodeFiles, pathOf, readCredential, writeCredential } from '../../../controlplane/pki/node-files';
import { kubeletActivity } from '../stats/activity';
import { planRenewal } from './plan';

/** The longest pause between two passes, because other programs may replace files and clocks may be set. */
const lookAgainMs = 3_600_000;
/** The pause after a failure. A certificate of one year has a month left then. */
const retryMs = 60_000;
/** After this time without a decision a request is abandoned; the next try creates a new one. */
const orderTimeoutMs = 600_000;

export interface RenewerDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly files: NodeFiles;
  readonly nodeName: string;
  /** The current addresses of the node. */
  readonly nodeIps: () => readonly string[];
  /** Called when this renewer or another program may have written the serving pair. */
  readonly served: () => Promise<void>;
  /** An Event on the Node. */
  readonly report: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
}

export class CertificateRenewer {
  constructor(private readonly deps: RenewerDeps) {}

  /** Runs until the signal is aborted. Failures are reported and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.deps;
    while (!signal.aborted) {
      const untilMs = await this.pass(signal).catch((error: unknown) => {
        this.deps.log.warn('certificates cannot be read, will retry', { error });
        return clock.now() + retryMs;
      });
      await this.serve();
      await clock.sleep(Math.max(0, untilMs - clock.now()), signal).catch(() => {});
    }
  }

  /** Renews what is due, one after another; resolves with the time of the next pass, in ms since the epoch. */
  async pass(signal: AbortSignal): Promise<number> {
    const { clock, files, nodeName, nodeIps, log } = this.deps;
    let next = clock.now() + lookAgainMs;
    const own = await readCredential(files, 'kubelet');
    // A kubeconfig with a token, or with certificates in separate files, is maintained by its creator.
    if (!own?.caPem || own.server === undefined) return next;
    const cluster = { server: own.server, caPem: own.caPem };
    for (const credential of nodeCredentials({ name: nodeName, ip: nodeIps().join(',') })) {
      const found = await readCredential(files, credential.name);
      const plan = planRenewal(credential, found, cluster.caPem, clock.now());
      if (plan.action === 'wait') next = Math.min(next, plan.untilMs);
      if (plan.action === 'give-up') {
        kubeletActivity.renewalFailed('client');
        this.fail(`${plan.reason}: join again with a new token (k8ts token create --print-join-command)`);
        return next;
      }
      if (plan.action !== 'renew') continue;
      const file = pathOf(files, credential.name);
      try {
        await this.renew(credential, { ...cluster, server: found?.server ?? cluster.server }, signal);
        log.info('certificate renewed', { file, reason: plan.reason });
      } catch (error) {
        if (signal.aborted) return next;
        log.warn('certificate renewal failed, will retry', { file, reason: plan.reason, error });
        kubeletActivity.renewalFailed(credential.name === 'serving' ? 'server' : 'client');
        this.deps.report('Warning', 'CertificateNotRenewed', `${file}: ${(error as Error).message}`);
        next = Math.min(next, clock.now() + retryMs);
      }
    }
    return next;
  }

  private async renew(
    { name, desired, usages, signerName }: NodeCredential,
    cluster: { readonly server: string; readonly caPem: string },
    signal: AbortSignal,
  ): Promise<void> {
    const { client, files, clock } = this.deps;
    // Loaded only when needed, once or twice a year, because it takes much memory.
    const { createRequest } = await import('../../../controlplane/pki/certificate-request');
    const { request, key } = await createRequest(desired);
    const until = AbortSignal.any([signal, AbortSignal.timeout(orderTimeoutMs)]);
    const cert = await orderCertificate(client, { signerName, request, usages, namePrefix: 'csr-' }, until);
    const pair = { cert, key };
    const wrong = whyReplace(pair, desired, cluster.caPem, clock.now(), 0);
    if (wrong !== undefined) throw new AppError('Internal', `the certificate that was signed is of no use: ${wrong}`);
    await writeCredential(files, name, pair, cluster);
  }

  private async serve(): Promise<void> {
    try {
      await this.deps.served();
    } catch (error) {
      this.deps.log.warn('the serving certificate cannot be reloaded; the server keeps the old one', { error });
    }
  }

  private fail(message: string): void {
    this.deps.log.error('certificates cannot be renewed', { problem: message });
    this.deps.report('Warning', 'CertificateNotRenewed', message);
  }
}
