import t from 'tap';
import type { CertificateSigningRequest } from '../../api/index';
import { createRequest, parseRequest } from '../../pki/certificate-request';
import { clientUsages, signers } from '../../pki/signers';
import { planSigning } from './plan';

const dayMs = 86_400_000;
const approved = { type: 'Approved', status: 'True' };
const object = (spec: object = {}, status: object = { conditions: [approved] }): CertificateSigningRequest => ({
  spec: { request: '', signerName: signers.kubeletClient, usages: [...clientUsages], ...spec },
  status,
});

t.test('which requests are signed, and for how long', async (t) => {
  const { request } = await createRequest({ commonName: 'system:node:a', organizations: ['system:nodes'] });
  const parsed = parseRequest(request);
  const plan = (spec?: object, status?: object) => planSigning(object(spec, status), parsed, dayMs);
  t.match(plan(), { action: 'sign', usages: clientUsages, lifetimeMs: dayMs });
  t.match(plan({ expirationSeconds: 3600 }), { lifetimeMs: 3_600_000 });
  t.match(plan({ expirationSeconds: 1e9 }), { lifetimeMs: dayMs }, 'not longer than the limit');
  t.match(plan({ expirationSeconds: 1 }), { lifetimeMs: 600_000 }, 'not shorter than ten minutes');
  const none = { action: 'none' };
  t.match(plan({}, {}), none, 'not approved');
  t.match(plan({}, { conditions: [approved, { type: 'Failed', status: 'True' }] }), none);
  t.match(plan({}, { conditions: [{ type: 'Denied', status: 'True' }] }), none);
  t.match(plan({}, { conditions: [approved], certificate: 'x' }), none, 'signed already');
  t.match(plan({ signerName: 'example.com/x' }), none, 'the signer of another program');
});

t.test('approved requests that fail', async (t) => {
  const { request } = await createRequest({ commonName: 'admin', organizations: ['system:masters'] });
  const plan = planSigning(object(), parseRequest(request), dayMs);
  t.match(plan, { action: 'fail', message: 'subject organization is not system:nodes' });
  t.match(planSigning(object(), undefined, dayMs), { action: 'fail', message: /not a certificate request/ });
});
