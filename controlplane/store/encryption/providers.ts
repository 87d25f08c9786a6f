// Encrypts single values. What is written is what kube-apiserver writes into etcd: a prefix with the provider and the name of the
// key, then the provider's bytes. Source: "Encrypting confidential data at rest" in the documentation. Pure but for random bytes.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Every encrypted value begins so; an object that is stored plain begins with a brace. */
export const encryptedPrefix = Buffer.from('k8s:enc:');

export interface Provider {
  /** Stands in front of the value and selects the key that reads it. '' for plain values. */
  readonly prefix: string;
  /** `key` is the value's place in the store: an authenticated value cannot be moved to another place. */
  encrypt(value: Buffer, key: string): Buffer;
  /** Without the prefix. @throws Error for a wrong key or a damaged value */
  decrypt(value: Buffer, key: string): Buffer;
}

/** Stores values as they are. */
export const identity: Provider = { prefix: '', encrypt: (value) => value, decrypt: (value) => value };

export const isEncrypted = (value: Buffer): boolean =>
  value.length >= encryptedPrefix.length &&
  value.compare(encryptedPrefix, 0, encryptedPrefix.length, 0, encryptedPrefix.length) === 0;

/** Lengths of keys in bytes. */
export const aesKeySizes: readonly number[] = [16, 24, 32];
const nonceBytes = 12;
const tagBytes = 16;
const blockBytes = 16;

/** AES in Galois/counter mode: secret and authentic. Its nonces are random: a key may write about 2^32 values. */
export function aesGcm(name: string, secret: Buffer): Provider {
  const prefix = `k8s:enc:aesgcm:v1:${name}:`;
  const algorithm = `aes-${secret.length * 8}-gcm` as 'aes-256-gcm';
  return {
    prefix,
    encrypt(value, key) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, secret, nonce);
      cipher.setAAD(Buffer.from(key));
      return Buffer.concat([Buffer.from(prefix), nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
    },
    decrypt(value, key) {
      if (value.length < nonceBytes + tagBytes) throw new Error('the value is too short');
      const decipher = createDecipheriv(algorithm, secret, value.subarray(0, nonceBytes));
      decipher.setAAD(Buffer.from(key));
      decipher.setAuthTag(value.subarray(-tagBytes));
      return Buffer.concat([decipher.update(value.subarray(nonceBytes, -tagBytes)), decipher.final()]);
    },
  };
}

/** AES in cipher block chaining mode with padding (PKCS #7): secret, but a change of the value can go unnoticed. */
export function aesCbc(name: string, secret: Buffer): Provider {
  const prefix = `k8s:enc:aescbc:v1:${name}:`;
  const algorithm = `aes-${secret.length * 8}-cbc`;
  return {
    prefix,
    encrypt(value) {
      const vector = randomBytes(blockBytes);
      const cipher = createCipheriv(algorithm, secret, vector);
      return Buffer.concat([Buffer.from(prefix), vector, cipher.update(value), cipher.final()]);
    },
    decrypt(value) {
      if (value.length < 2 * blockBytes || value.length % blockBytes !== 0)
        throw new Error('the value has a wrong length');
      const decipher = createDecipheriv(algorithm, secret, value.subarray(0, blockBytes));
      return Buffer.concat([decipher.update(value.subarray(blockBytes)), decipher.final()]);
    },
  };
}
