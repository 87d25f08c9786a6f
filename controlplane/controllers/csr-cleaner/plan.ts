// How long a CertificateSigningRequest stays: pure. Times: "Certificate signing requests" in the reference.
import { X509Certificate } from 'node:crypto';
import { type CertificateSigningRequest, hasCertificateCondition } from '../../api/index';

const hourMs = 3_600_000;
/** After its decision, once nobody waits for it any more. */
export const decidedTtlMs = hourMs;
/** Without a decision. */
export const pendingTtlMs = 24 * hourMs;

/** How long the request still stays, in ms; 0 or less when its time is over. */
export function remainingMs(object: CertificateSigningRequest, nowMs: number): number {
  const decided = (object.status?.conditions ?? []).filter(({ type }) =>
    ['Approved', 'Denied', 'Failed'].includes(type),
  );
  const since = decided.map(({ lastUpdateTime, lastTransitionTime }) => timeOf(lastUpdateTime ?? lastTransitionTime));
  const created = timeOf(object.metadata?.creationTimestamp);
  // Approved and not signed yet still waits, for a signer of someone else's perhaps.
  const waits = decided.length === 0 || (!object.status?.certificate && isOnlyApproved(object));
  const end = waits ? created + pendingTtlMs : Math.max(created, ...since) + decidedTtlMs;
  return Math.min(end, endOfCertificate(object)) - nowMs;
}

const isOnlyApproved = (object: CertificateSigningRequest): boolean =>
  !hasCertificateCondition(object, 'Denied') && !hasCertificateCondition(object, 'Failed');

const timeOf = (text: string | undefined): number => Date.parse(text ?? '') || 0;

/** A certificate that is over needs nobody to remember it. */
function endOfCertificate({ status }: CertificateSigningRequest): number {
  if (!status?.certificate) return Number.POSITIVE_INFINITY;
  try {
    return Date.parse(new X509Certificate(Buffer.from(status.certificate, 'base64')).validTo);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
