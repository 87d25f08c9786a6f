import t from 'tap';
import { structureOf } from './boxes';
import { directoryOf } from './directory';
import { type FrameInput, frameOf, matches } from './frame';
import { type Moment, maxMoments, withMoment } from './timeline';
import { clientBox, edge, pod, shop, status, webBox } from './topology.fixture';
import { trafficLinks } from './traffic';

const structure = structureOf(shop);
const input = (...edges: ReturnType<typeof edge>[]): FrameInput => ({
  atMs: 1,
  structure,
  traffic: trafficLinks([{ node: 'n1', before: {}, now: status(0, { edges }) }], directoryOf(shop, structure.boxes)),
  requests: [],
  stops: [],
  areStopsKnown: true,
  refused: [],
  podRates: new Map(),
  remarks: [],
});
const scope = { namespace: '', withSystem: false, maxBoxes: 100, first: new Set<string>() };
const ids = ({ boxes }: { readonly boxes: readonly { readonly id: string }[] }) => boxes.map(({ id }) => id);

t.test('nodes and other machines are drawn when they talk with the namespace', async (t) => {
  const inShop = { ...scope, namespace: 'shop' };
  t.strictSame(ids(frameOf(input(), inShop)), [
    'entry',
    'ingress/shop/front',
    'service/shop/web',
    'service/shop/alone',
    webBox,
    clientBox,
  ]);
  const frame = frameOf(input(edge('10.244.0.9', '203.0.113.1 443')), inShop);
  t.ok(ids(frame).includes('elsewhere'));
  t.strictSame(ids(frameOf(input(), { ...scope, namespace: 'empty' })), []);
});

t.test('traffic of the cluster itself is drawn when the reader wants it', async (t) => {
  const system = input(edge('192.168.0.1', '192.168.0.2 10250'));
  t.notOk(frameOf(system, scope).links.some(({ to }) => to === 'node/n2'));
  const probe = frameOf(input(edge('192.168.0.1', '10.244.0.5 8080')), scope);
  t.ok(
    probe.links.some(({ from }) => from === 'node/n1'),
    'a program of the node that is none of the cluster',
  );
});

t.test('of the traffic of nodes with pods, probes and what Ingresses forward is of the cluster itself', async (t) => {
  const probed = {
    ...shop,
    pods: shop.pods.map((one) => ({
      ...one,
      spec: {
        ...one.spec,
        containers: [{ ports: [{ name: 'web', containerPort: 8080 }], readinessProbe: { httpGet: { port: 'web' } } }],
      },
    })),
  };
  const forwarded = { ingress: 'shop/front', service: 'shop/web', endpoint: '10.244.1.5:8443', requests: 1, failed: 0 };
  const edges = [
    edge('192.168.0.1', '10.244.0.5 8080'),
    edge('192.168.0.1', '10.244.0.5 9090'),
    edge('192.168.0.1', '10.244.1.5 8443'),
    edge('192.168.0.1', '10.244.1.5 8080'),
  ];
  const now = status(0, { edges, requests: [forwarded] });
  const traffic = trafficLinks([{ node: 'n1', before: {}, now }], directoryOf(probed, structure.boxes));
  const flows = (withSystem: boolean) =>
    frameOf({ ...input(), traffic }, { ...scope, withSystem })
      .links.find(({ id }) => id === `node/n1 ${webBox}`)
      ?.traffic?.flows.map(({ destination, port }) => `${destination}:${port}`)
      .sort();
  t.strictSame(flows(false), ['10.244.0.5:9090', '10.244.1.5:8080'], 'no kubelet probes pods of another node');
  t.strictSame(flows(true), ['10.244.0.5:8080', '10.244.0.5:9090', '10.244.1.5:8080', '10.244.1.5:8443']);
});

t.test('a link has what objects declare and what was seen', async (t) => {
  const backend = { address: '10.244.0.5', port: 8080 };
  const { links } = frameOf(input(edge('10.244.0.9', '10.96.0.7 80', { backend })), scope);
  const link = links.find(({ id }) => id === `service/shop/web ${webBox}`);
  t.match(link, { declared: { ready: 1, all: 2 }, traffic: { open: 1 } });
});

t.test('of too many boxes those with traffic are drawn', async (t) => {
  const frame = frameOf(input(edge('10.244.0.9', '10.96.0.7 80')), { ...scope, maxBoxes: 2 });
  t.strictSame(ids(frame).sort(), ['service/shop/web', clientBox].sort());
  t.equal(frame.omitted, 4);
  const searched = { ...scope, maxBoxes: 2, first: new Set(['service/shop/alone']) };
  t.ok(ids(frameOf(input(), searched)).includes('service/shop/alone'), 'what is searched for comes first');
});

t.test('search by name, object and address', async (t) => {
  const found = (words: string) => structure.boxes.filter((box) => matches(box, words)).map(({ id }) => id);
  t.strictSame(found('10.244.0.9'), [clientBox]);
  t.strictSame(found('deployment web'), [webBox]);
  t.strictSame(found('SHOP/client'), [clientBox]);
  t.strictSame(found('shop.local'), ['ingress/shop/front']);
  t.strictSame(found('  '), []);
});

t.test('Services do not crowd out the pods behind them', async (t) => {
  const services = Array.from({ length: 30 }, (_, i) => ({
    metadata: { namespace: 'shop', name: `s${i}` },
    spec: { clusterIP: `10.96.1.${i}` },
  }));
  const pods = Array.from({ length: 6 }, (_, i) => pod(`p${i}`, 'n1', `10.244.0.${100 + i}`));
  const slices = pods.flatMap(({ metadata: { name = '' } = {} }, i) =>
    [i, i + 10, i + 20].map((at) => ({
      metadata: { namespace: 'shop', name: `s${at}-x`, labels: { 'kubernetes.io/service-name': `s${at}` } },
      endpoints: [{ addresses: [`10.244.0.${100 + i}`], targetRef: { kind: 'Pod', namespace: 'shop', name } }],
    })),
  );
  const many = structureOf({ ...shop, nodes: shop.nodes, ingresses: [], services, slices, pods });
  const frame = frameOf({ ...input(), structure: many }, { ...scope, maxBoxes: 14 });
  const kinds = (kind: string) => frame.boxes.filter((box) => box.kind === kind).length;
  t.equal(kinds('workload'), 6, 'all pods');
  t.equal(kinds('service'), 8);
  const led = new Set(frame.links.map(({ to }) => to));
  t.equal(led.size, 6, 'each has a Service that leads to it');
  const few = frameOf({ ...input(), structure: many }, { ...scope, maxBoxes: 4 });
  t.equal(few.links.length, 2, 'pairs');
});

t.test('the timeline is bounded', async (t) => {
  let moments: readonly Moment[] = [];
  for (let i = 0; i < maxMoments + 5; i++) moments = withMoment(moments, { ...input(), atMs: i });
  t.equal(moments.length, maxMoments);
  t.equal(moments[0]?.atMs, 5);
});

t.test('a pod that has ended is drawn while its flows are known', async (t) => {
  const ended = 'workload/shop/Pod/done';
  const done = { ...pod('done', 'n1', '10.244.0.7'), status: { phase: 'Succeeded', podIPs: [{ ip: '10.244.0.7' }] } };
  const withPods = (...more: ReturnType<typeof pod>[]) => {
    const objects = {
      ...shop,
      pods: [...shop.pods.filter(({ metadata }) => metadata?.name !== 'done'), done, ...more],
    };
    const all = structureOf(objects);
    const readings = [{ node: 'n1', before: {}, now: status(0, { edges: [edge('10.244.0.7', '10.96.0.7 80')] }) }];
    return frameOf(
      { ...input(), structure: all, traffic: trafficLinks(readings, directoryOf(objects, all.boxes)) },
      scope,
    );
  };
  t.notOk(ids(frameOf(input(), scope)).includes(ended), 'without traffic it is not drawn');
  t.ok(ids(withPods()).includes(ended));
  t.ok(withPods().links.some(({ from, to }) => from === ended && to === 'service/shop/web'));
  const next = withPods(pod('next', 'n1', '10.244.0.7'));
  t.notOk(ids(next).includes(ended), 'the address is that of another pod now');
});

t.test('what is refused by way of a Service is drawn by way of it; what has no answer is traffic', async (t) => {
  const flow = {
    protocol: 'tcp',
    source: '10.244.0.9',
    destination: '10.96.0.7',
    backend: '10.244.0.5',
    by: 'receiver',
    packets: 3,
    node: 'n1',
    from: clientBox,
    to: webBox,
    via: 'service/shop/web',
    packetsPerSecond: 2,
  } as const;
  const ways = (refused: FrameInput['refused']) =>
    frameOf({ ...input(), refused }, scope).links.flatMap(({ from, to, refusedPerSecond }) =>
      refusedPerSecond === undefined ? [] : [`${from} > ${to} ${refusedPerSecond}`],
    );
  t.strictSame(ways([flow]).sort(), [`service/shop/web > ${webBox} 2`, `${clientBox} > service/shop/web 2`].sort());
  t.strictSame(ways([{ ...flow, by: 'silence' }]), []);
});
