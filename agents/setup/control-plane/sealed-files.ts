// The authorities of a cluster, sealed with a key that only the administrator sees, for a machine that joins as a further control machine.
// Names, cipher and layout are those of kubeadm (Secret kube-system/kubeadm-certs). Pure, except for randomness.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { BadRequest } from '../../../controlplane/base/errors';

const cipher = 'aes-256-gcm';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** 64 hex digits. */
export const createSealKey = (): string => randomBytes(keyBytes).toString('hex');

/** @throws BadRequest */
function parseKey(text: string): Buffer {
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new BadRequest('expected 64 hex digits, as --certificate-key was printed');
  return Buffer.from(text, 'hex');
}

/** Base64 of nonce, text and tag, as Go's cipher.AEAD lays them out. */
export function seal(text: string, sealKey: string): string {
  const nonce = randomBytes(nonceBytes);
  const encrypt = createCipheriv(cipher, parseKey(sealKey), nonce);
  const sealed = Buffer.concat([nonce, encrypt.update(text, 'utf8'), encrypt.final(), encrypt.getAuthTag()]);
  return sealed.toString('base64');
}

/** @throws BadRequest when it was sealed with another key, or changed */
export function unseal(data: string, sealKey: string): string {
  const bytes = Buffer.from(data, 'base64');
  const key = parseKey(sealKey);
  try {
    const decrypt = createDecipheriv(cipher, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes });
    decrypt.setAuthTag(bytes.subarray(bytes.length - tagBytes));
    const text = decrypt.update(bytes.subarray(nonceBytes, bytes.length - tagBytes));
    return Buffer.concat([text, decrypt.final()]).toString('utf8');
  } catch (cause) {
    throw new BadRequest('the certificate key does not open the uploaded certificates: it belongs to another upload', {
      cause,
    });
  }
}

/** etcd/ca.crt is etcd-ca.crt in the Secret: a key of its data has no slash. */
export const dataKeyOf = (path: string): string => path.replace('/', '-');
