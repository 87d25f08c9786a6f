// How long a CertificateSigningRequest stays. Pure. Times: "Certificate signing requests" in the reference.
import { X509Certificate } from 'node:crypto';
import { type CertificateSigningRequest, hasCertificateCondition } from '../../api/index';

const hourMs = 3_600_000;
/** After the decision, when no process waits for the certificate any more. */
export const decidedTtlMs = hourMs;
/** Without a decision. */
export const pendingTtlMs = 24 * hourMs;

/** How long the request still stays, in ms; 0 or less when it is to be deleted. */
export function remainingMs(object: CertificateSigningRequest, nowMs: number): number {
  const decided = (object.status?.conditions ?? []).filter(({ type }) =>
    ['Approved', 'Denied', 'Failed'].includes(type),
  );
  const since = decided.map(({ lastUpdateTime, lastTransitionTime }) => timeOf(lastUpdateTime ?? lastTransitionTime));
  const created = timeOf(object.metadata?.creationTimestamp);
  // An approved request without a certificate still waits, perhaps for a signer outside this cluster.
  const waits = decided.length === 0 || (!object.status?.certificate && isOnlyApproved(object));
  const end = waits ? created + pendingTtlMs : Math.max(created, ...since) + decidedTtlMs;
  return Math.min(end, endOfCertificate(object)) - nowMs;
}

const isOnlyApproved = (object: CertificateSigningRequest): boolean =>
  !hasCertificateCondition(object, 'Denied') && !hasCertificateCondition(object, 'Failed');

const timeOf = (text: string | undefined): number => Date.parse(text ?? '') || 0;

/** A request whose certificate has expired has no use. */
function endOfCertificate({ status }: CertificateSigningRequest): number {
  if (!status?.certificate) return Number.POSITIVE_INFINITY;
  try {
    return Date.parse(new X509Certificate(Buffer.from(status.certificate, 'base64')).validTo);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
