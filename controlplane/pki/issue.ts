// Creates keys and certificates. New keys are EC P-256; an authority that an operator brought signs with its own type of key (signer.ts).
// The library takes about 24 MB of memory: a process that rarely needs it imports this file only then.
import 'reflect-metadata';
import { createPrivateKey, createPublicKey, webcrypto } from 'node:crypto';
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
  type X509Certificate as X509Authority,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { BadRequest } from '../base/errors';
import { type CertificateRequest, caLifetimeMs, certificateLifetimeMs, type KeyPair } from './certificate';
import { readSigner } from './signer';

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
  /** In addition to the identifiers of the two keys. */
  readonly extensions: readonly Extension[];
  /** Counted from `nowMs`; the authority's own end cuts it short. */
  readonly lifetimeMs: number;
}

/**
 * The certificate, PEM. @throws BadRequest when the authority's certificate has expired, its key does not belong to its certificate, or is
 * of a type that signs no certificates here
 */
export async function signLeaf(authority: KeyPair, leaf: Leaf, nowMs: number): Promise<string> {
  const { issuer, algorithm, key } = readSigner(authority);
  const endMs = issuer.notAfter.getTime();
  if (endMs <= nowMs) throw new BadRequest(`the authority ended on ${issuer.notAfter.toUTCString()}`);
  const pkcs8 = new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }));
  const cert = await X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: leaf.subject,
      // Byte for byte: a name in another encoding is another name.
      issuer: issuer.subjectName,
      notBefore: new Date(nowMs - backdateMs),
      notAfter: new Date(Math.min(nowMs + leaf.lifetimeMs, endMs)),
      signingAlgorithm: algorithm,
      publicKey: leaf.publicKey,
      signingKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']),
      extensions: [
        ...leaf.extensions,
        await SubjectKeyIdentifierExtension.create(leaf.publicKey),
        ...authorityIdentifier(issuer),
      ],
    },
    provider(),
  );
  return `${cert.toString('pem')}\n`;
}

/** What the authority calls its key; none when it gives it no name, as OpenSSL compares the two. */
function authorityIdentifier(issuer: X509Authority): Extension[] {
  const own = issuer.getExtension(SubjectKeyIdentifierExtension);
  return own ? [new AuthorityKeyIdentifierExtension(own.keyId)] : [];
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

/** The library finds webcrypto by itself; this check fails early if there is none. */
const provider = () => cryptoProvider.get();
