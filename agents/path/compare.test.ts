import t from 'tap';
import type { Pod, Service } from '../../controlplane/api';
import type { Hop, HopAnswer, HopPacket } from '../../controlplane/base/hops';
import type { LocatedHop } from '../../controlplane/base/path-report';
import { compare, type Expected } from './compare';
import type { Followed } from './follow';

const packet = (destination: string, destinationPort: number): HopPacket => ({
  protocol: 'tcp',
  source: '10.244.0.3',
  destination,
  destinationPort,
  sourcePort: 1,
});
const hop = (more: Partial<LocatedHop> = {}): LocatedHop => ({
  kind: 'hook',
  name: 'prerouting',
  state: 'passes',
  facts: [],
  leg: 'request',
  node: 'a',
  ...more,
});
const way = (after: HopPacket, hops: readonly LocatedHop[], more: Partial<HopAnswer> = {}): Followed => ({
  hops,
  end: { kind: 'pod', pod: 'shop/web' },
  packet: after,
  passed: [
    {
      node: 'a',
      question: { packet: packet('10.96.0.7', 80), from: { kind: 'pod', pod: 'shop/client' } },
      answer: {
        hops: hops as readonly Hop[],
        end: { kind: 'pod', pod: 'shop/web' },
        sent: packet('10.96.0.7', 80),
        packet: after,
        links: [],
        ...more,
      },
    },
  ],
});
const end = { address: '10.244.1.5', port: 8080, node: 'b', pod: 'shop/web', ready: true };
const service = { metadata: { namespace: 'shop', name: 'web' }, spec: {} } as Service;
const expected = (more: Partial<Expected> = {}): Expected => ({
  target: {
    label: 'Service shop/web',
    address: '10.96.0.7',
    port: 80,
    protocol: 'tcp',
    hops: [],
    ends: [end],
    service,
    reachedBy: 'clusterIP',
  },
  end,
  ends: [end],
  translator: 'a',
  nodeAddresses: new Set(['192.168.57.12']),
  ...more,
});
const codeOf = (followed: Followed, more?: Partial<Expected>) =>
  compare(followed, expected(more)).hops.find(({ fault }) => fault)?.fault?.code;

t.test('as it should be', async (t) => {
  const good = way(packet('10.244.1.5', 8080), [hop()]);
  t.equal(compare(good, expected()), good, 'the same value');
});

t.test('rules that lead elsewhere', async (t) => {
  t.equal(codeOf(way(packet('10.244.9.9', 8080), [hop()])), 'ProxyBehind');
  t.equal(codeOf(way(packet('10.96.0.7', 80), [hop()])), 'ProxyBehind', 'not translated at all');
  const rule = { place: 'nat PREROUTING:1', rule: '-j DNAT', verdict: 'dnat', objects: [] };
  t.equal(codeOf(way(packet('10.9.9.9', 80), [hop({ rules: [rule] })])), 'ForeignNat');
  const inPod = { name: 'output of pod shop/client', rules: [rule] };
  const elsewhere = compare(way(packet('10.9.9.9', 80), [hop(inPod)]), expected());
  t.match(elsewhere.hops.at(-1), { state: 'stops', fault: { code: 'ForeignNat', message: /inside pod shop\/client/ } });
  const staysIn = { end: { kind: 'pod', pod: 'shop/client' } } as const;
  const proxied = compare(way(packet('127.0.0.1', 15001), [hop(inPod)], staysIn), expected());
  t.match(proxied, { end: { kind: 'stopped' }, hops: [{ state: 'doubtful', fault: { code: 'ForeignNat' } }] });
  const right = way(packet('10.244.1.5', 8080), []);
  const [passed] = right.passed;
  const late = { ...passed!, node: 'b', answer: { ...passed!.answer, packet: packet('10.244.1.5', 9999) } };
  const atReceiver = compare(
    { ...right, hops: [hop(), hop({ node: 'b', rules: [rule] })], passed: [passed!, late] },
    expected(),
  );
  t.match(atReceiver.hops.at(-1), {
    node: 'b',
    fault: { code: 'ForeignNat', message: /to 10\.244\.1\.5:9999 instead/ },
  });
  const own = { ...rule, writer: 'kube-proxy of k8ts' };
  t.equal(
    codeOf(way(packet('10.9.9.9', 80), [hop({ rules: [own] })])),
    'ProxyBehind',
    'a rule of kube-proxy is not foreign',
  );
});

t.test('rules that refuse', async (t) => {
  const refused = (code: string) =>
    way(packet('10.96.0.7', 80), [hop({ state: 'stops', fault: { code, message: 'refused' } })]);
  t.equal(codeOf(refused('NoEndpoints')), 'ProxyBehind', 'the API knows an endpoint');
  t.equal(codeOf(refused('ServiceRefuses'), { ends: [], end: undefined }), 'NoLocalEndpoints', 'policy Local');
  t.equal(codeOf(refused('SourceRange')), 'SourceRange');
  t.equal(codeOf(refused('IngressPolicy')), 'IngressPolicy', 'a policy is no matter of kube-proxy');
  const unknown = { ...end, pod: undefined };
  t.equal(codeOf(refused('PolicyUnknownPod'), { end: unknown as never }), 'NobodyThere');
});

t.test('a node that has the address of a pod', async (t) => {
  const pod = { metadata: { namespace: 'shop', name: 'web' }, spec: {} } as Pod;
  const target = {
    label: 'pod shop/web',
    address: '10.244.1.5',
    port: 8080,
    protocol: 'tcp' as const,
    hops: [],
    ends: [],
    pod,
  };
  const routed = hop({ kind: 'routing', name: 'routing', facts: ['10.244.1.5 is an address of node a'] });
  t.equal(codeOf(way(packet('10.244.1.5', 8080), [routed]), { target, end: undefined, ends: [] }), 'DuplicateAddress');
});

t.test('the node of a pod has its address, too', async (t) => {
  const routed = hop({ kind: 'routing', name: 'routing', facts: ['10.244.1.5 is an address of node a'] });
  const own = { ...end, node: 'a' };
  t.equal(codeOf(way(packet('10.244.1.5', 8080), [routed]), { end: own, ends: [own] }), 'DuplicateAddress');
});

t.test('an endpoint with hostNetwork is at the address of its node', async (t) => {
  const host = { address: '192.168.57.12', port: 8080, node: 'a', pod: 'shop/host', ready: true };
  const routed = hop({ kind: 'routing', name: 'routing', facts: ['192.168.57.12 is an address of node a'] });
  t.equal(codeOf(way(packet('192.168.57.12', 8080), [routed]), { end: host, ends: [host] }), undefined);
});

t.test('rules that could not be read blame no one', async (t) => {
  t.equal(codeOf(way(packet('10.96.0.7', 80), [hop({ state: 'unknown' })])), undefined);
});

t.test('an address that no pod has', async (t) => {
  const target = {
    label: '10.244.1.250',
    address: '10.244.1.250',
    port: 80,
    protocol: 'tcp' as const,
    hops: [],
    ends: [],
  };
  const dropped = hop({ state: 'stops', fault: { code: 'PolicyUnknownPod', message: 'dropped' } });
  t.equal(codeOf(way(packet('10.244.1.250', 80), [dropped]), { target, end: undefined, ends: [] }), 'NobodyThere');
});

t.test('a UDP flow that stays', async (t) => {
  const flows = (to: string) => ({ flows: [{ sourcePort: 5000, to }] });
  t.equal(codeOf(way(packet('10.244.1.5', 8080), [hop()], flows('10.244.7.7:53'))), 'StaleFlow');
  t.equal(codeOf(way(packet('10.244.1.5', 8080), [hop()], flows('10.244.1.5:8080'))), undefined);
});

t.test('the sender has the address of the Service itself', async (t) => {
  const atSocket = (name: string) =>
    way(packet('10.96.0.7', 80), [
      hop({ kind: 'socket', name, state: 'stops', fault: { code: 'NothingListens', message: '' } }),
    ]);
  t.match(compare(atSocket('tcp port 80 of pod shop/client'), expected()).hops.at(-1)?.fault, {
    code: 'DuplicateAddress',
    message: /^pod shop\/client has 10\.96\.0\.7, the address of Service shop\/web, itself/,
  });
  t.match(compare(atSocket('tcp port 80 of node a'), expected()).hops.at(-1)?.fault, {
    code: 'DuplicateAddress',
    remedy: 'ip address show to 10.96.0.7, on node a',
  });
  t.not(
    compare(atSocket('program of pod shop/client'), expected()).hops.at(-1)?.fault?.code,
    'DuplicateAddress',
    'its limits',
  );
});
