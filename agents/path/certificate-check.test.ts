import t from 'tap';
import { certificateFault } from './certificate-check';

const now = Date.parse('2026-06-01T00:00:00Z');
const codeOf = (host: string | undefined, names: readonly string[], validTo?: string) =>
  certificateFault({ subject: 'CN=x', names, ...(validTo ? { validTo } : {}) }, host, now)?.code;

t.test('the names of a certificate', async (t) => {
  t.equal(codeOf('Shop.local', ['other.local', 'shop.LOCAL']), undefined);
  t.equal(codeOf('a.shop.local', ['*.shop.local']), undefined);
  t.equal(codeOf('a.b.shop.local', ['*.shop.local']), 'CertificateName', 'one label');
  t.equal(codeOf('shop.local', ['*.shop.local']), 'CertificateName');
  t.equal(codeOf('shop', ['*.shop']), 'CertificateName');
  t.equal(codeOf('192.168.0.1', ['192.168.0.1']), undefined);
  t.equal(codeOf('shop.local', []), 'CertificateName', 'clients do not look at the subject');
});

t.test('its end', async (t) => {
  t.equal(codeOf('a.b', ['a.b'], '2026-05-31T00:00:00Z'), 'CertificateExpired');
  t.equal(codeOf('a.b', ['a.b'], '2026-06-02T00:00:00Z'), undefined);
  t.equal(codeOf('a.b', ['a.b'], 'unknown'), undefined);
});

t.test('no certificate was seen, or none was asked for', async (t) => {
  t.equal(certificateFault(undefined, 'a.b'), undefined);
  t.equal(codeOf(undefined, ['a.b']), undefined);
});
