// ServiceCIDRs and IPAddresses: rules, which fields may change, columns, claims.
import t from 'tap';
import { check, ready, row } from '../../test/lib/kind-cases';
import { ipAddresses } from './ip-address';
import { clusterIpsOf } from './ip-addresses/facts';
import type { Kind } from './kind';
import { serviceCidrs } from './service-cidr';
import { type NamedKind, validateObjectMeta } from './validation/metadata';

const metadata = { name: 'a', creationTimestamp: '2026-01-01T00:00:00Z' };

t.test('ServiceCIDR', async (t) => {
  const body = (...cidrs: string[]) => ({ metadata, spec: { cidrs } });
  const object = ready(serviceCidrs, { ...body('10.0.0.0/24', 'fd00::/112'), status: { conditions: [] } });
  t.same(object.status, {});
  t.same(row(serviceCidrs, object), ['a', '10.0.0.0/24,fd00::/112', '60s']);
  const dual = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';
  const wrong = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
  check(t, serviceCidrs, [
    { name: 'one', body: body('10.0.0.0/24'), causes: [] },
    { name: 'none', body: { metadata, spec: {} }, causes: ['spec.cidrs: Required value: at least one CIDR required'] },
    {
      name: 'three',
      body: body('a', 'b', 'c'),
      causes: [/^spec\.cidrs: Invalid value: .*: may only hold up to 2 values$/],
    },
    {
      name: 'two of one family',
      body: body('10.0.0.0/24', '10.1.0.0/24'),
      causes: [`spec.cidrs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: ${dual}`],
    },
    { name: 'no range', body: body('10.0.0.0'), causes: [`spec.cidrs[0]: Invalid value: "10.0.0.0": ${wrong}`] },
    ...Object.entries({
      '10.200.0.1/24': 'must not have bits set beyond the prefix length',
      '::ffff:10.0.0.0/112': 'must not have an IPv4-mapped IPv6 address',
      'FD00::/64': 'must be in canonical form ("fd00::/64")',
      '010.1.0.0/16': 'must not have leading 0s in IP or prefix length',
      '10.1.0.0/016': 'must not have leading 0s in IP or prefix length',
    }).map(([cidr, why]) => ({
      name: cidr,
      body: body(cidr),
      causes: [`spec.cidrs[0]: Invalid value: ${JSON.stringify(cidr)}: ${why}`],
    })),
    { name: 'a second family is added', old: body('10.0.0.0/24'), body: body('10.0.0.0/24', 'fd00::/112'), causes: [] },
    {
      name: 'a second range of the family',
      old: body('10.0.0.0/24'),
      body: body('10.0.0.0/24', '10.1.0.0/24'),
      causes: [/^spec\.cidrs: Invalid value/],
    },
    {
      name: 'another range',
      old: body('10.0.0.0/24'),
      body: body('10.1.0.0/24'),
      causes: ['spec.cidrs[0]: Invalid value: "10.1.0.0/24": field is immutable'],
    },
    {
      name: 'a range less',
      old: body('10.0.0.0/24', 'fd00::/112'),
      body: body('10.0.0.0/24'),
      causes: ['spec.cidrs: Invalid value: ["10.0.0.0/24"]: field is immutable'],
    },
  ]);
});

t.test('IPAddress', async (t) => {
  const parentRef = { resource: 'services', namespace: 'n', name: 's' };
  const own = { ...metadata, name: '10.0.0.1' };
  const object = ready(ipAddresses, { metadata: own, spec: { parentRef } });
  t.same(row(ipAddresses, object), ['10.0.0.1', 'services/n/s']);
  const gateway = { group: 'example.com', resource: 'Gateways', name: 'g' };
  t.equal(row(ipAddresses, { metadata: own, spec: { parentRef: gateway } })[1], 'gateways.example.com/g');
  check(t, ipAddresses, [
    { name: 'no parent', body: { metadata: own, spec: {} }, causes: ['spec.parentRef: Required value'] },
    {
      name: 'an empty parent',
      body: { metadata: own, spec: { parentRef: {} } },
      causes: ['spec.parentRef.resource: Required value', 'spec.parentRef.name: Required value'],
    },
    {
      name: 'names that are no part of a path',
      body: { metadata: own, spec: { parentRef: { group: 'A', resource: 'a/b', name: '..', namespace: 'a%' } } },
      causes: [
        /^spec\.parentRef\.group: Invalid value: "A"/,
        `spec.parentRef.resource: Invalid value: "a/b": may not contain '/'`,
        `spec.parentRef.name: Invalid value: "..": may not be '..'`,
        `spec.parentRef.namespace: Invalid value: "a%": may not contain '%'`,
      ],
    },
    {
      name: 'another parent',
      old: { metadata: own, spec: { parentRef } },
      body: { metadata: own, spec: { parentRef: { ...parentRef, name: 'r' } } },
      causes: [/^spec\.parentRef: Invalid value: .*: field is immutable$/],
    },
  ]);
  const kind: NamedKind = ipAddresses as Kind;
  const names: readonly (readonly [name: string, wrong?: string])[] = [
    ['10.0.0.1'],
    ['fd00::1'],
    ['a', 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ['fd00:0::1', 'must be in canonical form ("fd00::1")'],
    ['010.96.200.9', 'must not have leading 0s'],
    ['::ffff:1.2.3.4', 'must not be an IPv4-mapped IPv6 address'],
  ];
  for (const [name, wrong] of names) {
    const causes = validateObjectMeta(kind, { metadata: { name } }, { subresource: '' });
    t.same(
      causes.map(({ message }) => message),
      wrong ? [`Invalid value: ${JSON.stringify(name)}: ${wrong}`] : [],
      name,
    );
  }
  t.same(
    clusterIpsOf({ spec: { clusterIPs: ['fd00:0::1'] } }),
    ['fd00::1'],
    'the name for a Service with this address',
  );
  t.same(clusterIpsOf({ spec: { clusterIPs: ['None'] } }), []);
  t.same(clusterIpsOf({ spec: { type: 'ExternalName', clusterIPs: ['10.0.0.1'] } }), []);
});
