// From messages of the kernel to edges, and what is kept of them.
import t from 'tap';
import { Entry } from './entry';
import { entry, type Made, message, recorded } from './entry.fixture';
import { idleMs, Ledger, maxConnections, maxEdges, maxOfSource, maxReported } from './ledger';

function reading(ledger: Ledger, nowMs: number, ...made: (Made | string)[]) {
  ledger.begin(nowMs);
  for (const one of made) ledger.see(entry(typeof one === 'string' ? Buffer.from(one, 'hex') : message(one)));
  ledger.finish();
  return ledger.report();
}

/** A ledger after its first reading, which found nothing. */
function started(): Ledger {
  const ledger = new Ledger();
  reading(ledger, 0);
  return ledger;
}

t.test('recorded entries', async (t) => {
  const { edges } = reading(started(), 1, ...Object.values(recorded));
  const byProtocol = (protocol: string) => edges.filter((edge) => edge.protocol === protocol);
  t.strictSame(byProtocol('tcp'), [
    {
      protocol: 'tcp',
      source: '10.244.1.3',
      destination: { address: '10.111.147.126', port: 80 },
      backend: { address: '10.244.1.2', port: 8080 },
      opened: 1,
      open: 0,
      unanswered: 0,
      uncounted: 0,
      request: { packets: 5, bytes: 344 },
      answer: { packets: 5, bytes: 673 },
    },
  ]);
  t.match(byProtocol('udp'), [
    { source: '10.244.1.3', destination: { address: '10.96.0.10', port: 53 }, backend: { port: 53 }, open: 1 },
  ]);
  t.same(
    byProtocol('icmp')
      .map(({ source, destination }) => `${source} ${JSON.stringify(destination)}`)
      .sort(),
    ['10.244.1.3 {"address":"10.244.0.2"}', 'fd00:10:244:1::3 {"address":"fd00:10:244::2"}'],
  );
});

t.test('what the first reading finds is open, not opened, and what it has sent before does not count', async (t) => {
  const ledger = new Ledger();
  const before = { request: [10, 1000], answer: [8, 800] } as const;
  t.match(reading(ledger, 0, before).edges, [{ opened: 0, open: 1, request: { packets: 0, bytes: 0 } }]);
  const { edges } = reading(ledger, 1, { request: [12, 1500], answer: [9, 900] });
  t.match(edges, [{ opened: 0, open: 1, request: { packets: 2, bytes: 500 }, answer: { packets: 1, bytes: 100 } }]);
});

t.test('a first reading that fails is none', async (t) => {
  const ledger = new Ledger();
  ledger.begin(0);
  ledger.see(entry(message({ request: [10, 1000] })));
  const { edges } = reading(ledger, 1, { request: [11, 1100] }, { sourcePort: 7, request: [20, 2000] });
  t.match(edges, [{ opened: 0, open: 2, request: { packets: 1, bytes: 100 } }]);
});

t.test('connections of one edge are added; the sums stay when they end', async (t) => {
  const ledger = started();
  const client = (sourcePort: number, more: Made = {}): Made => ({ sourcePort, request: [1, 60], ...more });
  t.match(reading(ledger, 1, client(1), client(2, { status: 0, state: 1 })).edges, [
    { opened: 2, open: 2, unanswered: 1, request: { packets: 2, bytes: 120 } },
  ]);
  t.match(reading(ledger, 2, client(2, { state: 7, request: [5, 500] }), client(3)).edges, [
    { opened: 3, open: 1, unanswered: 0, request: { packets: 7, bytes: 620 } },
  ]);
  t.match(reading(ledger, 3).edges, [{ opened: 3, open: 0, request: { packets: 7, bytes: 620 } }]);
  t.equal(ledger.size.connections, 0, 'connections that are gone are forgotten');
  const again = reading(ledger, 4, client(3, { id: 9 })).edges;
  t.match(again, [{ opened: 4, request: { packets: 8 } }], 'a later connection with the same ports');
  t.match(reading(ledger, 5, client(3, { id: 10, request: [2, 80] })).edges, [{ opened: 5, request: { packets: 10 } }]);
});

t.test('what an edge is', async (t) => {
  const { edges } = reading(
    started(),
    1,
    { destinationPort: 1 },
    { destinationPort: 2, backend: '10.0.0.9', backendPort: 8080 },
    { sourcePort: 5, destinationPort: 2, backend: '10.0.0.8', backendPort: 8080, seenAs: '192.0.2.1' },
    { protocol: 17, destinationPort: 1 },
    { protocol: 132, source: 'fd00::1', destination: 'fd00::2', destinationPort: 1 },
    { protocol: 47, destinationPort: 1 },
    { source: '127.0.0.1', destination: '127.0.0.1' },
    { source: '::1', destination: '::1' },
    { source: '::2', destination: 'fd00::2' },
  );
  t.same(
    edges
      .map(({ protocol, source, destination, backend, translatedSource }) =>
        [protocol, source, destination.address, destination.port, backend?.address, translatedSource]
          .filter((word) => word !== undefined)
          .join(' '),
      )
      .sort(),
    [
      'sctp fd00::1 fd00::2 1',
      'tcp 10.0.0.1 10.96.0.1 1',
      'tcp 10.0.0.1 10.96.0.1 2 10.0.0.8 192.0.2.1',
      'tcp 10.0.0.1 10.96.0.1 2 10.0.0.9',
      'tcp ::2 fd00::2 80',
      'udp 10.0.0.1 10.96.0.1 1',
    ],
    'loopback and other protocols are left out',
  );
});

t.test('counters that somebody has set to zero, and an entry that comes twice', async (t) => {
  const ledger = started();
  reading(ledger, 1, { request: [10, 1000] });
  t.match(reading(ledger, 2, { request: [3, 300] }).edges, [{ request: { packets: 13, bytes: 1300 } }]);
  t.match(reading(ledger, 3, { request: [4, 400] }, { request: [4, 400] }).edges, [{ open: 1, opened: 1 }]);
});

t.test('large counters', async (t) => {
  const { edges } = reading(started(), 1, { request: [3, 2 ** 40 + 5] });
  t.equal(edges[0]!.request.bytes, 2 ** 40 + 5);
});

t.test('connections that the kernel does not count', async (t) => {
  const ledger = new Ledger();
  const old: Made = { sourcePort: 1 };
  t.match(reading(ledger, 0, old).edges, [{ open: 1, uncounted: 1 }]);
  const counted = (sourcePort: number): Made => ({ sourcePort, request: [0, 0], answer: [0, 0] });
  t.match(reading(ledger, 1, old, counted(2), { ...counted(3), state: 7 }).edges, [{ open: 2, uncounted: 1 }]);
  t.match(
    reading(ledger, 2, { ...old, state: 7 }, counted(2)).edges,
    [{ open: 1, uncounted: 0 }],
    'one that has ended',
  );
  t.match(
    reading(ledger, 3, { sourcePort: 4, answer: [1, 60] }).edges,
    [{ uncounted: 0 }],
    'counters of one direction',
  );
});

t.test('idle edges are forgotten, unless a connection is open', async (t) => {
  const ledger = started();
  reading(ledger, 1, { destinationPort: 1 }, { destinationPort: 2 });
  const open = { destinationPort: 2 };
  t.equal(reading(ledger, 1 + idleMs, open).edges.length, 2);
  t.match(reading(ledger, 2 + idleMs, open).edges, [{ destination: { port: 2 } }]);
  reading(ledger, 3 + idleMs);
  t.same(reading(ledger, 4 + 2 * idleMs).edges, []);
});

t.test('many edges: the largest of late are kept and reported', async (t) => {
  const ledger = started();
  const many = Array.from(
    { length: maxEdges + 100 },
    (_, i): Made => ({ destinationPort: i + 1, request: [1, 100 + i] }),
  );
  const { edges, omittedEdges } = reading(ledger, 1, ...many);
  t.equal(edges.length, maxReported);
  t.equal(omittedEdges, maxEdges + 100 - maxReported);
  t.equal(edges[0]!.destination.port, maxEdges + 100, 'the largest first');
  t.equal(ledger.size.edges, maxEdges);
  // The smallest was dropped; its connection is still known, and sends again.
  const small = { ...many[0]!, request: [2, 1_000_000] } as const;
  const later = reading(ledger, 2, ...many.slice(1), small).edges;
  t.match(later[0], { destination: { port: 1 }, opened: 0, open: 1, request: { packets: 1, bytes: 999_900 } });
  t.equal(ledger.size.edges, maxEdges);
});

const ofScan = (count: number): Made[] =>
  Array.from({ length: count }, (_, i) => ({ source: '10.0.0.66', destinationPort: i + 1, request: [9, 9_000] }));
const ofOthers = (clients: number, each: number): Made[] =>
  Array.from({ length: clients * each }, (_, i) => {
    const client = Math.floor(i / each);
    const source = `10.1.${client >> 8}.${client & 255}`;
    return { source, destinationPort: (i % each) + 1, request: [1, 60] };
  });
const reportedOf = (edges: readonly { readonly source: string }[], wanted: string) =>
  edges.filter(({ source }) => source === wanted).length;

t.test('a client with very many edges does not hide the others', async (t) => {
  const ledger = started();
  const { edges, omittedEdges } = reading(ledger, 1, ...ofScan(3_000), ...ofOthers(300, 2));
  t.equal(edges.length, maxReported);
  t.equal(omittedEdges, 3_600 - maxReported);
  t.equal(reportedOf(edges, '10.0.0.66'), maxReported - 600, 'places that nobody else needs');
  t.equal(edges[0]!.source, '10.0.0.66', 'still the largest first');
  t.equal(edges.at(-1)!.request.bytes, 60);
  const crowded = reading(ledger, 2, ...ofScan(3_000), ...ofOthers(950, 2));
  t.equal(crowded.edges.length, maxReported);
  t.equal(crowded.omittedEdges, 4_900 - maxReported);
  t.equal(reportedOf(crowded.edges, '10.0.0.66'), maxOfSource);
});

t.test('nor does it push them out of memory', async (t) => {
  const ledger = started();
  const others = ofOthers(1_000, 1);
  const { omittedEdges } = reading(ledger, 1, ...ofScan(6_000), ...others);
  t.equal(omittedEdges, 7_000 - maxReported);
  t.equal(ledger.size.edges, maxEdges);
  const grown = others.map((one): Made => ({ ...one, request: [2, 1_000_000] }));
  const { edges } = reading(ledger, 2, ...ofScan(6_000), ...grown);
  t.equal(reportedOf(edges, '10.0.0.66'), 0);
  t.ok(
    edges.every(({ opened }) => opened === 1),
    'none was forgotten in between',
  );
});

t.test('more connections than are remembered', async (t) => {
  const ledger = started();
  const made = message({ id: 1 });
  const read = new Entry();
  const see = (i: number) => {
    // The ports of the client, in both tuples.
    made.writeUInt32BE(i, 16);
    read.read(made, 0, made.length);
    ledger.see(read);
  };
  ledger.begin(1);
  for (let i = 0; i < maxConnections + 3; i++) see(i * 8 + 1);
  ledger.finish();
  t.equal(ledger.size.connections, maxConnections);
  t.equal(ledger.unremembered, 3);
  t.equal(ledger.size.edges, maxEdges);
  ledger.begin(2);
  ledger.finish();
  t.equal(ledger.size.connections, 0);
  t.equal(ledger.unremembered, 0);
});

t.test('messages that are no entry, or are cut off anywhere', async (t) => {
  const read = new Entry();
  for (const text of Object.values(recorded)) {
    const whole = Buffer.from(text, 'hex');
    for (let length = 0; length < whole.length; length++) {
      const cut = whole.subarray(0, length);
      t.doesNotThrow(() => read.read(cut, 0, cut.length));
    }
    t.equal(read.read(whole, 0, whole.length), true);
    const other = Buffer.from(whole);
    other[0] = 1;
    t.equal(read.read(other, 0, other.length), false, 'another family');
  }
});
