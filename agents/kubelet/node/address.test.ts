import t from 'tap';
import type { Link, LinkAddress } from '../../../dataplane/link/model';
import { type AddressFacts, chooseAddress, missingAddresses, parseNodeIps } from './address';

const link = (index: number, name: string): Link => ({
  index,
  name,
  kind: '',
  mtu: 1500,
  mac: '',
  up: true,
  master: 0,
  peer: 0,
});
const on = (index: number, address: string): LinkAddress => ({ link: index, family: 4, address, prefix: 24 });

/** A Vagrant machine: a NAT link, on which every machine has the same address, and the private network. */
const facts = (towards: string | undefined, ...present: string[]): AddressFacts => ({
  links: [
    link(1, 'lo'),
    link(2, 'eth0'),
    link(3, 'eth1'),
    link(4, 'docker0'),
    link(5, 'cni0'),
    link(6, 'br-0123456789ab'),
  ],
  addresses: [
    on(1, '127.0.0.1'),
    on(2, '10.0.2.15'),
    on(4, '172.17.0.1'),
    on(5, '10.244.1.1'),
    on(6, '172.18.0.1'),
    ...present.map((address) => on(3, address)),
  ],
  towardsServer: towards === undefined ? undefined : { source: towards, link: 3 },
});

t.test('the address without --node-ip', async (t) => {
  const use = (address: string) => ({ action: 'use', address });
  const mine = '192.168.56.11';
  const cases = [
    { name: 'the source towards the API server', facts: facts(mine, mine), want: use(mine) },
    {
      name: 'as before, though the link has a second address',
      facts: facts('192.168.56.99', mine),
      before: mine,
      want: use(mine),
    },
    {
      name: 'as before, though the other link came up first',
      facts: facts('10.0.2.15', mine),
      before: mine,
      want: use(mine),
    },
    {
      name: 'the private link is not up yet: the NAT address is not taken at once',
      facts: facts('10.0.2.15'),
      before: mine,
      want: { action: 'wait', reason: `address ${mine} of before is on no link of this machine`, instead: '10.0.2.15' },
    },
    { name: 'no route', facts: facts(undefined), want: { action: 'wait', reason: 'no route to the API server yet' } },
    {
      name: 'the server is named by a loopback address',
      facts: facts('127.0.0.1', mine),
      want: { action: 'wait', reason: 'the way to the API server begins at 127.0.0.1, which is a loopback address' },
    },
  ];
  for (const { name, facts, before, want } of cases) t.same(chooseAddress(facts, before), want, name);
  for (const [address, name] of [
    ['172.17.0.1', 'docker0'],
    ['10.244.1.1', 'cni0'],
    ['172.18.0.1', 'br-0123456789ab'],
  ] as const) {
    t.match(chooseAddress(facts(address, mine), undefined), { action: 'wait', reason: new RegExp(`is on ${name},`) });
  }
});

t.test('the values of --node-ip', async (t) => {
  t.same(parseNodeIps(''), []);
  t.same(parseNodeIps('192.168.56.11'), ['192.168.56.11']);
  t.same(parseNodeIps('192.168.56.11,fd56::11'), ['192.168.56.11', 'fd56::11']);
  const wrong = ['127.0.0.1', '169.254.3.4', '0.0.0.0', '224.0.0.1', '::1', 'fe80::1', 'ff02::1', '::', 'node-1'];
  for (const text of [...wrong, '192.168.56.11,192.168.56.12', '192.168.56.11,']) {
    t.throws(() => parseNodeIps(text), { code: 'BadRequest' }, text);
  }
});

t.test('addresses that no link has', async (t) => {
  const found = facts(undefined, '192.168.56.11', 'fd56::11');
  t.same(missingAddresses(['192.168.56.11', 'fd56:0::11'], found), []);
  t.same(missingAddresses(['192.168.56.11', '192.168.56.12'], found), ['192.168.56.12']);
});
