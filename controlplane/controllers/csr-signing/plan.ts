// Which approved requests are signed, for how long, and why other requests fail. Pure.
import { type CertificateSigningRequest, hasCertificateCondition } from '../../api/index';
import type { ParsedRequest } from '../../pki/certificate-request';
import { isSigner, refusals } from '../../pki/signers';

export type Signing =
  | { readonly action: 'none' }
  | { readonly action: 'sign'; readonly usages: readonly string[]; readonly lifetimeMs: number }
  | { readonly action: 'fail'; readonly message: string };

/** A shorter certificate would expire before its use; the API refuses it, too. */
const minLifetimeMs = 10 * 60_000;

/** True when the request is approved, is not denied or failed, has no certificate yet, and names one of our signers. */
export function isDue(object: CertificateSigningRequest): boolean {
  const has = (type: string) => hasCertificateCondition(object, type);
  if (!has('Approved') || has('Denied') || has('Failed')) return false;
  return !object.status?.certificate && isSigner(object.spec.signerName);
}

/** `request` is undefined when it cannot be parsed. */
export function planSigning(
  object: CertificateSigningRequest,
  request: ParsedRequest | undefined,
  maxLifetimeMs: number,
): Signing {
  const { signerName, usages = [], expirationSeconds } = object.spec;
  if (!isDue(object) || !isSigner(signerName)) return { action: 'none' };
  if (!request) return { action: 'fail', message: 'spec.request is not a certificate request' };
  const refusal = refusals[signerName]({ request, usages });
  if (refusal !== undefined) return { action: 'fail', message: refusal };
  return { action: 'sign', usages, lifetimeMs: lifetimeOf(expirationSeconds, maxLifetimeMs) };
}

/** The requested duration within the bounds; without a request the longest one. */
function lifetimeOf(expirationSeconds: number | undefined, maxLifetimeMs: number): number {
  if (expirationSeconds === undefined) return maxLifetimeMs;
  return Math.min(Math.max(expirationSeconds * 1000, minLifetimeMs), maxLifetimeMs);
}
