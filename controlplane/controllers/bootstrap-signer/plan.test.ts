import t from 'tap';
import type { BootstrapToken } from '../../api/bootstrap-token';
import { isSignedWith } from '../../pki/cluster-info';
import { nextEndMs, planSignatures } from './plan';

const nowMs = Date.parse('2026-01-01T00:00:00Z');
const token = (id: string, fields: Partial<BootstrapToken> = {}): BootstrapToken => ({
  id,
  secret: '0123456789abcdef',
  description: '',
  expiresAtMs: nowMs + 1000,
  usages: ['authentication', 'signing'],
  groups: [],
  problem: undefined,
  ...fields,
});

t.test('one signature for each signing token', async (t) => {
  const data = { kubeconfig: 'text', other: 'kept' };
  const tokens = [
    token('aaaaaa'),
    token('bbbbbb', { usages: ['authentication'] }),
    token('cccccc', { expiresAtMs: nowMs }),
    token('dddddd', { problem: 'broken' }),
    token('eeeeee', { expiresAtMs: undefined }),
  ];
  const signed = planSignatures(data, tokens, nowMs);
  t.same(Object.keys(signed).sort(), ['jws-kubeconfig-aaaaaa', 'jws-kubeconfig-eeeeee', 'kubeconfig', 'other']);
  t.ok(isSignedWith('text', signed['jws-kubeconfig-aaaaaa']!, 'aaaaaa', '0123456789abcdef'));
  t.equal(planSignatures(signed, tokens, nowMs), signed, 'a second plan changes nothing');
  t.same(Object.keys(planSignatures(signed, tokens, nowMs + 1000)).sort(), [
    'jws-kubeconfig-eeeeee',
    'kubeconfig',
    'other',
  ]);
  const changed = planSignatures({ ...signed, kubeconfig: 'new' }, tokens, nowMs);
  t.ok(
    isSignedWith('new', changed['jws-kubeconfig-eeeeee']!, 'eeeeee', '0123456789abcdef'),
    'a changed text gets a new signature',
  );
  t.same(planSignatures({ 'jws-kubeconfig-aaaaaa': 'x' }, tokens, nowMs), {}, 'no signing token');
});

t.test('the time of the next check', async (t) => {
  t.equal(nextEndMs([token('aaaaaa'), token('bbbbbb', { expiresAtMs: nowMs + 500 })], nowMs), 500);
  t.equal(nextEndMs([token('aaaaaa', { expiresAtMs: undefined })], nowMs), undefined);
});
