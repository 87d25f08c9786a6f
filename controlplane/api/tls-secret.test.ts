// Texts of kube-apiserver 1.36.3 for the same Secrets.
import t from 'tap';
import { createAuthority } from '../pki/issue';
import { secrets } from './secret';
import { whyNoKeyPair } from './tls-secret';

const now = Date.parse('2026-01-01T00:00:00Z');
const pem = (type: string, content = 'AAAA') => `-----BEGIN ${type}-----\n${content}\n-----END ${type}-----\n`;

t.test('a certificate and its key', async (t) => {
  const own = await createAuthority('a', now);
  const other = await createAuthority('b', now);
  const cases: [name: string, certificate: string, key: string, why: string | undefined][] = [
    ['both fit', own.cert, own.key, undefined],
    ['text around the blocks', `x\n${pem('OTHER')}${own.cert}`, `y\n${own.key}`, undefined],
    ['nothing', '', own.key, 'tls: failed to find any PEM data in certificate input'],
    [
      'switched',
      own.key,
      own.cert,
      'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched',
    ],
    [
      'another block',
      pem('A') + pem('B'),
      own.key,
      'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [A B]',
    ],
    ['no key', own.cert, 'x', 'tls: failed to find any PEM data in key input'],
    [
      'no key but a certificate',
      own.cert,
      own.cert,
      'tls: found a certificate rather than a key in the PEM for the private key',
    ],
    [
      'no key but another block',
      own.cert,
      pem('A'),
      'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [A]',
    ],
    ['no certificate inside', pem('CERTIFICATE'), own.key, 'x509: malformed certificate'],
    ['no key inside', own.cert, pem('PRIVATE KEY'), 'tls: failed to parse private key'],
    ['the key of another certificate', own.cert, other.key, 'tls: private key does not match public key'],
  ];
  for (const [name, certificate, key, why] of cases) t.equal(whyNoKeyPair(certificate, key), why, name);
});

t.test('only Secrets of type kubernetes.io/tls are looked at', async (t) => {
  const warnings = (type: string) =>
    secrets.options.warnings?.({ type, data: { 'tls.crt': 'ZA==', 'tls.key': 'ZA==' } }, { subresource: '' });
  t.same(warnings('kubernetes.io/tls'), ['tls: failed to find any PEM data in certificate input']);
  t.same(warnings('Opaque'), []);
});
