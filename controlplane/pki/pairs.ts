// Pairs of certificate and key on disk, NAME.crt and NAME.key: read, written, kept while good and replaced before they end.
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { BadRequest } from '../base/errors';
import { type CertificateRequest, type KeyPair, whyReplace } from './certificate';
import { readIfThere, writePrivate } from './files';

/** Undefined unless both files are there. */
export async function readPair(dir: string, name: string): Promise<KeyPair | undefined> {
  const [cert, key] = await Promise.all([readIfThere(join(dir, `${name}.crt`)), readIfThere(join(dir, `${name}.key`))]);
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

/** The key first: a crash in between leaves a pair that does not match, which the next ensure replaces. */
async function writePair(dir: string, name: string, pair: KeyPair): Promise<void> {
  await writePrivate(join(dir, `${name}.key`), pair.key);
  await writePrivate(join(dir, `${name}.crt`), pair.cert);
}

/**
 * The authority `name`; a new one when there is none, and then a line in `written`. Never replaces one that exists.
 * @throws BadRequest when the certificate has no key
 */
export async function ensureAuthority(
  dir: string,
  name: string,
  commonName: string,
  nowMs: number,
  written: string[],
): Promise<KeyPair> {
  const found = await readPair(dir, name);
  if (found) return found;
  // A key alone is what a crash left; a certificate is trusted by others.
  if ((await readIfThere(join(dir, `${name}.crt`))) !== undefined) {
    throw new BadRequest(`${name}.key is missing: this server signs certificates with the authority ${name}.crt`);
  }
  const { createAuthority } = await import('./issue');
  const authority = await createAuthority(commonName, nowMs);
  await writePair(dir, name, authority);
  written.push(`${name}: it was missing`);
  return authority;
}

/**
 * Writes `name`.crt and `name`.key unless they are good; returns the reason when it wrote them. Names that the present certificate has
 * stay: who renews it (the server itself) does not know all names that it was created with.
 */
export async function ensurePair(
  dir: string,
  name: string,
  authority: KeyPair,
  request: CertificateRequest,
  nowMs: number,
): Promise<string | undefined> {
  const there = await readPair(dir, name);
  const reason = there ? whyReplace(there, request, authority.cert, nowMs) : 'it was missing';
  if (reason === undefined) return undefined;
  const { issueCertificate } = await import('./issue');
  const hosts = [...new Set([...(request.hosts ?? []), ...(there ? hostsOf(there.cert, authority) : [])])];
  await writePair(dir, name, await issueCertificate(authority, { ...request, hosts }, nowMs));
  return reason;
}

/** DNS names and addresses of a certificate of this authority; none of a foreign certificate, or of a text that is none. */
function hostsOf(pem: string, authority: KeyPair): readonly string[] {
  try {
    const cert = new X509Certificate(pem);
    const issuer = new X509Certificate(authority.cert);
    if (!cert.checkIssued(issuer) || !cert.verify(issuer.publicKey)) return [];
    return (cert.subjectAltName ?? '')
      .split(', ')
      .flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? []);
  } catch {
    return [];
  }
}
