import t from 'tap';
import type { Node } from '../../../controlplane/api';
import { dayMs } from '../../../controlplane/pki/certificate';
import { createAuthority, issueCertificate } from '../../../controlplane/pki/issue';
import { nodeCredentials } from '../../../controlplane/pki/node-credentials';
import type { FoundCredential } from '../../../controlplane/pki/node-files';
import { judgeMembership, planCredentials } from './plan';

const start = Date.parse('2026-01-01T00:00:00Z');
const node = (name: string, address: string, ready?: string): Node => ({
  metadata: { name },
  status: {
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: name },
    ],
    ...(ready ? { conditions: [{ type: 'Ready', status: ready }] } : {}),
  },
});

t.test('which machine may have a name and an address', async (t) => {
  const cases: Array<[string, readonly Node[], object]> = [
    ['an empty cluster', [], { verdict: 'free' }],
    ['others', [node('b', '192.0.2.2', 'True')], { verdict: 'free' }],
    ['the address of another', [node('b', '192.0.2.1', 'Unknown')], { verdict: 'taken', message: /belongs to node b/ }],
    ['its own name, given up', [node('a', '192.0.2.1', 'Unknown')], { verdict: 'free' }],
    ['its own name, given up, elsewhere', [node('a', '192.0.2.9', 'False')], { verdict: 'free' }],
    ['its own name, never run', [node('a', '192.0.2.1')], { verdict: 'free' }],
    ['its own name, alive a moment ago', [node('a', '192.0.2.1', 'True')], { verdict: 'returning' }],
    [
      'the name of a living one',
      [node('a', '192.0.2.9', 'True')],
      { verdict: 'taken', message: /alive, at 192.0.2.9/ },
    ],
  ];
  for (const [name, nodes, expected] of cases) t.match(judgeMembership(nodes, 'a', ['192.0.2.1']), expected, name);
  t.match(
    judgeMembership([node('b', 'fd00::1')], 'a', ['192.0.2.1', 'fd00::1']),
    { verdict: 'taken' },
    'either family',
  );
});

t.test('which credentials are requested', async (t) => {
  const [authority, other] = [await createAuthority('kubernetes', start), await createAuthority('kubernetes', start)];
  const credentials = nodeCredentials({ name: 'a', ip: '192.0.2.1' });
  const cluster = { server: 'https://192.0.2.10:6443', caPem: authority.cert };
  const found = new Map<string, FoundCredential>();
  for (const { name, desired } of credentials) {
    const pair = await issueCertificate(authority, desired, start);
    found.set(name, name === 'serving' ? { pair } : { pair, ...cluster });
  }
  const plan = (days: number, change: [string, Partial<FoundCredential> | undefined][] = []) => {
    const all = new Map(found);
    for (const [name, fields] of change) {
      if (fields) all.set(name, { ...found.get(name)!, ...fields });
      else all.delete(name);
    }
    return planCredentials(credentials, all, cluster, start + days * dayMs).map(
      (one) => `${one.credential.name}: ${one.reason}`,
    );
  };
  t.strictSame(plan(0), []);
  t.strictSame(plan(320), [], 'late, but the kubelet is there to renew');
  t.equal(plan(340).length, 5, 'too late to start with');
  t.strictSame(plan(0, [['dns', undefined]]), ['dns: it was missing']);
  t.strictSame(plan(0, [['kubelet', { server: 'https://x:1' }]]), ['kubelet: it names another server: https://x:1']);
  t.strictSame(plan(0, [['ingress', { caPem: other.cert }]]), ['ingress: it names another authority']);
  t.strictSame(plan(0, [['serving', { pair: { cert: 'x', key: 'y' } }]]), ['serving: it cannot be read']);
  const pair = await issueCertificate(other, credentials[1]!.desired, start);
  t.strictSame(plan(0, [['serving', { pair }]]), ['serving: it was signed by another authority']);
});
