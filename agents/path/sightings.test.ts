import t from 'tap';
import type { Seen } from '../../controlplane/base/hops';
import { sightingsOf } from './sightings';

const seen = (atUs: number, link: string, more: Partial<Seen>): Seen => ({
  link,
  direction: 'in',
  atUs,
  protocol: 'tcp',
  source: '10.244.1.6',
  sourcePort: 27_000,
  destination: '10.96.3.7',
  destinationPort: 80,
  length: 60,
  ...more,
});

t.test('TCP: the same sequence number behind translation, and what answers it', async (t) => {
  const syn = { flags: ['SYN'], seq: 4_294_967_295 };
  const back = { source: '10.244.2.9', sourcePort: 8080, destination: '192.168.57.11', destinationPort: 41_000 };
  const found = sightingsOf({ protocol: 'tcp', destination: '10.96.3.7', port: 80, sourcePort: 27_000 }, [
    {
      node: 'a',
      seen: [
        seen(10, 'veth', syn),
        seen(12, 'eth0', {
          ...syn,
          direction: 'out',
          source: '192.168.57.11',
          sourcePort: 41_000,
          destination: '10.244.2.9',
          destinationPort: 8080,
        }),
        seen(11, 'veth', { flags: ['SYN'], seq: 7, sourcePort: 999 }),
      ],
    },
    {
      node: 'b',
      seen: [
        seen(20, 'veth', { ...back, flags: ['SYN', 'ACK'], ack: 0, seq: 1 }),
        seen(21, 'veth', { ...back, flags: ['ACK'], ack: 0 }),
        seen(22, 'veth', { ...back, flags: ['RST'], ack: 0 }),
      ],
    },
  ]);
  t.same(
    found.map(({ node, link, what, afterUs }) => [node, link, what, afterUs]),
    [
      ['a', 'veth', 'request', 0],
      ['a', 'eth0', 'request', 2],
      ['b', 'veth', 'answer', 10],
      ['b', 'veth', 'refusal', 12],
    ],
  );
  t.match(found[1]!.packet, 'tcp SYN 192.168.57.11:41000 to 10.244.2.9:8080');
});

t.test('UDP by its length, ICMP by its number', async (t) => {
  const udp = { protocol: 'udp', length: 48 };
  const datagrams = sightingsOf({ protocol: 'udp', destination: '10.96.3.7', port: 80, sourcePort: 27_000 }, [
    {
      node: 'a',
      seen: [
        seen(1, 'veth', udp),
        seen(2, 'eth0', { ...udp, source: '192.168.57.11', sourcePort: 500 }),
        seen(3, 'eth0', { ...udp, length: 99, sourcePort: 5 }),
      ],
    },
    {
      node: 'b',
      seen: [
        seen(4, 'eth0', {
          ...udp,
          length: 20,
          source: '10.96.3.7',
          sourcePort: 80,
          destination: '192.168.57.11',
          destinationPort: 500,
        }),
      ],
    },
  ]);
  t.same(
    datagrams.map(({ what }) => what),
    ['request', 'request', 'answer'],
  );
  const echo = (type: number, id: number) => ({ protocol: 'icmp', icmp: { type, code: 0, echo: { id } } });
  const echoes = sightingsOf({ protocol: 'icmp', destination: '10.96.3.7' }, [
    {
      node: 'a',
      seen: [
        seen(1, 'veth', echo(8, 5)),
        seen(2, 'veth', echo(8, 6)),
        seen(3, 'veth', { ...echo(0, 5), source: '10.96.3.7', destination: '10.244.1.6' }),
      ],
    },
  ]);
  t.same(
    echoes.map(({ what, afterUs }) => [what, afterUs]),
    [
      ['request', 0],
      ['answer', 2],
    ],
  );
});

t.test('nothing of the probe was seen', async (t) => {
  t.same(
    sightingsOf({ protocol: 'tcp', destination: '10.96.3.7', port: 80, sourcePort: 1 }, [
      { node: 'a', seen: [seen(1, 'x', { flags: ['SYN'], seq: 1 })] },
    ]),
    [],
  );
});
