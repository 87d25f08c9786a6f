// Requests a certificate from the cluster: creates the request, waits until it is approved and signed.
import { type CertificateSigningRequest, certificateSigningRequests } from '../api/index';
import { systemClock } from '../base/clock';
import { AppError, hasCode, Invalid, isUnavailable } from '../base/errors';
import type { Client } from './client';

export interface CertificateOrder {
  readonly signerName: string;
  /** PEM, PKCS #10. */
  readonly request: string;
  readonly usages: readonly string[];
  /** The prefix of the object's name: csr-. */
  readonly namePrefix: string;
  readonly expirationSeconds?: number;
  /** Called once the request is created, with the name that `kubectl describe csr` takes. */
  readonly onCreated?: (name: string) => void;
}

/**
 * The certificate, PEM. Waits until the signal is aborted; watches again when a watch breaks.
 * @throws Forbidden with the reason when the request was denied, Invalid when the signer refused it, NotFound when the request
 * was deleted; every error of the create
 */
export async function orderCertificate(client: Client, order: CertificateOrder, signal: AbortSignal): Promise<string> {
  const { signerName, usages, namePrefix, expirationSeconds } = order;
  const created = await client.create(
    certificateSigningRequests,
    {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { generateName: namePrefix },
      spec: {
        request: Buffer.from(order.request).toString('base64'),
        signerName,
        usages: [...usages],
        ...(expirationSeconds === undefined ? {} : { expirationSeconds }),
      },
    },
    { signal },
  );
  const name = created.metadata?.name ?? '';
  order.onCreated?.(name);
  for (let current = created; ; ) {
    try {
      const certificate = outcome(current) ?? (await watchOutcome(client, current, signal));
      if (certificate !== undefined) return certificate;
      current = await client.get(certificateSigningRequests, name, signal);
    } catch (err) {
      if (!isUnavailable(err) && !hasCode(err, 'Expired')) throw err;
      await systemClock.sleep(retryMs, signal);
    }
  }
}

/** The server may be restarting. */
const retryMs = 1000;

/** Undefined when the watch ended before anything was decided. @throws Unavailable, Expired, and what outcome() throws */
async function watchOutcome(
  client: Client,
  { metadata }: CertificateSigningRequest,
  signal: AbortSignal,
): Promise<string | undefined> {
  const params = { fieldSelector: `metadata.name=${metadata?.name}`, resourceVersion: metadata?.resourceVersion ?? '' };
  for await (const { type, object } of client.watch(certificateSigningRequests, params, signal)) {
    const certificate = type === 'BOOKMARK' ? undefined : outcome(object);
    if (certificate !== undefined) return certificate;
    if (type === 'DELETED') return undefined;
  }
  return undefined;
}

/** @throws Forbidden, Invalid */
function outcome({ metadata, status }: CertificateSigningRequest): string | undefined {
  for (const { type, reason = '', message = '' } of status?.conditions ?? []) {
    const why = message === '' ? reason : message;
    if (type === 'Denied') throw new AppError('Forbidden', `certificate request ${metadata?.name} was denied: ${why}`);
    if (type === 'Failed') throw new Invalid(`certificate request ${metadata?.name} could not be signed: ${why}`);
  }
  return status?.certificate ? Buffer.from(status.certificate, 'base64').toString() : undefined;
}
