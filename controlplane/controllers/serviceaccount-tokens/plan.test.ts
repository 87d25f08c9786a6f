import t from 'tap';
import type { Secret, ServiceAccount } from '../../api/index';
import { filled, planToken, withoutReference } from './plan';

const encode = (text: string) => Buffer.from(text).toString('base64');
const type = 'kubernetes.io/service-account-token';
const account: ServiceAccount = { metadata: { name: 'robot', namespace: 'a', uid: 'u1' } };
const named = { 'kubernetes.io/service-account.name': 'robot' };
const bound = { ...named, 'kubernetes.io/service-account.uid': 'u1' };
const full = { token: encode('t'), namespace: encode('a'), 'ca.crt': encode('CA') };
const secret = (annotations: Record<string, string>, data?: Secret['data'], metadata = {}): Secret => ({
  metadata: { name: 's', namespace: 'a', annotations, ...metadata },
  type,
  ...(data ? { data } : {}),
});

const deletionTimestamp = '2026-01-01T00:00:00Z';
const cases: readonly [name: string, Secret, ServiceAccount | undefined, object][] = [
  ['a new Secret', secret(named), account, { action: 'fill', needsToken: true }],
  ['a full Secret', secret(bound, full), account, { action: 'none' }],
  ['a token of the user stays', secret(named, { token: encode('t') }), account, { action: 'fill', needsToken: false }],
  [
    'another authority',
    secret(bound, { ...full, 'ca.crt': encode('B') }),
    account,
    { action: 'fill', needsToken: false },
  ],
  ['an empty token', secret(bound, { ...full, token: '' }), account, { action: 'fill', needsToken: true }],
  ['no account', secret(named, full), undefined, { action: 'delete' }],
  ['another account', secret(bound, full), { metadata: { name: 'robot', uid: 'u2' } }, { action: 'delete' }],
  ['a Secret that is being deleted', secret(bound, {}, { deletionTimestamp }), undefined, { action: 'none' }],
];
for (const [name, object, found, plan] of cases) {
  t.test(name, async (t) => {
    t.same(planToken(object, found, 'CA'), plan);
  });
}

t.test('a filled Secret needs nothing more', async (t) => {
  const done = filled(secret({ ...named, x: 'y' }, { extra: 'eA==' }), account, 'CA', 't');
  t.same(done.metadata?.annotations, { ...bound, x: 'y' });
  t.same(done.data, { ...full, extra: 'eA==' });
  t.same(planToken(done, account, 'CA'), { action: 'none' });
  const kept = filled(secret(bound, { token: encode('old'), namespace: encode('b') }), account, 'CA', undefined);
  t.same(kept.data, { token: encode('old'), namespace: encode('b'), 'ca.crt': encode('CA') });
});

t.test('references of an account', async (t) => {
  const secrets = [{ name: 's' }, { name: 'other' }];
  t.same(withoutReference({ ...account, secrets }, 's')?.secrets, [{ name: 'other' }]);
  t.equal(withoutReference({ ...account, secrets }, 'x'), undefined);
  t.equal(withoutReference(account, 's'), undefined);
});
