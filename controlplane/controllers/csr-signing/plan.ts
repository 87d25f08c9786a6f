// Which approved requests are signed, for how long, and why others fail: pure.
import { type CertificateSigningRequest, hasCertificateCondition } from '../../api/index';
import type { ParsedRequest } from '../../pki/certificate-request';
import { isSigner, refusals } from '../../pki/signers';

export type Signing =
  | { readonly action: 'none' }
  | { readonly action: 'sign'; readonly usages: readonly string[]; readonly lifetimeMs: number }
  | { readonly action: 'fail'; readonly message: string };

/** Shorter would be over before it is used; the API refuses it, too. */
const minLifetimeMs = 10 * 60_000;

/** True when a certificate is due: approved, nothing else decided, none there yet, and one of our signers. */
export function isDue(object: CertificateSigningRequest): boolean {
  const has = (type: string) => hasCertificateCondition(object, type);
  if (!has('Approved') || has('Denied') || has('Failed')) return false;
  return !object.status?.certificate && isSigner(object.spec.signerName);
}

/** `request` is undefined where it cannot be read. */
export function planSigning(
  object: CertificateSigningRequest,
  request: ParsedRequest | undefined,
  maxLifetimeMs: number,
): Signing {
  const { signerName, usages = [], expirationSeconds } = object.spec;
  if (!isDue(object) || !isSigner(signerName)) return { action: 'none' };
  if (!request) return { action: 'fail', message: 'spec.request holds no certificate request' };
  const refusal = refusals[signerName]({ request, usages });
  if (refusal !== undefined) return { action: 'fail', message: refusal };
  return { action: 'sign', usages, lifetimeMs: lifetimeOf(expirationSeconds, maxLifetimeMs) };
}

/** What was asked for within the bounds; the most that is given where nothing was. */
function lifetimeOf(expirationSeconds: number | undefined, maxLifetimeMs: number): number {
  if (expirationSeconds === undefined) return maxLifetimeMs;
  return Math.min(Math.max(expirationSeconds * 1000, minLifetimeMs), maxLifetimeMs);
}
