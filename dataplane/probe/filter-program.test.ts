// The program runs here in a small interpreter; test/kernel/sightings.test.ts runs it in the kernel.
import t from 'tap';
import { fc, fuzz, mutatedBytes } from '../../test/lib/fuzz';
import type { SocketFilter } from '../netns/socket-filter';
import { renderFilter } from './filter-program';
import { four, ip, samples, six, tcp, udp } from './packets.fixture';
import { checkFilter, createMatcher, readMatching, type SightingFilter } from './sighting';

/** The bytes that are kept; 0: none. A load outside of the packet ends the program with 0, as in the kernel. */
function run(program: SocketFilter, packet: Buffer): number {
  let a = 0;
  let x = 0;
  for (let i = 0; i < program.length; i++) {
    const [code, yes, no, k] = program[i]!;
    const width = { 64: 4, 32: 4, 72: 2, 40: 2, 80: 1, 48: 1 }[code];
    if (width !== undefined) {
      const at = [0x40, 0x48, 0x50].includes(code) ? x + k : k;
      if (at + width > packet.length) return 0;
      a = packet.readUIntBE(at, width);
    } else if (code === 0xb1) {
      if (k >= packet.length) return 0;
      x = (packet[k]! & 15) * 4;
    } else if (code === 0x01) x = k;
    else if (code === 0x07) x = a;
    else if (code === 0x87) a = x;
    else if (code === 0x54) a = (a & k) >>> 0;
    else if (code === 0x04) a = (a + k) >>> 0;
    else if (code === 0x0c) a = (a + x) >>> 0;
    else if (code === 0x64) a = (a << k) >>> 0;
    else if (code === 0x05) i += k;
    else if (code === 0x15) i += a === k ? yes : no;
    else if (code === 0x45) i += (a & k) !== 0 ? yes : no;
    else if (code === 0x06) return k;
    else throw new Error(`instruction ${code}`);
  }
  throw new Error('the program has no end');
}

const selected = (filter: SightingFilter): readonly string[] => {
  const program = renderFilter(filter);
  return Object.keys(samples).filter((name) => run(program, samples[name]!) > 0);
};
const matched = (filter: SightingFilter): readonly string[] => {
  const matches = createMatcher(filter);
  return Object.keys(samples).filter((name) => readMatching(samples[name]!, matches) !== undefined);
};

/** What the program selects more than was asked for, as its file says. */
const coarse = ['refused4', 'tooBig6', 'extended6', 'fragment6', 'laterFragment6'];

t.test('which packets match, and which the kernel keeps', async (t) => {
  const cases: readonly [string, SightingFilter, readonly string[]][] = [
    ['IPv4', { protocol: 'tcp', addresses: [four.server] }, ['syn4', 'synAck4', 'refused4', 'tunnel44']],
    ['IPv6', { protocol: 'tcp', addresses: [six.client] }, ['syn6', 'tunnel66', 'extended6']],
    ['a port', { protocol: 'tcp', addresses: [four.server], ports: [80] }, ['syn4', 'synAck4', 'refused4', 'tunnel44']],
    [
      'a source port',
      { protocol: 'tcp', addresses: [six.server], ports: [1, 40_000] },
      ['syn6', 'tunnel66', 'extended6'],
    ],
    ['another port', { protocol: 'tcp', addresses: [four.server, six.server], ports: [81] }, []],
    ['another address', { protocol: 'tcp', addresses: ['10.0.0.3', 'fd00::3'] }, []],
    [
      'UDP',
      { protocol: 'udp', addresses: [four.server, six.server], ports: [53] },
      ['udp4', 'udp6', 'tooBig6', 'tunnel46', 'fragment6'],
    ],
    [
      'UDP without ports',
      { protocol: 'udp', addresses: [six.server] },
      ['udp6', 'tooBig6', 'tunnel46', 'fragment6', 'laterFragment6'],
    ],
    ['the tunnel itself', { protocol: 'udp', addresses: [four.outer[0]] }, ['tunnel44', 'tunnel46']],
    [
      'the tunnel itself by IPv6',
      { protocol: 'udp', addresses: [six.outer[1]], ports: [8_472] },
      ['tunnel64', 'tunnel66'],
    ],
    ['ICMP', { protocol: 'icmp', addresses: [four.client] }, ['echo4', 'refused4', 'tunnel64']],
    ['ICMPv6', { protocol: 'icmpv6', addresses: [six.client] }, ['echo6', 'tooBig6']],
    ['no ICMPv6 for IPv4', { protocol: 'icmpv6', addresses: [four.client] }, []],
    ['another spelling', { protocol: 'tcp', addresses: ['FD00:0::1'] }, ['syn6', 'tunnel66', 'extended6']],
  ];
  for (const [name, filter, expected] of cases) {
    t.strictSame(matched(filter), expected, `${name}: matches`);
    const more = selected(filter).filter((each) => !expected.includes(each) && !coarse.includes(each));
    t.strictSame(more, [], `${name}: the program selects not much more`);
    t.strictSame(
      expected.filter((each) => !selected(filter).includes(each)),
      [],
      `${name}: the program selects all`,
    );
  }
});

t.test('the packet inside a tunnel is reported, not the outer one', async (t) => {
  const matches = createMatcher({ protocol: 'udp', addresses: [four.outer[0], six.client] });
  t.match(readMatching(samples['tunnel46']!, matches), { source: six.client, tunnel: { source: four.outer[0] } });
  t.equal('tunnel' in readMatching(samples['tunnel44']!, matches)!, false);
});

t.test('a filter with all its addresses and ports stays within what the kernel takes', async (t) => {
  const many = { length: 64 };
  const addresses = Array.from(many, (_, i) => (i % 2 === 0 ? `240.0.0.${i}` : `fd00::ff00:${i}`));
  const ports = Array.from(many, (_, i) => i + 1);
  const filter: SightingFilter = { protocol: 'tcp', addresses, ports };
  const program = renderFilter(filter);
  // 20,480 bytes, net.core.optmem_max before Linux 6.7, at two eBPF instructions of 8 bytes each.
  t.ok(program.length < 1_280, `${program.length} instructions`);
  for (const [, yes, no] of program) if (yes > 255 || no > 255) t.fail('a jump is too far');
  for (const [i, address] of addresses.entries()) {
    const other = i % 2 === 0 ? '10.9.9.9' : 'fd99::9';
    t.ok(run(program, ip(address, other, 6, tcp(7_000, i + 1))) > 0);
    t.ok(run(program, ip(other, address, 6, tcp(i + 1, 7_000))) > 0);
    t.equal(run(program, ip(other, address, 6, tcp(65, 7_000))), 0);
    t.equal(run(program, ip(other, address, 17, udp(1, 2))), 0);
  }
});

t.test('whatever matches is selected', async (t) => {
  const filters = fc.record({
    protocol: fc.constantFrom('tcp', 'udp', 'icmp', 'icmpv6'),
    addresses: fc.subarray([four.client, four.server, six.client, six.server, four.outer[0], six.outer[1]], {
      minLength: 1,
    }),
    ports: fc.constantFrom(undefined, [80], [53, 40_000], [8_472]),
  }) as fc.Arbitrary<SightingFilter>;
  const packets = mutatedBytes(fc.constantFrom(...Object.values(samples)));
  await fuzz(
    t,
    'whole packets',
    fc.tuple(filters, packets),
    ([filter, bytes]) => {
      // The kernel gives whole packets; the headers of a cut one are outside of the packet for the program.
      const packet = Buffer.concat([bytes, Buffer.alloc(120)]);
      if (readMatching(packet, createMatcher(filter)) && run(renderFilter(filter), packet) === 0) {
        throw new Error('not selected');
      }
    },
    { runs: 3_000 },
  );
});

t.test('wrong filters', async (t) => {
  const base: SightingFilter = { protocol: 'tcp', addresses: ['10.0.0.1'], ports: [80] };
  t.doesNotThrow(() => checkFilter(base));
  t.doesNotThrow(() => checkFilter({ protocol: 'icmp', addresses: ['::1'] }));
  const wrong: readonly [string, Partial<SightingFilter>][] = [
    ['addresses', { addresses: [] }],
    ['addresses', { addresses: Array(65).fill('10.0.0.1') }],
    ['addresses', { addresses: ['localhost'] }],
    ['addresses', { addresses: ['fe80::1%eth0'] }],
    ['ports', { ports: [] }],
    ['ports', { ports: [0] }],
    ['ports', { ports: [65_536] }],
    ['ports', { ports: Array(65).fill(1) }],
    ['ports', { protocol: 'icmp' }],
  ];
  for (const [field, change] of wrong) {
    t.throws(() => checkFilter({ ...base, ...change }), { code: 'BadRequest', message: new RegExp(`^${field} of`) });
  }
});
