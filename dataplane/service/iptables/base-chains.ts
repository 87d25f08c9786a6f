// The chains that exist whatever Services there are: masquerade, hairpin, verdicts, forwarding. Pure.

import type { Family, Rule } from '../../netfilter/model';
import { chains, marks } from '../../netfilter/names';
import type { NodeFacts, ServiceInput } from '../input';
import { comment, jump, masquerade, toPort } from './rule-parts';

export const canary: Rule = {
  matches: [comment('k8ts: here as long as nobody flushed this table')],
  action: { target: 'return' },
};

/** Table nat without the dispatch trees. */
export function natChains(facts: NodeFacts): Map<string, readonly Rule[]> {
  return new Map<string, readonly Rule[]>([
    [chains.canary, [canary]],
    [chains.postrouting, postrouting(facts)],
    // -m comment … -j MARK --set-xmark 0x4000/0x0: clears the mark, so that a tunnel does not copy it to the outer packet
    // -m comment … -j MASQUERADE --random-fully
    [
      chains.masquerade,
      [
        { matches: [comment('k8ts: mark off')], action: { target: 'mark', value: marks.masquerade, mask: 0 } },
        { matches: [comment('k8ts: answers must come back here')], action: masquerade },
      ],
    ],
  ]);
}

function postrouting({ clusterCidr, podCidr }: NodeFacts): Rule[] {
  const ownPods = podCidr ?? clusterCidr;
  return [
    // -m comment … -m mark --mark 0x4000/0x4000 -j K8TS-MASQ
    {
      matches: [
        comment('k8ts: marked for masquerade'),
        { match: 'mark', value: marks.masquerade, mask: marks.masquerade },
      ],
      action: jump(chains.masquerade),
    },
    // -s 10.244.1.0/24 -d 10.244.1.0/24 -m comment … -m conntrack --ctstate DNAT -j K8TS-HAIRPIN
    {
      source: { is: ownPods },
      destination: { is: ownPods },
      matches: [comment('k8ts: through a Service to a pod of this node'), { match: 'conntrack', states: ['DNAT'] }],
      action: jump(chains.hairpin),
    },
    // -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m comment … -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
    {
      source: { is: clusterCidr },
      destination: { not: true, is: clusterCidr },
      matches: [
        comment('k8ts: pods leaving the cluster'),
        { match: 'addrtype', side: 'destination', not: true, type: 'LOCAL' },
      ],
      action: masquerade,
    },
  ];
}

// ! -d 127.0.0.0/8 -m comment … -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS: never on loopback. That would need route_localnet,
// which lets neighbours reach services bound to loopback (CVE-2020-8558).
// With nodePortAddresses, one rule for each range instead:
// -d 192.168.57.11/32 -m comment … -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS
export function nodePortJumps({ nodePortAddresses }: NodeFacts, family: Family): Rule[] {
  const matches = [comment('k8ts: node ports'), toLocal];
  const chosen = nodePortAddresses?.map((range) => ({ is: range })) ?? [notLoopback(family)];
  return chosen.map((destination) => ({ destination, matches, action: jump(chains.nodePorts) }));
}

// ! -d 127.0.0.0/8 -m comment … -m addrtype --dst-type LOCAL -j K8TS-HOSTPORTS: packets that this node only forwards to the same
// port of another machine do not match.
// ! -s 127.0.0.0/8 -d 127.0.0.0/8 … --src-type LOCAL … --dst-type LOCAL -j K8TS-HOSTPORTS: a process of this node may reach a host
// port on loopback from another address of the node. This needs no route_localnet. The kernel drops a packet that comes from
// elsewhere with an address of this node.
export const hostPortJumps = (family: Family): Rule[] => [
  {
    destination: notLoopback(family),
    matches: [comment('k8ts: host ports of pods'), toLocal],
    action: jump(chains.hostPorts),
  },
  {
    source: notLoopback(family),
    destination: { is: loopback(family) },
    matches: [comment('k8ts: host ports on loopback'), fromLocal, toLocal],
    action: jump(chains.hostPorts),
  },
];

const toLocal = { match: 'addrtype', side: 'destination', type: 'LOCAL' } as const;
const fromLocal = { match: 'addrtype', side: 'source', type: 'LOCAL' } as const;
const loopback = (family: Family) => (family === 4 ? '127.0.0.0/8' : '::1/128');
const notLoopback = (family: Family) => ({ not: true, is: loopback(family) }) as const;

/** Table filter. Its size does not depend on the number of Services: table nat has marked the packets to refuse. */
export function filterChains(facts: NodeFacts, family: Family): Map<string, readonly Rule[]> {
  return new Map<string, readonly Rule[]>([
    [chains.canary, [canary]],
    [chains.output, [toVerdict, ...unassigned(facts)]],
    [chains.forward, [toVerdict, ...unassigned(facts), ...forward(facts)]],
    [chains.verdict, verdicts(family)],
  ]);
}

// -d 10.96.0.0/12 -m comment … -j DROP: a packet that still has such an address after nat, where every proxy translates its
// Services, would leave by the default route. It is dropped, not refused: a new Service may not have reached this node yet, and
// its clients try again.
const unassigned = ({ serviceCidrs = [] }: NodeFacts): Rule[] =>
  serviceCidrs.map((range) => ({
    destination: { is: range },
    matches: [comment('k8ts: no Service has this address')],
    action: { target: 'drop' },
  }));

// -m comment … -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT
const toVerdict: Rule = {
  matches: [
    comment('k8ts: refused by a Service'),
    { match: 'mark', not: true, value: 0, mask: marks.drop | marks.reject },
  ],
  action: jump(chains.verdict),
};

function verdicts(family: Family): Rule[] {
  const marked = (mark: number) => ({ match: 'mark', value: mark, mask: mark }) as const;
  return [
    // -m comment … -m mark --mark 0x8000/0x8000 -j DROP
    {
      matches: [comment('k8ts: no local endpoints, or source not allowed'), marked(marks.drop)],
      action: { target: 'drop' },
    },
    // -p tcp -m comment … -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset
    {
      protocol: { is: 'tcp' },
      matches: [comment('k8ts: no endpoints, or no such port'), marked(marks.reject)],
      action: { target: 'reject', with: 'tcp-reset' },
    },
    // -m comment … -m mark --mark 0x2000/0x2000 -j REJECT --reject-with icmp-port-unreachable
    {
      matches: [comment('k8ts: no endpoints, or no such port'), marked(marks.reject)],
      action: { target: 'reject', with: family === 4 ? 'icmp-port-unreachable' : 'icmp6-port-unreachable' },
    },
  ];
}

/**
 * An INVALID packet belongs to no conntrack entry, so it is not translated back: a late answer of a pod would reach the client
 * with the pod's own address, and the client would reset the connection. Only pods answer for Services, so only their packets
 * are dropped; other packets on asymmetric routes are left alone. Every answer has ACK set and RST clear. A reset must pass: no
 * packet answers it, and a peer that never receives it keeps its half of a closed connection. A host with policy DROP in
 * FORWARD (Docker sets it) must let pod traffic pass.
 */
export function forward({ clusterCidr }: NodeFacts): Rule[] {
  const accept = { target: 'accept' } as const;
  return [
    // -s 10.244.0.0/16 -p tcp -m comment … -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP
    {
      source: { is: clusterCidr },
      protocol: { is: 'tcp' },
      matches: [
        comment('k8ts: not translated back'),
        { match: 'tcpFlags', mask: ['RST', 'ACK'], set: ['ACK'] },
        { match: 'conntrack', states: ['INVALID'] },
      ],
      action: { target: 'drop' },
    },
    // -s 10.244.0.0/16 -p sctp -m comment … -m conntrack --ctstate INVALID -j DROP
    {
      source: { is: clusterCidr },
      protocol: { is: 'sctp' },
      matches: [comment('k8ts: not translated back'), { match: 'conntrack', states: ['INVALID'] }],
      action: { target: 'drop' },
    },
    // -m comment … -m mark --mark 0x4000/0x4000 -j ACCEPT
    {
      matches: [comment('k8ts: to a Service'), { match: 'mark', value: marks.masquerade, mask: marks.masquerade }],
      action: accept,
    },
    // -s 10.244.0.0/16 -m comment … -j ACCEPT   and   -d 10.244.0.0/16 …
    { source: { is: clusterCidr }, matches: [comment('k8ts: from pods')], action: accept },
    { destination: { is: clusterCidr }, matches: [comment('k8ts: to pods')], action: accept },
    // -m comment … -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    {
      matches: [comment('k8ts: answers'), { match: 'conntrack', states: ['RELATED', 'ESTABLISHED'] }],
      action: accept,
    },
  ];
}

export const inputRules = (services: Iterable<ServiceInput>): Rule[] => [toVerdict, ...healthCheckRules(services)];

// -p tcp -m comment --comment "shop/web: health check" -m tcp --dport 31000 -j ACCEPT
export function healthCheckRules(services: Iterable<ServiceInput>): Rule[] {
  return [...services]
    .filter((service) => service.healthCheckPort !== undefined)
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map((service) => ({
      protocol: { is: 'tcp' },
      matches: [comment(`${service.key}: health check`), toPort('tcp', service.healthCheckPort!)],
      action: { target: 'accept' },
    }));
}
