// Authorities of another origin: their keys sign certificates that TLS accepts on both sides.
import 'reflect-metadata';
import { webcrypto, X509Certificate } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import {
  BasicConstraintsExtension,
  type Extension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import t, { type Test } from 'tap';
import type { KeyPair } from './certificate';
import { exportKey, issueCertificate } from './issue';
import { ensurePki } from './pki';

const names = { advertiseAddress: '192.168.57.10', serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local' };

interface Algorithm {
  readonly name: string;
  readonly hash: string;
  readonly namedCurve?: string;
  readonly modulusLength?: number;
  readonly publicExponent?: Uint8Array<ArrayBuffer>;
}

async function authority(algorithm: Algorithm, extensions: Extension[] = []): Promise<KeyPair> {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
  const cert = await X509CertificateGenerator.createSelfSigned({
    // Of several parts.
    name: [{ C: ['DE'] }, { O: ['Example, Inc.'] }, { CN: ['corp root'] }],
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 86_400_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new BasicConstraintsExtension(true, undefined, true), ...extensions],
  });
  return { cert: `${cert.toString('pem')}\n`, key: await exportKey(keys) };
}
type CryptoKeyPair = Parameters<typeof exportKey>[0];

/** The name of the client as a server sees it, when each verifies the other. */
async function handshake(t: Test, ca: KeyPair): Promise<string> {
  const server = await issueCertificate(ca, { commonName: 's', usages: ['server'], hosts: ['127.0.0.1'] }, Date.now());
  const client = await issueCertificate(ca, { commonName: 'jane', usages: ['client'] }, Date.now());
  const listening = createServer({ ...server, ca: ca.cert, requestCert: true }, (message, response) => {
    const socket = message.socket as TLSSocket;
    response.end(`${socket.authorized} ${socket.getPeerCertificate().subject.CN}`);
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  t.teardown(() => listening.close());
  const { port } = listening.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, ...client, ca: ca.cert, agent: false }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve(text);
    });
    asked.on('error', reject);
    asked.end();
  });
}

const rsa = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};
const algorithms: readonly Algorithm[] = [
  rsa,
  { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
];
for (const algorithm of algorithms) {
  t.test(`an authority with a key of type ${JSON.stringify(algorithm)}`, async (t) => {
    const ca = await authority(algorithm);
    t.equal(await handshake(t, ca), 'true jane');
    const issuer = new X509Certificate(ca.cert).subject;
    const leaf = await issueCertificate(ca, { commonName: 'a', usages: ['client'] }, Date.now());
    t.equal(new X509Certificate(leaf.cert).issuer, issuer);
  });
}

t.test('an identifier of the key that the authority chose itself', async (t) => {
  const ca = await authority(rsa, [new SubjectKeyIdentifierExtension('0102030405')]);
  t.equal(await handshake(t, ca), 'true jane');
});

async function ensure(t: Test, ca: Partial<KeyPair>): Promise<readonly string[]> {
  const dir = t.testdir();
  await ensurePki(dir, names);
  for (const file of ['ca.crt', 'ca.key']) await rm(join(dir, file));
  if (ca.cert !== undefined) await writeFile(join(dir, 'ca.crt'), ca.cert);
  if (ca.key !== undefined) await writeFile(join(dir, 'ca.key'), ca.key);
  const made = await ensurePki(dir, names);
  t.equal(await readFile(join(dir, 'ca.crt'), 'utf8'), ca.cert ?? (await readFile(join(dir, 'ca.crt'), 'utf8')));
  return made;
}

t.test('ensurePki signs with the authority that is there, or says what is wrong with it', async (t) => {
  const ca = await authority(rsa);
  t.same(await ensure(t, ca), [
    'apiserver: it was signed by another authority',
    'apiserver-kubelet-client: it was signed by another authority',
  ]);
  const other = await authority(rsa);
  await t.rejects(ensure(t, { cert: ca.cert, key: other.key }), {
    code: 'BadRequest',
    message: 'the key of the authority is not the key of its certificate',
  });
  await t.rejects(ensure(t, { cert: ca.cert, key: 'none' }), {
    code: 'BadRequest',
    message: 'the key of the authority cannot be read: expected a private key in PEM without a passphrase',
  });
  await t.rejects(ensure(t, { cert: ca.cert }), {
    code: 'BadRequest',
    message: 'ca.key is missing: this server signs certificates with the authority ca.crt',
  });
  t.match(await ensure(t, { key: ca.key }), ['ca: it was missing'], 'a key alone is what a crash left');
  const edwards = await authority({ name: 'Ed25519', hash: 'SHA-512' });
  await t.rejects(ensure(t, edwards), {
    code: 'BadRequest',
    message: 'the key of the authority is of type ed25519: expected RSA, or ECDSA with the curve P-256, P-384 or P-521',
  });
});
