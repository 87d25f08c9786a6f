// Certificate requests (PKCS #10, RFC 2986): the holder of the key creates them, the signer reads and checks them. Pure except
// for the randomness of keys; this file does not know the API object that carries the requests.
import 'reflect-metadata';
import { createPublicKey, verify } from 'node:crypto';
import { isIP } from 'node:net';
import {
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from '@peculiar/x509';
import { BadRequest } from '../base/errors';
import type { CertificateRequest } from './certificate';
import { exportKey, generateKeys, keyAlgorithm } from './issue';

export interface NewRequest {
  /** PEM, CERTIFICATE REQUEST. */
  readonly request: string;
  /** PEM, PKCS #8: never leaves the machine that created it. */
  readonly key: string;
}

/** The content of a request; its signature has been checked. */
export interface ParsedRequest {
  /** '' when the subject has none. */
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
  /** The request as the library holds it, for signing. */
  readonly raw: Pkcs10CertificateRequest;
}

const subjectAlternativeName = '2.5.29.17';

/** A new key, and a request for its certificate. The API object carries the usages. */
export async function createRequest(wanted: Omit<CertificateRequest, 'usages'>): Promise<NewRequest> {
  const keys = await generateKeys();
  const { commonName, organizations = [], hosts = [] } = wanted;
  const names = hosts.map((host) => ({ type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const), value: host }));
  const request = await Pkcs10CertificateRequestGenerator.create({
    // One RDN per value, as in the certificates of certificate.ts.
    name: [...organizations.map((group) => ({ O: [group] })), { CN: [commonName] }],
    keys,
    signingAlgorithm: keyAlgorithm,
    extensions: names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : [],
  });
  return { request: `${request.toString('pem')}\n`, key: await exportKey(keys) };
}

/** @throws BadRequest with the reason why the text is not a request, or when it was not signed with the key it names */
export function parseRequest(pem: string): ParsedRequest {
  if (!/^-----BEGIN CERTIFICATE REQUEST-----$/m.test(pem)) {
    throw new BadRequest('PEM block type must be CERTIFICATE REQUEST');
  }
  let raw: Pkcs10CertificateRequest;
  try {
    raw = new Pkcs10CertificateRequest(pem);
  } catch (cause) {
    throw new BadRequest('the PEM block is not a certificate request', { cause });
  }
  if (!isSignedByItsKey(raw)) throw new BadRequest('the request was not signed with its own key');
  const names = alternativeNames(raw);
  const of = (type: string) => names.filter((name) => name.type === type).map(({ value }) => value);
  return {
    commonName: raw.subjectName.getField('CN')[0] ?? '',
    organizations: raw.subjectName.getField('O'),
    dnsNames: of('dns'),
    ipAddresses: of('ip'),
    emailAddresses: of('email'),
    uris: of('url'),
    raw,
  };
}

/** True when the holder of the key has signed: otherwise anyone could request a certificate for a foreign key. */
function isSignedByItsKey(raw: Pkcs10CertificateRequest): boolean {
  const { name, hash } = raw.signatureAlgorithm as { name?: string; hash?: { name?: string } };
  try {
    const key = createPublicKey({ key: Buffer.from(raw.publicKey.rawData), format: 'der', type: 'spki' });
    // The name of Ed25519 includes no hash.
    const digest = name === 'Ed25519' ? null : (hash?.name ?? 'SHA-256').replace('-', '').toLowerCase();
    return verify(digest, firstElement(Buffer.from(raw.rawData)), key, Buffer.from(raw.signature));
  } catch {
    return false;
  }
}

/** The first element of a DER SEQUENCE, header included: of a request, the part that is signed. */
function firstElement(sequence: Buffer): Buffer {
  const start = elementAt(sequence, 0).contentAt;
  return sequence.subarray(start, elementAt(sequence, start).end);
}

/** Where the content of the element at `at` begins and ends (X.690, 8.1.3). */
function elementAt(der: Buffer, at: number): { contentAt: number; end: number } {
  const short = der.readUInt8(at + 1);
  const lengthBytes = short < 0x80 ? 0 : short & 0x7f;
  const length = lengthBytes === 0 ? short : der.readUIntBE(at + 2, lengthBytes);
  const contentAt = at + 2 + lengthBytes;
  return { contentAt, end: contentAt + length };
}

function alternativeNames(raw: Pkcs10CertificateRequest): readonly { type: string; value: string }[] {
  return raw
    .getExtensions(subjectAlternativeName)
    .flatMap((extension) => new SubjectAlternativeNameExtension(extension.rawData).names.items)
    .map(({ type, value }) => ({ type, value }));
}
