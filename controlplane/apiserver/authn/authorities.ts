// Which authority stands behind a client certificate. TLS has verified the certificate against all authorities of the server together: its
// signatures, its dates, its purpose. Here only the authorities are distinguished.
import { X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate } from 'node:tls';

/** A longer chain is followed no further. */
const maxDepth = 10;

/** The certificates of a PEM bundle. @throws Error for one that cannot be read */
export function readBundle(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** Whether a path of signatures leads from the certificate to one of the roots, by certificates that the client has sent. */
export function isIssuedBy(peer: DetailedPeerCertificate, roots: readonly X509Certificate[], nowMs: number): boolean {
  const sent = chainOf(peer);
  let current = sent[0];
  for (let depth = 0; current && depth < maxDepth; depth++) {
    const certificate = current;
    if (roots.some((root) => signs(root, certificate, nowMs))) return true;
    current = sent.find((other) => other !== certificate && other.ca && signs(other, certificate, nowMs));
  }
  return false;
}

function signs(issuer: X509Certificate, subject: X509Certificate, nowMs: number): boolean {
  const isValid = Date.parse(issuer.validFrom) <= nowMs && nowMs <= Date.parse(issuer.validTo);
  return isValid && subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
}

/** Node.js links each certificate to its issuer; the last one is its own. */
function chainOf(peer: DetailedPeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let current: DetailedPeerCertificate | undefined = peer;
  while (current?.raw && chain.length < maxDepth) {
    chain.push(new X509Certificate(current.raw));
    const next: DetailedPeerCertificate | undefined = current.issuerCertificate;
    current = next === current ? undefined : next;
  }
  return chain;
}
