import t from 'tap';
import type { RefusedFlow } from '../../../base/traffic';
import { structureOf } from './boxes';
import { directoryOf } from './directory';
import { refusedOf, withoutInnocents } from './refused';
import { clientBox, edge, shop, status, webBox } from './topology.fixture';
import type { Stop } from './traffic';

const directory = directoryOf(shop, structureOf(shop).boxes);
const flow = (packets: number, more: Partial<RefusedFlow> = {}): RefusedFlow => ({
  protocol: 'tcp',
  source: '10.244.0.9',
  destination: '10.96.0.7',
  backend: '10.244.0.5',
  port: 8080,
  by: 'policy',
  direction: 'ingress',
  policies: ['shop/only-client'],
  packets,
  ...more,
});
const reading = (now: readonly RefusedFlow[], before: readonly RefusedFlow[]) => [
  { node: 'n1', before: { refused: status(10, { refused: before }) }, now: status(12, { refused: now }) },
];

t.test('the sender and the receiver of what is dropped, with a rate', async (t) => {
  const [first, second] = refusedOf(
    reading([flow(9, { port: 1 }), flow(7)], [flow(9, { port: 1 }), flow(3)]),
    directory,
  );
  t.match(first, { from: clientBox, to: webBox, packetsPerSecond: 2, port: 8080, node: 'n1' });
  t.match(second, { packetsPerSecond: 0 });
  t.match(refusedOf(reading([flow(4)], []), directory)[0], { packetsPerSecond: 2 }, 'a new one');
});

t.test('of the boxes of one rule those are red whose packets it stops', async (t) => {
  const stop = (box: string, more: Partial<Stop> = {}): Stop => ({
    verdict: 'drop',
    cause: 'policy',
    objects: ['shop/only-client'],
    direction: 'ingress',
    pods: [],
    rule: 'r',
    packets: 1,
    bytes: 1,
    node: 'n1',
    box,
    packetsPerSecond: 1,
    isShared: true,
    ...more,
  });
  const stops = [stop(webBox), stop('workload/shop/Pod/other'), stop('service/shop/web', { cause: 'service' })];
  const left = withoutInnocents(stops, refusedOf(reading([flow(4)], []), directory));
  t.strictSame(
    left.map(({ box, isShared }) => [box, isShared]),
    [
      [webBox, false],
      ['service/shop/web', true],
    ],
  );
  t.strictSame(withoutInnocents(stops, []), stops, 'no flow is known');
});

t.test('a reset that passes two nodes is reported by that of the client', async (t) => {
  const reset = flow(4, { by: 'receiver', destination: '10.96.0.7' });
  const atReceiver = { ...reset, destination: '10.244.0.5' };
  const [own] = reading([reset], []);
  const all = refusedOf([own!, { ...own!, node: 'n2', now: status(12, { refused: [atReceiver] }) }], directory);
  t.match(all, [{ node: 'n1', destination: '10.96.0.7' }]);
  const outside = flow(1, { by: 'receiver', source: '203.0.113.9' });
  t.equal(refusedOf(reading([outside], []), directory).length, 1, 'a client that is no pod');
});

t.test('a drop behind the port of another node names the client, not that node', async (t) => {
  const backend = { address: '10.244.0.5', port: 8080 };
  const viaPort = (source: string) =>
    edge(source, '192.168.0.2 30080', { backend, translatedSource: '10.244.1.0', unanswered: 1 });
  const readings = (...edges: ReturnType<typeof edge>[]) => [
    ...reading([flow(4, { source: '10.244.1.0', destination: '10.244.0.5' })], []),
    { node: 'n2', before: {}, now: status(12, { edges }) },
  ];
  t.match(refusedOf(readings(), directory), [{ from: 'node/n2', behind: undefined }]);
  t.match(refusedOf(readings(viaPort('203.0.113.9'), viaPort('203.0.113.10')), directory), [
    {
      from: 'outside',
      to: webBox,
      source: '10.244.1.0',
      behind: { sources: ['203.0.113.9', '203.0.113.10'], destination: '192.168.0.2', port: 30080 },
    },
  ]);
  const mixed = refusedOf(readings(viaPort('203.0.113.9'), viaPort('10.244.0.9')), directory);
  t.equal(mixed[0]?.from, 'node/n2', 'an outside client and a pod');
  const own = edge('203.0.113.9', '192.168.0.2 30081', {
    backend: { ...backend, port: 1 },
    translatedSource: '10.244.1.0',
  });
  t.equal(refusedOf(readings(own), directory)[0]?.from, 'node/n2', 'of another port');
});
