import t from 'tap';
import type { CertificateSigningRequest } from '../../api/index';
import { createAuthority, issueCertificate } from '../../pki/issue';
import { decidedTtlMs, pendingTtlMs, remainingMs } from './plan';

const start = Date.parse('2026-01-01T00:00:00Z');
const at = (ms: number) => new Date(ms).toISOString();
const object = (status?: CertificateSigningRequest['status']): CertificateSigningRequest => ({
  metadata: { name: 'a', creationTimestamp: at(start) },
  spec: { request: '', signerName: 'a.b/c' },
  ...(status ? { status } : {}),
});
const decided = (type: string, ms: number) => ({ type, status: 'True', lastUpdateTime: at(ms) });

t.test('the time until a request is deleted', async (t) => {
  const later = start + 1000;
  const cases: Array<[string, CertificateSigningRequest['status'], number]> = [
    ['pending', undefined, pendingTtlMs],
    ['approved, and a signer may still sign', { conditions: [decided('Approved', later)] }, pendingTtlMs],
    ['issued', { conditions: [decided('Approved', later)], certificate: 'eA==' }, decidedTtlMs + 1000],
    ['denied', { conditions: [decided('Denied', later)] }, decidedTtlMs + 1000],
    ['failed', { conditions: [decided('Approved', start), decided('Failed', later)] }, decidedTtlMs + 1000],
    ['decided without a time', { conditions: [{ type: 'Denied', status: 'True' }] }, decidedTtlMs],
  ];
  for (const [name, status, ms] of cases) t.equal(remainingMs(object(status), start), ms, name);
});

t.test('a request with an expired certificate is deleted at once', async (t) => {
  const authority = await createAuthority('kubernetes', start);
  const { cert } = await issueCertificate(authority, { commonName: 'a', usages: ['client'] }, start - 365 * 86_400_000);
  const certificate = Buffer.from(cert).toString('base64');
  t.ok(remainingMs(object({ conditions: [decided('Approved', start)], certificate }), start + 1) <= 0);
});
