import t from 'tap';
import {
  canonicalAddress,
  cidrAddress,
  cidrContains,
  cidrSize,
  cidrSubnet,
  cidrsOverlap,
  formatAddress,
  formatCidr,
  parseAddress,
  parseCidr,
} from './cidr';

void t.test('addresses read and print in canonical form', async (t) => {
  for (const [text, canonical] of [
    ['10.244.1.7', '10.244.1.7'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8::A', '2001:db8::a'],
    ['fe80:0:0:0:0:0:0:1', 'fe80::1'],
    ['1:0:3:4:5:6:7:8', '1:0:3:4:5:6:7:8'],
    ['::ffff:1.2.3.4', '::ffff:102:304'],
  ] as const) {
    t.equal(formatAddress(parseAddress(text)), canonical, text);
    t.equal(canonicalAddress(text), canonical, text);
  }
  for (const wrong of ['', '10.0.0', '10.0.0.256', 'a', '::1::', '10.0.0.1/8']) {
    t.throws(() => parseAddress(wrong), { code: 'BadRequest' }, wrong);
  }
});

void t.test('ranges clear host bits, know their size and contents', async (t) => {
  const range = parseCidr('10.96.7.3/12');
  t.equal(formatCidr(range), '10.96.0.0/12');
  t.equal(cidrSize(range), 1n << 20n);
  t.ok(cidrContains(range, parseAddress('10.111.255.255')));
  t.notOk(cidrContains(range, parseAddress('10.112.0.0')));
  t.notOk(cidrContains(range, parseAddress('::1')));
  t.equal(formatAddress(cidrAddress(range, 10)), '10.96.0.10');
  t.throws(() => cidrAddress(range, 1n << 20n), { code: 'BadRequest' });
  for (const wrong of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '::/129']) {
    t.throws(() => parseCidr(wrong), { code: 'BadRequest' }, wrong);
  }
});

void t.test('subnets of a range, in order and within it', async (t) => {
  const pods = parseCidr('10.244.0.0/16');
  t.equal(formatCidr(cidrSubnet(pods, 24, 0)), '10.244.0.0/24');
  t.equal(formatCidr(cidrSubnet(pods, 24, 255)), '10.244.255.0/24');
  t.throws(() => cidrSubnet(pods, 24, 256), { code: 'BadRequest' });
  t.throws(() => cidrSubnet(pods, 8, 0), { code: 'BadRequest' });
  t.equal(formatCidr(cidrSubnet(parseCidr('fd00::/48'), 64, 2)), 'fd00:0:0:2::/64');
});

void t.test('overlap is symmetric and per family', async (t) => {
  const a = parseCidr('192.168.57.0/24');
  for (const [other, overlaps] of [
    ['192.168.0.0/16', true],
    ['192.168.57.128/25', true],
    ['192.168.58.0/24', false],
    ['::/0', false],
    ['0.0.0.0/0', true],
  ] as const) {
    t.equal(cidrsOverlap(a, parseCidr(other)), overlaps, other);
    t.equal(cidrsOverlap(parseCidr(other), a), overlaps, `${other} turned round`);
  }
});
