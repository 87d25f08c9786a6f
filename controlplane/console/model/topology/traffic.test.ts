import t from 'tap';
import type { StoppedTraffic } from '../../../base/traffic';
import { structureOf } from './boxes';
import { directoryOf } from './directory';
import { clientBox, edge, shop, status, webBox } from './topology.fixture';
import { areStopsKnown, type NodeReading, nextReading, stopsOf, trafficLinks } from './traffic';

const directory = directoryOf(shop, structureOf(shop).boxes);
const ends = (readings: readonly NodeReading[]) =>
  trafficLinks(readings, directory).map(({ from, to, open }) => `${from} > ${to} ${open}`);
const backend = { address: '10.244.1.5', port: 8080 };

t.test('a connection through a Service counts once, although two nodes see it', async (t) => {
  const atClient = edge('10.244.0.9', '10.96.0.7 80', { backend });
  const atBackend = edge('10.244.0.9', '10.244.1.5 8080');
  t.strictSame(
    ends([
      { node: 'n1', before: {}, now: status(0, { edges: [atClient] }) },
      { node: 'n2', before: {}, now: status(0, { edges: [atBackend] }) },
    ]),
    [`${clientBox} > service/shop/web 1`, `service/shop/web > ${webBox} 1`],
  );
});

t.test('from outside by a node port: the node that it came to reports it, whatever the other node sees', async (t) => {
  const first = edge('203.0.113.9', '192.168.0.1 30080', { backend, translatedSource: '192.168.0.1' });
  const masqueraded = edge('192.168.0.1', '10.244.1.5 8080');
  const unchanged = edge('203.0.113.9', '10.244.1.5 8080');
  const expected = ['outside > service/shop/web 1', `service/shop/web > ${webBox} 1`];
  for (const second of [masqueraded, unchanged]) {
    const readings = [
      { node: 'n1', before: {}, now: status(0, { edges: [first] }) },
      { node: 'n2', before: {}, now: status(0, { edges: [second] }) },
    ];
    t.strictSame(ends(readings), expected);
  }
});

t.test('who is at the other end', async (t) => {
  const one = (source: string, destination: string) =>
    ends([{ node: 'n1', before: {}, now: status(0, { edges: [edge(source, destination)] }) }]);
  t.strictSame(one('10.244.0.1', '10.244.0.5 8080'), [`node/n1 > ${webBox} 1`], 'the bridge of the node: its kubelet');
  t.strictSame(one('192.168.0.1', '10.244.0.5 8080'), [`node/n1 > ${webBox} 1`]);
  t.strictSame(one('10.244.0.9', '203.0.113.1 443'), [`${clientBox} > elsewhere 1`]);
  t.strictSame(
    one('203.0.113.1', '192.168.0.1 22'),
    ['outside > node/n1 1'],
    'a port of the node that is no node port',
  );
  t.strictSame(one('10.244.0.5', '10.244.0.5 8080'), [`${webBox} > ${webBox} 1`], 'among the pods of one box');
  t.strictSame(
    one('10.244.0.77', '10.96.0.7 80'),
    ['unknown > service/shop/web 1'],
    'a pod that is gone is not outside',
  );
  t.strictSame(one('10.244.0.9', '10.244.1.77 80'), [`${clientBox} > unknown 1`]);
  t.strictSame(one('203.0.113.1', '192.168.0.1 80'), ['outside > entry 1'], 'the Ingress of the node');
});

t.test('a host port leads to its pod, not to the node', async (t) => {
  const atHostPort = edge('203.0.113.1', '192.168.0.2 8099', { backend });
  t.strictSame(ends([{ node: 'n2', before: {}, now: status(0, { edges: [atHostPort] }) }]), [`outside > ${webBox} 1`]);
});

t.test('who may not see all objects knows no address for sure', async (t) => {
  const partial = directoryOf(shop, structureOf(shop).boxes, true);
  const edges = [edge('203.0.113.1', '10.96.0.7 80'), edge('10.244.0.9', '203.0.113.1 443')];
  const links = trafficLinks([{ node: 'n1', before: {}, now: status(0, { edges }) }], partial);
  t.strictSame(
    links.map(({ from, to }) => `${from} > ${to}`),
    ['unknown > service/shop/web', `${clientBox} > unknown`],
  );
});

t.test('one-way traffic of UDP is no trouble, a TCP connection without an answer is', async (t) => {
  const unanswered = (protocol: 'tcp' | 'udp') =>
    trafficLinks(
      [
        {
          node: 'n1',
          before: {},
          now: status(0, { edges: [edge('10.244.0.9', '10.244.0.5 80', { protocol, unanswered: 3 })] }),
        },
      ],
      directory,
    )[0]?.unanswered;
  t.equal(unanswered('udp'), 0);
  t.equal(unanswered('tcp'), 3);
});

t.test('rates are the difference of two readings of one collector', async (t) => {
  const at = (opened: number, bytes: number) =>
    edge('10.244.0.9', '10.244.0.5 80', {
      opened,
      request: { packets: bytes / 10, bytes },
      answer: { packets: 0, bytes },
    });
  const rates = (before: NodeReading['now'] | undefined, now: NodeReading['now']) => {
    const [link] = trafficLinks([{ node: 'n1', before: { connections: before }, now }], directory);
    return [link?.openedPerSecond, link?.bytesPerSecond, link?.packetsPerSecond];
  };
  const now = status(12, { edges: [at(9, 3000)] });
  t.strictSame(rates(status(10, { edges: [at(5, 1000)] }), now), [2, 2000, 100]);
  t.strictSame(rates(undefined, now), [0, 0, 0], 'the first reading has none');
  t.strictSame(rates(status(10, { edges: [at(5, 1000)], collector: 'other' }), now), [0, 0, 0]);
  t.strictSame(rates(status(10, {}), now), [4.5, 3000, 150], 'a new edge');
  t.strictSame(rates(status(10, { omittedEdges: 3 }), now), [0, 0, 0], 'it may have been among the omitted ones');
});

t.test('a part that was not read again keeps its rate', async (t) => {
  const first = nextReading(undefined, 'n1', status(10, {}));
  t.strictSame(first.before, {
    connections: undefined,
    pods: undefined,
    stopped: undefined,
    refused: undefined,
    requests: undefined,
  });
  const second = nextReading(first, 'n1', status(12, {}));
  t.equal(second.before.connections, first.now);
  const third = status(14, { readAt: { ...status(14, {}).readAt, connections: second.now.readAt.connections } });
  const { before } = nextReading(second, 'n1', third);
  t.equal(before.connections, first.now);
  t.equal(before.stopped, second.now);
});

t.test('a rule whose pods come and go, or that was not read before, has no jump in its rate', async (t) => {
  const rule = (pods: readonly string[], packets: number): StoppedTraffic => ({
    verdict: 'drop',
    cause: 'policy',
    objects: [],
    pods,
    rule: 'counter drop',
    packets,
    bytes: 0,
  });
  const rate = (before: Partial<NodeReading['now']>) =>
    stopsOf(
      [
        {
          node: 'n1',
          before: { stopped: status(10, before) },
          now: status(12, { stopped: [rule(['10.244.0.5', '10.244.1.5'], 100_000)] }),
        },
      ],
      directory,
    )[0]?.packetsPerSecond;
  t.equal(rate({ stopped: [rule(['10.244.0.5'], 100_000)] }), 0, 'another pod has come');
  t.equal(rate({ problems: ['rules cannot be read'] }), 0, 'it was not read');
  t.equal(rate({}), 50_000, 'it is new');
});

t.test('what is stopped stands at the pods, the Service or the node', async (t) => {
  const stopped = (more: Partial<StoppedTraffic>): StoppedTraffic => ({
    verdict: 'drop',
    cause: 'policy',
    objects: ['shop/only-client'],
    pods: [],
    rule: 'counter drop',
    packets: 10,
    bytes: 600,
    ...more,
  });
  const at = (one: StoppedTraffic) =>
    stopsOf(
      [
        {
          node: 'n1',
          before: { stopped: status(10, { stopped: [{ ...one, packets: 4 }] }) },
          now: status(12, { stopped: [one] }),
        },
      ],
      directory,
    ).map(({ box, packetsPerSecond, isShared }) => [box, packetsPerSecond, isShared]);
  t.strictSame(at(stopped({ pods: ['10.244.0.5'] })), [[webBox, 3, false]]);
  t.strictSame(at(stopped({ pods: ['10.244.0.5', '10.244.0.9'] })), [
    [webBox, 3, true],
    [clientBox, 3, true],
  ]);
  t.strictSame(at(stopped({ cause: 'service', objects: ['shop/web'] })), [['service/shop/web', 3, false]]);
  t.strictSame(at(stopped({ cause: 'other', objects: [] })), [['node/n1', 3, false]]);
});

t.test('what is stopped is known when each node has said it twice', async (t) => {
  const twice = { node: 'n1', before: { stopped: status(10, {}) }, now: status(12, {}) };
  t.ok(areStopsKnown([twice]));
  t.notOk(areStopsKnown([twice, { node: 'n2', before: {}, now: status(12, {}) }]));
  t.notOk(areStopsKnown([{ ...twice, before: { stopped: status(12, {}) } }]), 'the same reading');
  t.notOk(areStopsKnown([{ ...twice, now: status(12, { collector: 'other' }) }]));
  t.notOk(areStopsKnown([]));
});
