import t from 'tap';
import { dayMs } from '../../../controlplane/pki/certificate';
import { createAuthority, issueCertificate } from '../../../controlplane/pki/issue';
import { nodeCredentials } from '../../../controlplane/pki/node-credentials';
import { identities } from '../../../controlplane/pki/pki';
import { planRenewal } from './plan';

const start = Date.parse('2026-01-01T00:00:00Z');
const node = { name: 'w1', ip: '192.168.56.11' };

t.test('when a certificate of one year is renewed', async (t) => {
  const authority = await createAuthority('kubernetes', start);
  for (const credential of nodeCredentials(node)) {
    const pair = await issueCertificate(authority, credential.desired, start);
    const at = (days: number) => planRenewal(credential, { pair }, authority.cert, start + days * dayMs);
    const fresh = at(0);
    t.equal(fresh.action, 'wait', credential.name);
    if (fresh.action !== 'wait') continue;
    const days = (fresh.untilMs - start) / dayMs;
    t.ok(days > 250 && days < 330, `${credential.name}: between 70 and 90 percent, ${days}`);
    t.strictSame(at(1), fresh, 'the time does not move');
    t.match(at(days + 0.01), { action: 'renew', reason: /most of its time/ });
    t.match(at(366), credential.name === 'kubelet' ? { action: 'give-up' } : { action: 'renew', reason: /it ends on/ });
  }
});

t.test('files that are not the kubelet’s to renew', async (t) => {
  const authority = await createAuthority('kubernetes', start);
  const other = await createAuthority('kubernetes', start);
  const [kubelet, serving] = nodeCredentials(node);
  const late = start + 300 * dayMs;
  const leave = { action: 'leave' };
  t.match(planRenewal(kubelet!, undefined, authority.cert, late), leave, 'nothing there');
  t.match(planRenewal(kubelet!, { pair: { cert: 'x', key: 'y' } }, authority.cert, late), leave, 'no certificate');
  const foreign = await issueCertificate(other, kubelet!.desired, start);
  t.match(planRenewal(kubelet!, { pair: foreign }, authority.cert, late), leave, 'of another authority');
  const admin = await issueCertificate(authority, identities.admin, start);
  t.match(planRenewal(kubelet!, { pair: admin }, authority.cert, late), leave, 'another user');
  const pair = await issueCertificate(authority, { ...serving!.desired, hosts: ['w1'] }, start);
  const gained = { action: 'renew', reason: 'it does not cover 192.168.56.11' };
  t.match(planRenewal(serving!, { pair }, authority.cert, start), gained, 'a new address is a reason to renew');
});
