import t from 'tap';
import { fc, fuzz, mutatedBytes } from '../../test/lib/fuzz';
import { parsePacket, parseTunnelled } from './packets';
import { four, icmp, ip, samples, six, tcp, udp, vxlan } from './packets.fixture';

const ends4 = { source: four.client, destination: four.server };
const ends6 = { source: six.client, destination: six.server };
const web = { sourcePort: 40_000, destinationPort: 80 };

t.test('TCP, UDP and ICMP of both families', async (t) => {
  t.strictSame(parsePacket(samples['syn4']!), {
    ...ends4,
    protocol: 'tcp',
    ttl: 61,
    length: 40,
    ipId: 0xabcd,
    ...web,
    flags: ['SYN'],
    seq: 0xfedcba98,
  });
  t.strictSame(parsePacket(samples['syn6']!), {
    ...ends6,
    protocol: 'tcp',
    ttl: 61,
    length: 60,
    ...web,
    flags: ['SYN'],
    seq: 0xfedcba98,
  });
  t.match(parsePacket(samples['synAck4']!), { flags: ['SYN', 'ACK'], ack: 7 });
  t.match(parsePacket(ip(four.client, four.server, 6, tcp(1, 2, 0xff))), {
    flags: ['SYN', 'ACK', 'FIN', 'RST', 'PSH'],
  });
  t.match(parsePacket(samples['udp4']!), { protocol: 'udp', sourcePort: 40_000, destinationPort: 53, length: 29 });
  t.match(parsePacket(samples['echo4']!), {
    protocol: 'icmp',
    icmp: { type: 8, code: 0, echo: { id: 5, sequence: 6 } },
  });
  t.match(parsePacket(samples['echo6']!), { protocol: 'icmpv6', icmp: { type: 129, echo: { id: 5, sequence: 6 } } });
  t.strictSame(parsePacket(ip(six.client, six.server, 58, icmp(135, 0, 0)))?.icmp, { type: 135, code: 0 });
});

t.test('an ICMP error is about a packet', async (t) => {
  t.strictSame(parsePacket(samples['refused4']!)?.icmp, {
    type: 3,
    code: 4,
    mtu: 1_400,
    about: { ...ends4, protocol: 'tcp', ...web },
  });
  t.strictSame(parsePacket(samples['tooBig6']!)?.icmp, {
    type: 2,
    code: 0,
    mtu: 1_400,
    about: { ...ends6, protocol: 'udp', sourcePort: 40_000, destinationPort: 53 },
  });
  const cut = ip(four.server, four.client, 1, icmp(3, 3, 0, ip(four.client, four.server, 17, Buffer.alloc(0))));
  t.strictSame(
    parsePacket(cut)?.icmp,
    { type: 3, code: 3, about: { ...ends4, protocol: 'udp' } },
    'a quote without ports',
  );
  t.strictSame(parsePacket(ip(four.server, four.client, 1, icmp(11, 0, 0)))?.icmp, { type: 11, code: 0 }, 'no quote');
  const other = ip(four.server, four.client, 1, icmp(3, 2, 0, ip(four.client, four.server, 132, Buffer.alloc(8))));
  t.strictSame(parsePacket(other)?.icmp?.about, ends4, 'a protocol without a name');
});

t.test('options, extension headers and fragments', async (t) => {
  const options = Buffer.concat([samples['syn4']!.subarray(0, 20), Buffer.alloc(8, 1), samples['syn4']!.subarray(20)]);
  options[0] = 0x47;
  options.writeUInt16BE(48, 2);
  t.match(parsePacket(options), { ...web, flags: ['SYN'] });
  t.match(parsePacket(samples['extended6']!), { protocol: 'tcp', ...web });
  t.match(parsePacket(samples['fragment6']!), { protocol: 'udp', sourcePort: 40_000 });
  const later = parsePacket(samples['laterFragment6']!);
  t.match(later, { ...ends6, protocol: 'udp' });
  t.equal(later?.sourcePort, undefined);
  const later4 = Buffer.from(samples['udp4']!);
  later4.writeUInt16BE(100, 6);
  t.equal(parsePacket(later4)?.sourcePort, undefined);
  const joined = Buffer.from(samples['syn4']!);
  joined.writeUInt16BE(0, 2);
  t.match(parsePacket(joined), { ...web, length: 40 }, 'a length of 0: more than 65,535 bytes');
  const padded = Buffer.concat([ip(four.client, four.server, 17, Buffer.alloc(2)), Buffer.alloc(20, 9)]);
  t.equal(parsePacket(padded)?.sourcePort, undefined, 'padding of Ethernet is no payload');
  let endless = tcp(1, 2);
  for (let i = 0; i < 20; i++) endless = Buffer.concat([Buffer.from([0, 0, 1, 4, 0, 0, 0, 0]), endless]);
  t.equal(parsePacket(ip(six.client, six.server, 0, endless)), undefined);
});

t.test('inside a tunnel', async (t) => {
  const outer4 = { source: four.outer[0], destination: four.outer[1] };
  const outer6 = { source: six.outer[0], destination: six.outer[1] };
  t.match(parseTunnelled(samples['tunnel44']!), { ...ends4, ...web, protocol: 'tcp', tunnel: outer4, length: 40 });
  t.match(parseTunnelled(samples['tunnel46']!), { ...ends6, protocol: 'udp', tunnel: outer4 });
  t.match(parseTunnelled(samples['tunnel64']!), { ...ends4, protocol: 'icmp', tunnel: outer6 });
  t.match(parseTunnelled(samples['tunnel66']!), { ...ends6, ...web, protocol: 'tcp', tunnel: outer6 });
  t.match(parsePacket(samples['tunnel44']!), { protocol: 'udp', ...outer4, destinationPort: 8_472 });
  const arp = Buffer.from(samples['tunnel44']!);
  arp.writeUInt16BE(0x0806, 20 + 8 + 8 + 12);
  const none = {
    arp,
    port: ip(...four.outer, 17, udp(8_472, 4_789, vxlan(samples['syn4']!))),
    tcp: ip(...four.outer, 6, tcp(5, 8_472)),
    short: ip(...four.outer, 17, udp(5, 8_472, Buffer.alloc(21))),
    empty: Buffer.alloc(0),
  };
  for (const [name, bytes] of Object.entries(none)) t.equal(parseTunnelled(bytes), undefined, name);
});

t.test('what is no packet, and each cut of a packet', async (t) => {
  const none = [Buffer.alloc(0), Buffer.alloc(60), Buffer.from([0x44]), ip(four.client, four.server, 132, tcp(1, 2))];
  for (const bytes of none) t.equal(parsePacket(bytes), undefined);
  const short = Buffer.from(samples['syn4']!);
  short[0] = 0x44;
  t.equal(parsePacket(short), undefined, 'a header of 16 bytes');
  t.strictSame(Object.keys(parsePacket(samples['syn4']!.subarray(0, 22))!), [
    'source',
    'destination',
    'protocol',
    'ttl',
    'length',
    'ipId',
  ]);
  for (const sample of Object.values(samples)) {
    for (let length = 0; length < sample.length; length++) {
      parsePacket(sample.subarray(0, length));
      parseTunnelled(sample.subarray(0, length));
    }
  }
});

t.test('any bytes', async (t) => {
  const packets = fc.constantFrom(...Object.values(samples));
  await fuzz(
    t,
    'the parsers never throw',
    mutatedBytes(packets),
    (bytes) => {
      parsePacket(bytes);
      parseTunnelled(bytes);
    },
    { runs: 3_000 },
  );
});
