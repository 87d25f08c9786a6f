import t from 'tap';
import { tokenTracking } from './token-tracking';

const now = Date.parse('2026-03-04T23:59:00Z');
const found = (since?: string) => ({
  metadata: { name: 'x', namespace: 'kube-system', uid: 'u' },
  data: { other: 'a', ...(since === undefined ? {} : { since }) },
});

t.test('a new cluster records from today on', async (t) => {
  const { metadata, data } = tokenTracking(now);
  t.same(metadata, { name: 'kube-apiserver-legacy-service-account-token-tracking', namespace: 'kube-system' });
  t.same(data, { since: '2026-03-04' });
});

t.test('a date stays, other texts become today', async (t) => {
  for (const [since, want] of [
    ['2024-02-29', '2024-02-29'],
    ['2025-02-29', '2026-03-04'],
    ['yesterday', '2026-03-04'],
    ['2024-01-01T00:00:00Z', '2026-03-04'],
    ['2024-1-1', '2026-03-04'],
    ['', '2026-03-04'],
    [undefined, '2026-03-04'],
  ] as const) {
    const { metadata, data } = tokenTracking(now, found(since));
    t.same(data, { other: 'a', since: want }, String(since));
    t.equal(metadata?.uid, 'u');
  }
});
