// X.509 certificates as values: the desired content, and whether a certificate still has it. This file does not touch the file
// system (pki.ts decides which certificates exist) and does not need the library that writes certificates (issue.ts).
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/** PEM texts that belong together. The key is PKCS #8. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** The content of one certificate: a user (client), names (server), or both. */
export interface CertificateRequest {
  readonly commonName: string;
  /** Groups of the user, for a client certificate. */
  readonly organizations?: readonly string[];
  readonly usages: readonly ('client' | 'server')[];
  /** DNS names and IP addresses of a server. */
  readonly hosts?: readonly string[];
}

export const dayMs = 24 * 60 * 60 * 1000;
/** As kubeadm: a CA for ten years, everything it signs for one. */
export const caLifetimeMs = 3650 * dayMs;
export const certificateLifetimeMs = 365 * dayMs;
/** The next ensure replaces a certificate that is valid for less than this time. */
export const renewBeforeMs = 90 * dayMs;
/**
 * Why this certificate can no longer be used for `request`: signed by another authority, expires soon, another subject, a
 * host not covered, or a key that is not its own. Undefined when it is good. Less than `leftMs` before its end counts as expired.
 */
export function whyReplace(
  pair: KeyPair,
  request: CertificateRequest,
  authority: string,
  nowMs: number,
  leftMs = renewBeforeMs,
): string | undefined {
  let cert: X509Certificate;
  try {
    cert = new X509Certificate(pair.cert);
    if (!cert.checkPrivateKey(createPrivateKey(pair.key))) return 'the key is not the key of the certificate';
  } catch {
    return 'it cannot be read';
  }
  const issuer = new X509Certificate(authority);
  if (!cert.checkIssued(issuer) || !cert.verify(issuer.publicKey)) return 'it was signed by another authority';
  if (Date.parse(cert.validTo) - nowMs < leftMs) return `it ends on ${cert.validTo}`;
  const wanted = [...(request.organizations ?? []).map((group) => `O=${group}`), `CN=${request.commonName}`];
  // Node escapes a newline inside a name, so the lines of a subject are its names.
  if (cert.subject !== wanted.join('\n')) return 'its subject has changed';
  const covers = (host: string) => (isIP(host) === 0 ? cert.checkHost(host) : cert.checkIP(host)) !== undefined;
  const missing = (request.hosts ?? []).find((host) => !covers(host));
  return missing === undefined ? undefined : `it does not cover ${missing}`;
}
