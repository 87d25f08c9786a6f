import t from 'tap';
import { identityLease, isExpired, isIdentityLease, leaseName } from './identity';
import { PeerLeases, ttlMs } from './peer-leases';

const start = Date.parse('2026-05-06T07:08:09Z');
const identity = (advertiseAddress: string) => ({ hostname: 'host', advertiseAddress, instance: 'i' });
const lease = (address: string, atMs: number) => identityLease(identity(address), atMs);
const a = '192.0.2.1';

t.test('a Lease', async (t) => {
  const written = lease(a, start);
  t.match(written, {
    metadata: {
      name: /^apiserver-[a-z2-7]{26}$/,
      namespace: 'kube-system',
      labels: { 'apiserver.kubernetes.io/identity': 'kube-apiserver', 'kubernetes.io/hostname': 'host' },
      annotations: { 'k8ts.io/advertise-address': a },
    },
    spec: { leaseDurationSeconds: 3600, renewTime: '2026-05-06T07:08:09.000000Z' },
  });
  t.equal(written.spec?.holderIdentity, `${written.metadata?.name}_i`);
  t.ok(isIdentityLease(written));
  t.notOk(isIdentityLease({ ...written, metadata: { ...written.metadata, namespace: 'team' } }));
  t.equal(leaseName(identity(a)), leaseName({ ...identity(a), instance: 'another' }), 'the same after a restart');
  t.not(leaseName(identity(a)), leaseName(identity('192.0.2.2')), 'two servers of one host');
  t.notOk(lease('127.0.0.1', start).metadata?.annotations?.['k8ts.io/advertise-address']);
  t.notOk(
    identityLease({ ...identity(a), hostname: 'a b' }, start).metadata?.labels?.['kubernetes.io/hostname'],
    'no label value',
  );
  const others = { metadata: { labels: { team: 'x' }, annotations: { note: 'y' } } };
  t.match(identityLease(identity(a), start, others).metadata, { labels: { team: 'x' }, annotations: { note: 'y' } });
  t.notOk(isExpired(written, start + 3_599_000));
  t.ok(isExpired(written, start + 3_601_000));
  t.ok(isExpired({ spec: {} }, start), 'never renewed');
});

t.test('a Lease that was there before is unknown until it is renewed, or dead after the TTL', async (t) => {
  const leases = new PeerLeases('own');
  leases.seen(lease(a, start - 1), start, false);
  t.strictSame(leases.addresses(start), { alive: [], unknown: [a] });
  leases.seen(lease(a, start - 1), start + 5_000, false);
  t.strictSame(leases.addresses(start + ttlMs), { alive: [], unknown: [a] });
  t.strictSame(leases.addresses(start + ttlMs + 1), { alive: [], unknown: [] }, 'the same version is no renewal');
  t.equal(leases.dead(start + ttlMs + 1).length, 1);
  leases.seen(lease(a, start + 20_000), start + 20_000, false);
  t.strictSame(leases.addresses(start + 20_000), { alive: [a], unknown: [] });
});

t.test('a new Lease lives at once, and is dead when it is gone', async (t) => {
  const leases = new PeerLeases('own');
  leases.seen(lease(a, start), start, true);
  t.strictSame(leases.addresses(start + ttlMs), { alive: [a], unknown: [] });
  leases.gone(leaseName(identity(a)));
  t.strictSame(leases.addresses(start), { alive: [], unknown: [] });
});

t.test('clocks of others are not trusted', async (t) => {
  const leases = new PeerLeases('own');
  leases.seen(lease(a, start - 86_400_000), start, false);
  leases.seen(lease(a, start - 86_390_000), start + 10_000, false);
  t.strictSame(leases.addresses(start + 10_000).alive, [a]);
});

t.test('after a time without sight of the others all are unknown', async (t) => {
  const leases = new PeerLeases('own');
  leases.seen(lease(a, start), start, true);
  leases.doubt(start + 60_000);
  t.strictSame(leases.addresses(start + 60_000), { alive: [], unknown: [a] });
  t.strictSame(leases.addresses(start + 60_001 + ttlMs), { alive: [], unknown: [] });
});

t.test('the own Lease is not judged', async (t) => {
  const leases = new PeerLeases(leaseName(identity(a)));
  leases.seen(lease(a, start), start, true);
  t.strictSame(leases.addresses(start), { alive: [], unknown: [] });
  t.strictSame(leases.dead(start + 60_000), []);
});
