import type { X509Certificate } from 'node:crypto';
import t from 'tap';
import { describeCertificate } from './certificate';
import { serverNameOf, tlsVerdict } from './tls-words';

const error = (fields: { code?: string; syscall?: string; reason?: string }) =>
  Object.assign(new Error('text of OpenSSL'), fields);

t.test('errors of TLS, and of the connection below it', async (t) => {
  t.strictSame(tlsVerdict(error({ code: 'ERR_SSL_WRONG_VERSION_NUMBER', reason: 'wrong version number' })), {
    outcome: 'tls',
    error: 'the server does not speak TLS (wrong version number)',
  });
  t.strictSame(tlsVerdict(error({ code: 'ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', reason: 'alert internal error' })), {
    outcome: 'tls',
    error: 'alert internal error',
  });
  t.strictSame(tlsVerdict(error({ code: 'EPROTO' })), { outcome: 'tls', error: 'text of OpenSSL' });
  t.match(tlsVerdict(error({ code: 'ECONNRESET' })), { outcome: 'closed' });
  t.equal(tlsVerdict(error({ code: 'ECONNRESET', syscall: 'read' })), undefined);
  t.equal(tlsVerdict(error({})), undefined);
});

t.test('the name for SNI', async (t) => {
  const name = (host: string, serverName?: string) =>
    serverNameOf({ http: { host, path: '/', ...(serverName !== undefined && { serverName }) } }).servername;
  t.equal(serverNameOf({}).servername, undefined);
  t.equal(name('a.example'), 'a.example');
  t.equal(name('a.example:8443'), 'a.example');
  t.equal(name('a.example', 'b.example'), 'b.example');
  for (const host of ['10.0.0.1', '10.0.0.1:443', '[::1]:443', '::1']) t.equal(name(host), undefined, host);
});

t.test('a certificate in a report', async (t) => {
  type Fields = Pick<X509Certificate, 'subject' | 'issuer' | 'subjectAltName' | 'validToDate'>;
  const fields: Fields = {
    subject: 'O=k8ts\nCN=a',
    issuer: 'CN=ca',
    subjectAltName: 'DNS:a.example, IP Address:10.0.0.1, DNS:"b, c", DNS:*.d',
    validToDate: new Date(0),
  };
  t.strictSame(describeCertificate(fields), {
    subject: 'O=k8ts, CN=a',
    issuer: 'CN=ca',
    names: ['a.example', '10.0.0.1', 'b, c', '*.d'],
    validTo: '1970-01-01T00:00:00.000Z',
  });
  const bare = { ...fields, subject: undefined, subjectAltName: undefined, validToDate: new Date(Number.NaN) };
  t.match(describeCertificate(bare as unknown as Fields), { subject: '', names: [], validTo: 'unknown' });
});
