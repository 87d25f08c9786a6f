// The key with which an authority signs certificates. Those of this project are EC P-256; an authority of another origin may have an RSA key
// or another curve.
import { createPrivateKey, type KeyObject, X509Certificate as NodeCertificate } from 'node:crypto';
import { X509Certificate } from '@peculiar/x509';
import { BadRequest } from '../base/errors';
import type { KeyPair } from './certificate';

export interface SigningAlgorithm {
  readonly name: 'ECDSA' | 'RSASSA-PKCS1-v1_5';
  readonly namedCurve?: string;
  readonly hash: string;
}

export interface Signer {
  readonly issuer: X509Certificate;
  readonly key: KeyObject;
  readonly algorithm: SigningAlgorithm;
}

/** By OpenSSL's names. Each curve with the hash of its length, as Go chooses. */
const curves: Readonly<Record<string, SigningAlgorithm>> = {
  prime256v1: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  secp384r1: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  secp521r1: { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
};
const rsa: SigningAlgorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };

/** @throws BadRequest for a key that cannot be read, that is not the certificate's, or that is neither RSA nor ECDSA */
export function readSigner({ cert, key: pem }: KeyPair): Signer {
  const key = readKey(pem);
  const issuer = new NodeCertificate(cert);
  if (!issuer.checkPrivateKey(key)) throw new BadRequest('the key of the authority is not the key of its certificate');
  return { issuer: new X509Certificate(issuer.raw), key, algorithm: algorithmOf(key) };
}

function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new BadRequest(
      'the key of the authority cannot be read: expected a private key in PEM without a passphrase',
      {
        cause,
      },
    );
  }
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): SigningAlgorithm {
  const curve = asymmetricKeyDetails?.namedCurve ?? '';
  const found = asymmetricKeyType === 'rsa' ? rsa : curves[curve];
  if (found) return found;
  const type = curve === '' ? asymmetricKeyType : `${asymmetricKeyType} ${curve}`;
  throw new BadRequest(
    `the key of the authority is of type ${type}: expected RSA, or ECDSA with the curve P-256, P-384 or P-521`,
  );
}
