// The objects that exist in the table whatever Services there are: sets, base chains, masquerade, refusal. Pure.
import type { Family } from '../../../controlplane/base/cidr';
import { marks } from '../../netfilter/names';
import { comment } from '../../nftables/text';
import type { NodeFacts } from '../input';
import type { NftChain } from './model';
import { chains, endpointMap, maps, nodeEndpointMap, protocols, sets } from './names';

export const chain = (...rules: readonly string[]): NftChain => ({ rules: rules.map((rule) => `${rule}\n`).join('') });
const base = (hook: string, ...rules: readonly string[]): NftChain => ({ ...chain(...rules), hook });

/** `ip` or `ip6`, the word before saddr and daddr. */
export const l3 = (family: Family): string => (family === 4 ? 'ip' : 'ip6');
const hex = (value: number): string => `0x${(value >>> 0).toString(16).padStart(8, '0')}`;

export function baseSets(family: Family): ReadonlyMap<string, string> {
  const address = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  // In a typeof only the types of the expressions count; it is used because a random number has no named type. One map per
  // protocol: nft 1.0.6 cannot read `th dport` back from a typeof ("conflicting protocols") and ties a rule to the protocol it
  // finds.
  const number = 'numgen random mod 2';
  const endpoints = protocols.flatMap((protocol): [string, string][] => {
    const port = `${protocol} dport`;
    const [all, node] = [endpointMap(protocol), nodeEndpointMap(protocol)];
    return [
      [all, `map ${all} { typeof ${l3(family)} daddr . ${port} . ${number} : ${l3(family)} daddr . ${port}; }`],
      [node, `map ${node} { typeof ${port} . ${number} : ${l3(family)} daddr . ${port}; }`],
    ];
  });
  return new Map([
    [maps.services, `map ${maps.services} { type ${address} . inet_proto . inet_service : verdict; }`],
    [maps.nodePorts, `map ${maps.nodePorts} { type inet_proto . inet_service : verdict; }`],
    ...endpoints,
    [sets.clusterIps, `set ${sets.clusterIps} { type ${address}; }`],
    [sets.hairpin, `set ${sets.hairpin} { type ${address} . ${address}; }`],
  ]);
}

export function baseChains(facts: NodeFacts, family: Family): ReadonlyMap<string, NftChain> {
  return new Map([...natChains(facts, family), ...filterChains(facts, family), ...markChains()]);
}

function natChains(facts: NodeFacts, family: Family): [string, NftChain][] {
  const { clusterCidr, podCidr } = facts;
  const ip = l3(family);
  const own = podCidr ?? clusterCidr;
  const masquerade = marks.masquerade;
  return [
    [chains.prerouting, base('type nat hook prerouting priority -100; policy accept;', `jump ${chains.services}`)],
    [chains.output, base('type nat hook output priority -100; policy accept;', `jump ${chains.services}`)],
    [chains.services, chain(...dispatch(facts, family))],
    [
      chains.postrouting,
      base(
        'type nat hook postrouting priority 100; policy accept;',
        `meta mark & ${hex(masquerade)} == ${hex(masquerade)} goto ${chains.masquerade}`,
        `${ip} saddr ${own} ${ip} daddr ${own} ct status dnat ${ip} saddr . ${ip} daddr @${sets.hairpin} ` +
          `masquerade fully-random ${comment('through a Service to itself')}`,
        `${ip} saddr ${clusterCidr} ${ip} daddr != ${clusterCidr} fib daddr type != local ` +
          `masquerade fully-random ${comment('pods leaving the cluster')}`,
      ),
    ],
    // Clears the mark, so that a tunnel does not copy it to the outer packet.
    [
      chains.masquerade,
      chain(
        `meta mark set meta mark & ${hex(~masquerade)}`,
        `masquerade fully-random ${comment('answers must come back here')}`,
      ),
    ],
  ];
}

function dispatch({ nodePortAddresses }: NodeFacts, family: Family): string[] {
  const ip = l3(family);
  // Never on loopback: that would need route_localnet, which lets neighbours reach services bound to loopback (CVE-2020-8558).
  const loopback = family === 4 ? '127.0.0.0/8' : '::1';
  const notLoopback = `!= ${loopback}`;
  return [
    `${ip} daddr . meta l4proto . th dport vmap @${maps.services}`,
    `${ip} daddr @${sets.clusterIps} counter goto ${chains.reject} ${comment('a ClusterIP without such a port')}`,
    ...(nodePortAddresses ?? [notLoopback]).map(
      (range) => `${ip} daddr ${range} fib daddr type local meta l4proto . th dport vmap @${maps.nodePorts}`,
    ),
    `${ip} daddr ${notLoopback} fib daddr type local jump ${chains.hostPorts}`,
    // A process of this node may reach a host port on loopback from another address of the node: that needs no route_localnet. The
    // kernel drops a packet that comes from elsewhere with an address of this node.
    `${ip} saddr ${notLoopback} ${ip} daddr ${loopback} fib saddr type local jump ${chains.hostPorts}`,
  ];
}

/** Before foreign filter chains at priority 0: their policy DROP would suppress the refusal. */
const filterPriority = -1;

function filterChains({ clusterCidr, serviceCidrs = [] }: NodeFacts, family: Family): [string, NftChain][] {
  const refused = marks.drop | marks.reject;
  const toVerdict = `meta mark & ${hex(refused)} != 0 goto ${chains.verdict}`;
  const fromPods = `${l3(family)} saddr ${clusterCidr}`;
  // A packet that still has such an address after nat belongs to no Service of any proxy. It is dropped, not refused: a new
  // Service may not have reached this node yet, and its clients try again.
  const unassigned = serviceCidrs.map(
    (range) => `${l3(family)} daddr ${range} counter drop ${comment('no Service has this address')}`,
  );
  const hook = (name: string) => `type filter hook ${name} priority ${filterPriority}; policy accept;`;
  const unreachable = family === 4 ? 'icmp port-unreachable' : 'icmpv6 port-unreachable';
  return [
    [chains.filterInput, base(hook('input'), toVerdict)],
    [
      chains.filterForward,
      base(
        hook('forward'),
        toVerdict,
        ...unassigned,
        // Late answers of a pod have no conntrack entry and would leave with the pod's own address. Only pods answer for
        // Services, and every answer has ACK set. Resets must pass: no packet answers them.
        `${fromPods} tcp flags & (rst | ack) == ack ct state invalid counter drop ${comment('not translated back')}`,
        `${fromPods} meta l4proto sctp ct state invalid counter drop ${comment('not translated back')}`,
      ),
    ],
    [chains.filterOutput, base(hook('output'), toVerdict, ...unassigned)],
    [
      chains.verdict,
      chain(
        `meta mark & ${hex(marks.drop)} == ${hex(marks.drop)} counter drop ${comment('no local endpoints, or source not allowed')}`,
        `meta l4proto tcp counter reject with tcp reset ${comment('no endpoints, or no such port')}`,
        `counter reject with ${unreachable} ${comment('no endpoints, or no such port')}`,
      ),
    ],
  ];
}

/**
 * nat chains cannot refuse: they set marks, and filter refuses. `accept` ends the evaluation, so the rules after the jump are
 * skipped.
 */
function markChains(): [string, NftChain][] {
  const mark = (value: number) => chain(`meta mark set meta mark | ${hex(value)} accept`);
  return [
    [chains.reject, mark(marks.reject)],
    [chains.drop, mark(marks.drop)],
  ];
}
