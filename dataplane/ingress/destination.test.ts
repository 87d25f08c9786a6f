import t from 'tap';
import { refusedName, refusedRange, unwrappedAddress } from './destination';

void t.test('addresses that only the node itself may reach are refused in every spelling', async (t) => {
  const cases: Record<string, string | undefined> = {
    '127.0.0.1': 'loopback',
    '127.255.255.254': 'loopback',
    '0.0.0.0': 'unspecified',
    '0.1.2.3': 'unspecified',
    '169.254.169.254': 'link-local',
    '169.253.1.1': undefined,
    '224.0.0.1': 'multicast',
    '239.255.255.250': 'multicast',
    '255.255.255.255': 'broadcast',
    '240.0.0.1': undefined,
    '10.244.1.5': undefined,
    '::': 'unspecified',
    '::1': 'loopback',
    '0:0:0:0:0:0:0:1': 'loopback',
    '::ffff:127.0.0.1': 'loopback',
    '::FFFF:7F00:1': 'loopback',
    '::ffff:10.0.0.1': undefined,
    '::127.0.0.1': 'loopback',
    '64:ff9b::7f00:1': 'loopback',
    '2002:7f00:1::': 'loopback',
    '2002:a9fe:a9fe::1': 'link-local',
    'fe80::1': 'link-local',
    'febf::1': 'link-local',
    'ff02::1': 'multicast',
    'fd00::5': undefined,
    '2001:db8::1': undefined,
    'fe80::1%eth0': 'not an IP address',
    '127.1': 'not an IP address',
    'web.example': 'not an IP address',
    '': 'not an IP address',
  };
  for (const [address, want] of Object.entries(cases)) t.equal(refusedRange(address), want, address);
});

void t.test('names that hide an address, or mean this machine, are refused', async (t) => {
  const disguised = 'an address in another spelling, not a host name';
  const cases: Record<string, string | undefined> = {
    'web.t.svc.cluster.local': undefined,
    'Example.COM.': undefined,
    'a_b.example': undefined,
    '10.example': undefined,
    localhost: 'loopback',
    'LOCALHOST.': 'loopback',
    'x.localhost': 'loopback',
    mylocalhost: undefined,
    '127.1': disguised,
    '0x7f.1': disguised,
    '127.0.0.0x1': disguised,
    '2130706433': disguised,
    '0': disguised,
    '0x': disguised,
    '127.0.0.1.': disguised,
    '0177.0.0.1': disguised,
    '[::1]': 'not a host name',
    '[::ffff:127.0.0.1]': 'not a host name',
    'a b': 'not a host name',
    'a..b': 'not a host name',
    'a/b': 'not a host name',
    'user@host': 'not a host name',
    '': 'not a host name',
  };
  for (const [name, want] of Object.entries(cases)) t.equal(refusedName(name), want, name);
  t.equal(refusedName(`${'a.'.repeat(126)}a`), undefined, 'the longest allowed name');
  t.equal(refusedName(`${'a.'.repeat(127)}a`), 'not a host name', 'a longer name');
});

void t.test('one spelling per address', async (t) => {
  t.equal(unwrappedAddress('::ffff:10.0.0.1'), '10.0.0.1');
  t.equal(unwrappedAddress('FD00:0::5'), 'fd00::5');
  t.equal(unwrappedAddress('010.0.0.1'), undefined);
  t.equal(unwrappedAddress('fe80::1%lo'), undefined);
});
