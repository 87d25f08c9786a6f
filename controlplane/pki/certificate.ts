// Keys and X.509 certificates as values: EC P-256, signed with SHA-256. Nothing here touches the file system; pki.ts
// decides which certificates there are and where they are kept.
import 'reflect-metadata';
import { createPrivateKey, createPublicKey, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  type Name,
  type PublicKeyType,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { BadRequest } from '../base/errors';

/** PEM texts that belong together. The key is PKCS #8. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** What one certificate says: as whom (client), under which names (server), or both. */
export interface CertificateRequest {
  readonly commonName: string;
  /** Groups of the user, for a client certificate. */
  readonly organizations?: readonly string[];
  readonly usages: readonly ('client' | 'server')[];
  /** DNS names and IP addresses that a server answers under. */
  readonly hosts?: readonly string[];
}

export const dayMs = 24 * 60 * 60 * 1000;
/** As kubeadm: a CA for ten years, everything it signs for one. */
export const caLifetimeMs = 3650 * dayMs;
export const certificateLifetimeMs = 365 * dayMs;
/** A certificate with less than this left is replaced by the next ensure. */
export const renewBeforeMs = 90 * dayMs;
/** Clocks of two machines differ: a new certificate is valid from a little earlier on. */
const backdateMs = 5 * 60 * 1000;

export const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
type KeyMaterial = Awaited<ReturnType<typeof generateKeys>>;

export const generateKeys = () => webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);

/** A new self-signed authority. */
export async function createAuthority(commonName: string, nowMs: number): Promise<KeyPair> {
  const keys = await generateKeys();
  const cert = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: [{ CN: [commonName] }],
      notBefore: new Date(nowMs - backdateMs),
      notAfter: new Date(nowMs + caLifetimeMs),
      signingAlgorithm: keyAlgorithm,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(
          KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign,
          true,
        ),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    provider(),
  );
  return { cert: `${cert.toString('pem')}\n`, key: await exportKey(keys) };
}

/** Signs a new key. @throws BadRequest when the authority's key does not belong to its certificate */
export async function issueCertificate(
  authority: KeyPair,
  request: CertificateRequest,
  nowMs: number,
): Promise<KeyPair> {
  const keys = await generateKeys();
  const cert = await signLeaf(
    authority,
    {
      // One RDN per value; Kubernetes reads every O as a group and the CN as the user.
      subject: [...(request.organizations ?? []).map((group) => ({ O: [group] })), { CN: [request.commonName] }],
      publicKey: keys.publicKey,
      extensions: leafExtensions(request),
      lifetimeMs: certificateLifetimeMs,
    },
    nowMs,
  );
  return { cert, key: await exportKey(keys) };
}

export interface Leaf {
  readonly subject: JsonName | Name;
  readonly publicKey: PublicKeyType;
  /** Beside the identifiers of the two keys, which are added. */
  readonly extensions: readonly Extension[];
  /** Counted from `nowMs`; the authority's own end cuts it short. */
  readonly lifetimeMs: number;
}

/** The certificate, PEM. @throws BadRequest when the authority has ended, or its key does not belong to its certificate */
export async function signLeaf(authority: KeyPair, leaf: Leaf, nowMs: number): Promise<string> {
  const issuer = new X509Certificate(authority.cert);
  const issuerKey = createPrivateKey(authority.key);
  if (!issuer.checkPrivateKey(issuerKey)) throw new BadRequest('ca.key is not the key of ca.crt');
  const endMs = Date.parse(issuer.validTo);
  if (endMs <= nowMs) throw new BadRequest(`the authority ended on ${issuer.validTo}`);
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    new Uint8Array(issuerKey.export({ type: 'pkcs8', format: 'der' })),
    keyAlgorithm,
    false,
    ['sign'],
  );
  const issuerPublic = await webcrypto.subtle.importKey(
    'spki',
    new Uint8Array(issuer.publicKey.export({ type: 'spki', format: 'der' })),
    keyAlgorithm,
    true,
    ['verify'],
  );
  const cert = await X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: leaf.subject,
      issuer: [{ CN: [commonNameOf(issuer)] }],
      notBefore: new Date(nowMs - backdateMs),
      notAfter: new Date(Math.min(nowMs + leaf.lifetimeMs, endMs)),
      signingAlgorithm: keyAlgorithm,
      publicKey: leaf.publicKey,
      signingKey,
      extensions: [
        ...leaf.extensions,
        await SubjectKeyIdentifierExtension.create(leaf.publicKey),
        await AuthorityKeyIdentifierExtension.create(issuerPublic),
      ],
    },
    provider(),
  );
  return `${cert.toString('pem')}\n`;
}

function leafExtensions({ usages, hosts = [] }: CertificateRequest): Extension[] {
  const purposes = usages.map((usage) =>
    usage === 'client' ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth,
  );
  const names = hosts.map((host) =>
    isIP(host) === 0 ? { type: 'dns' as const, value: host } : { type: 'ip' as const, value: host },
  );
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension(purposes),
    ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
  ];
}

/** A fresh key pair for signing tokens (ES256): private key as PKCS #8, public key as SPKI. */
export async function createSigningKey(): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  const privateKey = await exportKey(await generateKeys());
  return { privateKey, publicKey: publicKeyOf(privateKey) };
}

/** The public half of a private key, both PEM. */
export const publicKeyOf = (privateKey: string): string =>
  createPublicKey(createPrivateKey(privateKey)).export({ type: 'spki', format: 'pem' }).toString();

/**
 * Why this certificate cannot go on being used for `request`: signed by another authority, soon over, another subject, a
 * host not covered, or a key that is not its own. Undefined when it is good. Less than `leftMs` before its end counts as over.
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
  if (cert.subject !== wanted.join('\n')) return 'its subject has changed';
  const covers = (host: string) => (isIP(host) === 0 ? cert.checkHost(host) : cert.checkIP(host)) !== undefined;
  const missing = (request.hosts ?? []).find((host) => !covers(host));
  return missing === undefined ? undefined : `it does not cover ${missing}`;
}

const commonNameOf = (cert: X509Certificate): string => /^CN=(.*)$/m.exec(cert.subject)?.[1] ?? '';

/** PKCS #8, PEM. */
export async function exportKey(keys: KeyMaterial): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return createPrivateKey({ key: der, type: 'pkcs8', format: 'der' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

/** 16 random bytes; the top bits keep the number positive and of full length (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  const bytes = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)));
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString('hex');
}

/** The library finds webcrypto by itself; asking for it here fails early where there is none. */
const provider = () => cryptoProvider.get();
