import t from 'tap';
import type { Pod, Secret, ServiceAccount } from '../../api/index';
import { type CleanerFacts, planCleaning } from './plan';

const now = Date.parse('2026-06-15T12:00:00Z');
const secret = (metadata: Partial<Secret['metadata']> = {}, more: Partial<Secret> = {}): Secret => ({
  type: 'kubernetes.io/service-account-token',
  metadata: {
    name: 'build-token-x',
    namespace: 'shop',
    creationTimestamp: '2024-01-01T00:00:00Z',
    annotations: { 'kubernetes.io/service-account.name': 'build', 'kubernetes.io/service-account.uid': 'u1' },
    ...metadata,
  },
  ...more,
});
const labels = (lastUsed: string | undefined, invalidSince?: string) => ({
  ...(lastUsed === undefined ? {} : { 'kubernetes.io/legacy-token-last-used': lastUsed }),
  ...(invalidSince === undefined ? {} : { 'kubernetes.io/legacy-token-invalid-since': invalidSince }),
});
const account: ServiceAccount = {
  metadata: { name: 'build', namespace: 'shop', uid: 'u1' },
  secrets: [{ name: 'build-token-x' }],
};
const plan = (one: Secret, more: Partial<CleanerFacts> = {}) =>
  planCleaning({
    secrets: [one],
    account: (key) => (key === 'shop/build' ? account : undefined),
    podsIn: () => [],
    trackedSince: '2024-06-01',
    now,
    ...more,
  }).map((step) => (step.action === 'invalidate' ? `invalid since ${step.day}` : 'delete'));
const mounting: Pod = {
  metadata: { name: 'p', namespace: 'shop' },
  spec: { containers: [{ name: 'c' }], volumes: [{ name: 'v', secret: { secretName: 'build-token-x' } }] },
};

const marked = ['invalid since 2026-06-15'];
const cases: readonly { name: string; secret: Secret; more?: Partial<CleanerFacts>; want: readonly string[] }[] = [
  { name: 'never used', secret: secret(), want: marked },
  { name: 'used more than a year ago', secret: secret({ labels: labels('2025-06-14') }), want: marked },
  { name: 'used a year ago', secret: secret({ labels: labels('2025-06-15') }), want: [] },
  { name: 'the last use is no day', secret: secret({ labels: labels('2025-02-31') }), want: [] },
  { name: 'the mark is no day', secret: secret({ labels: labels(undefined, 'soon') }), want: marked },
  { name: 'marked for less than a year', secret: secret({ labels: labels(undefined, '2025-06-15') }), want: [] },
  {
    name: 'marked for more than a year',
    secret: secret({ labels: labels(undefined, '2025-06-14') }),
    want: ['delete'],
  },
  { name: 'new', secret: secret({ creationTimestamp: '2026-01-01T00:00:00Z' }), want: [] },
  { name: 'being deleted', secret: secret({ deletionTimestamp: '2026-06-15T00:00:00Z' }), want: [] },
  { name: 'another type', secret: secret({}, { type: 'Opaque' }), want: [] },
  { name: 'used by a pod', secret: secret(), more: { podsIn: () => [mounting] }, want: [] },
  { name: 'made by a user', secret: secret({ name: 'own' }), want: [] },
  { name: 'of a missing account', secret: secret(), more: { account: () => undefined }, want: [] },
  {
    name: 'of an earlier account of that name',
    secret: secret(),
    more: { account: () => ({ ...account, metadata: { ...account.metadata, uid: 'u2' } }) },
    want: [],
  },
  { name: 'uses are recorded for less than a year', secret: secret(), more: { trackedSince: '2025-06-15' }, want: [] },
  { name: 'uses are not recorded', secret: secret(), more: { trackedSince: undefined }, want: [] },
];
for (const { name, secret: one, more, want } of cases) t.test(name, async (t) => t.strictSame(plan(one, more), want));
