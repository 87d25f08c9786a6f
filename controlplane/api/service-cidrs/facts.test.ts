import t from 'tap';
import { formatAddress, parseAddress, parseCidr } from '../../base/cidr';
import type { ServiceCIDR } from '../service-cidr';
import { assignableOf, assignsAddresses, cidrsWith, rangeHolds } from './facts';

// The numbers of calculateRangeOffset and hostsPerNetwork of kube-apiserver 1.36.
const ranges: readonly [range: string, first: string, dynamicFirst: string, last: string][] = [
  ['10.0.0.0/28', '10.0.0.1', '10.0.0.1', '10.0.0.14'],
  ['10.0.0.0/27', '10.0.0.1', '10.0.0.17', '10.0.0.30'],
  ['10.0.0.0/24', '10.0.0.1', '10.0.0.17', '10.0.0.254'],
  ['10.0.0.0/22', '10.0.0.1', '10.0.0.65', '10.0.3.254'],
  ['10.96.0.0/12', '10.96.0.1', '10.96.1.1', '10.111.255.254'],
  ['fd00::/124', 'fd00::1', 'fd00::1', 'fd00::f'],
  ['fd00::/112', 'fd00::1', 'fd00::101', 'fd00::ffff'],
  ['fd00::/64', 'fd00::1', 'fd00::101', 'fd00::ffff:ffff:ffff:ffff'],
];
for (const [text, first, dynamicFirst, last] of ranges) {
  t.test(`the addresses of ${text}`, async (t) => {
    const range = parseCidr(text);
    const show = (value: bigint) => formatAddress({ family: range.family, value });
    const found = assignableOf(range);
    t.same([found.first, found.dynamicFirst, found.last].map(show), [first, dynamicFirst, last]);
    t.equal(rangeHolds(range, parseAddress(last)), true);
    t.equal(rangeHolds(range, { family: range.family, value: range.base }), false, 'never the network address');
  });
}

t.test('a range of one address has none', async (t) => {
  const { first, last } = assignableOf(parseCidr('10.0.0.1/32'));
  t.equal(first > last, true);
});

const cidr = (name: string, cidrs: string[], ready?: string, deleted?: string): ServiceCIDR => ({
  metadata: { name, ...(deleted ? { deletionTimestamp: deleted } : {}) },
  spec: { cidrs },
  ...(ready
    ? { status: { conditions: [{ type: 'Ready', status: ready, reason: '', message: '', lastTransitionTime: '' }] } }
    : {}),
});

t.test('which ServiceCIDRs assign addresses', async (t) => {
  t.equal(assignsAddresses(cidr('a', [])), true, 'no controller has judged it yet');
  t.equal(assignsAddresses(cidr('a', [], 'True')), true);
  t.equal(assignsAddresses(cidr('a', [], 'False')), false);
  t.equal(assignsAddresses(cidr('a', [], 'Unknown')), false);
  t.equal(assignsAddresses(cidr('a', [], 'True', '2026-01-01T00:00:00Z')), false);
});

t.test('which ServiceCIDRs have an address', async (t) => {
  const all = [cidr('a', ['10.0.0.0/24', 'fd00::/112']), cidr('b', ['10.0.0.0/16']), cidr('c', ['none'])];
  const names = (address: string) => cidrsWith(address, all).map(({ metadata }) => metadata?.name);
  t.same(names('10.0.0.7'), ['a', 'b']);
  t.same(names('10.0.0.255'), ['b'], 'the broadcast address of one range');
  t.same(names('10.0.0.0'), []);
  t.same(names('fd00::7'), ['a']);
  t.same(names('10.1.0.7'), []);
  t.same(names('x'), []);
});
