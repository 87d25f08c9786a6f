import t from 'tap';
import type { LocatedHop } from '../../controlplane/base/path-report';
import type { Followed } from './follow';
import type { ProbePlan } from './probe-plan';
import type { Sighted } from './sightings';
import { silence } from './silence';

const link = (name: string, inPod: boolean): LocatedHop => ({
  ...{ kind: 'interface', name, state: 'passes', facts: [], leg: 'request' },
  link: { name, mtu: 1500, inPod },
});
const packet = 'tcp SYN 10.244.0.6:20000 to 10.244.1.5:8080';
const seen = (
  afterUs: number,
  node: string,
  name: string,
  direction: Sighted['direction'],
  more: object = {},
): Sighted => ({
  ...{ node, link: name, direction, what: 'request', afterUs, packet },
  ...more,
});
const plan = (protocol: 'tcp' | 'udp' = 'tcp'): ProbePlan =>
  ({
    target: { protocol },
    followed: {
      hops: [link('eth0', true), link('eth0', false), link('vethweb', false), link('eth0', true)],
      end: { kind: 'pod', pod: 'shop/web' },
      packet: { destination: '10.244.1.5', destinationPort: 8080 },
      passed: [{ node: 'a' }, { node: 'b' }],
    } as unknown as Followed,
  }) as ProbePlan;
const ask = (sightings: readonly Sighted[], blind: readonly string[] = [], protocol: 'tcp' | 'udp' = 'tcp') =>
  silence({ seen: sightings, blind, label: 'pod shop/client', plan: plan(protocol) })?.fault;

const sent = [seen(0, 'a', 'vethclient', 'in'), seen(10, 'a', 'eth0', 'out')];
const came = [...sent, seen(20, 'b', 'eth0', 'in')];
const landed = [...came, seen(30, 'b', 'vethweb', 'out')];

t.test('how far it came', async (t) => {
  t.match(ask([]), { code: 'LostAtSender' });
  t.match(ask(sent), { code: 'LostBetween', message: /sent out at eth0 of node a/ });
  t.match(ask(came), { code: 'LostInNode', message: /came in at eth0 of node b/ });
  t.match(ask(landed), { code: 'NoAnswer', message: /arrives at vethweb of node b/ });
  t.equal(ask(landed, [], 'udp'), undefined, 'no program has to answer a datagram');
  const back = seen(40, 'b', 'vethweb', 'in', { what: 'answer' });
  t.match(ask([...landed, back]), { code: 'AnswerLost', message: /coming in at vethweb of node b/ });
});

t.test('a packet that is sent again has not come less far', async (t) => {
  const again = [seen(1_000_000, 'a', 'vethclient', 'in'), seen(1_000_010, 'a', 'eth0', 'out')];
  t.match(ask([...landed, ...again]), { code: 'NoAnswer' });
  t.match(ask([...came, ...again]), { code: 'LostInNode', message: /came in at eth0 of node b/ });
});

t.test('a bridge that does not know the receiver sends the frame out by all links', async (t) => {
  const flood = [...landed, seen(31, 'b', 'vethother', 'out')];
  t.match(ask(flood), { code: 'NoAnswer', message: /arrives at vethweb/ });
  const without = [...came, seen(31, 'b', 'vethother', 'out')];
  t.match(ask(without), { code: 'LostInNode', message: /did not come to vethweb/ });
});

t.test('what a node has not watched is not known', async (t) => {
  t.match(ask(sent, ['b']), {
    code: 'LostSomewhere',
    message: /node b did not watch in time.*going out at eth0 of node a/,
  });
  t.match(ask(landed, ['a']), { code: 'NoAnswer' }, 'it has arrived all the same');
  t.match(ask([], ['a', 'b']), { code: 'LostSomewhere' });
});
