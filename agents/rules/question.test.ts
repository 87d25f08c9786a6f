import t from 'tap';
import { networkOf } from '../../dataplane/hops/network';
import { joinRule } from './main';
import { packetOf, type Question, readQuestion } from './question';

const node = networkOf(
  [
    {
      ifname: 'eth0',
      addr_info: [{ family: 'inet', local: '192.168.57.11', broadcast: '192.168.57.255', scope: 'global' }],
    },
    { ifname: 'cni0', addr_info: [{ family: 'inet', local: '10.244.1.1', scope: 'global' }] },
  ],
  [
    { dst: '0.0.0.0/0', dev: 'eth0' },
    { dst: '10.244.1.0/24', dev: 'cni0' },
    { dst: '10.244.2.0/24', dev: 'eth0' },
    { dst: '10.244.2.9', dev: 'tunnel' },
    { dst: '198.51.100.0/24' },
  ],
);

t.test('a rule or a packet', async (t) => {
  for (const [text, question] of [
    ['10.96.0.10:53/udp', { about: 'packet', destination: '10.96.0.10', port: 53, protocol: 'udp' }],
    ['10.96.0.10:80', { about: 'packet', destination: '10.96.0.10', port: 80, protocol: 'tcp' }],
    ['10.96.0.10', { about: 'packet', destination: '10.96.0.10', protocol: 'icmp' }],
    ['[fd00::1]:53/UDP', { about: 'packet', destination: 'fd00::1', port: 53, protocol: 'udp' }],
    ['fd00::1', { about: 'packet', destination: 'fd00::1', protocol: 'icmp' }],
    ['-A FORWARD -j DROP', { about: 'rule', text: '-A FORWARD -j DROP' }],
    ['ip daddr 10.96.0.10 drop', { about: 'rule', text: 'ip daddr 10.96.0.10 drop' }],
  ] as const) {
    t.strictSame(readQuestion(text), question, text);
  }
  for (const text of [
    '',
    '10.96.0.300:80',
    '10.96.0.1:0',
    '10.96.0.1:70000',
    '10.96.0.1/tcp',
    '10.96.0.1:80/foo',
    '1:2:3',
    '1.2.3.4:999999',
    '10.96.0.10:dns',
    'web.shop:80',
    '0.0.0.0:80',
    '224.0.0.1:53/udp',
    '10.0.0.0/8',
  ]) {
    t.throws(() => readQuestion(text), { code: 'BadRequest' }, text);
  }
});

t.test('the packet', async (t) => {
  const packet = (text: string, from = '') =>
    packetOf(readQuestion(text) as Extract<Question, { about: 'packet' }>, from, node);
  t.strictSame(packet('8.8.8.8:53/udp'), {
    destination: '8.8.8.8',
    protocol: 'udp',
    destinationPort: 53,
    sourcePort: 40_000,
    source: '192.168.57.11',
  });
  t.match(packet('10.244.1.5:80'), { source: '10.244.1.1' }, 'by the longest prefix');
  t.match(packet('192.168.57.11:22'), { source: '192.168.57.11' });
  t.match(packet('127.0.0.2:22'), { source: '127.0.0.1' });
  t.match(packet('10.96.0.1:443', '10.244.1.5'), { source: '10.244.1.5', inInterface: 'cni0' });
  t.match(packet('10.96.0.1:443', '203.0.113.1'), { inInterface: 'eth0' });
  t.notMatch(packet('10.96.0.1:443', '10.244.1.1'), { inInterface: String }, 'its own address');
  for (const [to, from, why] of [
    ['10.244.2.9:80', '', /no route .* leads to 10\.244\.2\.9/],
    ['198.51.100.1:80', '', /no route/],
    ['10.96.0.1:443', '198.51.100.1', /no route of this node leads to 198\.51\.100\.1/],
    ['10.96.0.1:443', 'fd00::1', /two families/],
    ['[fd00::1]:80', '', /no route/],
    ['192.168.57.255:80', '', /broadcast/],
  ] as const) {
    t.throws(() => packet(to, from), { code: 'BadRequest', message: why }, `${from} to ${to}`);
  }
});

t.test('the words of a rule that no shell quoted', async (t) => {
  t.strictSame(joinRule(['explain', '-A', 'X', '--dport', '80', '-j', 'DROP', '--json']), [
    'explain',
    '--json',
    '-A X --dport 80 -j DROP',
  ]);
  t.strictSame(joinRule(['explain', '10.0.0.1:80', '--from', '10.0.0.2']), [
    'explain',
    '--from',
    '10.0.0.2',
    '10.0.0.1:80',
  ]);
  t.strictSame(joinRule(['--help']), ['--help']);
  t.strictSame(joinRule(['explain']), ['explain']);
});
