// The chains that exist as soon as there is a policy.
//
// forward ─► egress: leave, by source          input ─► servers of the node: leave, by source
//        └─► ingress: enter, by destination    output: not looked at, a node reaches its own pods
import { type Family, parseCidr } from '../../controlplane/base/cidr';
import type { World } from './input';
import type { Chain, Rule, Side } from './model';
import { chainNames, type Direction, mapName, priorities, selfName, serversName } from './names';

const accept = { verdict: 'accept' } as const;
// ct state established,related accept
const answers: Rule = {
  matches: [{ match: 'answer' }],
  verdict: accept,
  comment: 'of connections that were let through',
};

// iifname "cni0" oifname "cni0" ip saddr 10.244.1.0/24 ip daddr 10.244.1.0/24 meta mark set meta mark | 0x10000
// Packets with other addresses get no mark: with br_netfilter they pass this chain as well, but no policy judges them
// (bridge-guard.ts).
const seen = (cidr: string): Rule => {
  const block = { match: 'block', family: parseCidr(cidr).family, cidr, except: [] } as const;
  return {
    matches: [{ match: 'across-bridge' }, { ...block, side: 'source' }, { ...block, side: 'destination' }],
    verdict: { verdict: 'mark-seen' },
    comment: 'from pod to pod of this node',
  };
};

/** `accept` ends a base chain, not the hook: a packet that may leave is then checked for whether it may enter. */
export function baseChains({ families, podRanges }: World): Map<string, Chain> {
  return new Map<string, Chain>([
    [
      chainNames.egress,
      hooked('forward', priorities.egress, [...podRanges.map(seen), answers, goto(chainNames.leave)]),
    ],
    [chainNames.ingress, hooked('forward', priorities.ingress, [answers, goto(chainNames.enter)])],
    [chainNames.input, hooked('input', priorities.egress, [answers, ...families.map(toServers)])],
    [chainNames.leave, { rules: judge('egress', 'source', families, podRanges) }],
    [chainNames.enter, { rules: judge('ingress', 'destination', families, podRanges) }],
  ]);
}

const hooked = (name: 'forward' | 'input', priority: number, rules: readonly Rule[]): Chain => ({
  hook: { name, priority },
  rules,
});

const goto = (chain: string): Rule => ({ matches: [], verdict: { verdict: 'goto', chain }, comment: chain });

// ip daddr . meta l4proto . th dport @servers4 goto leave
const toServers = (family: Family): Rule => ({
  matches: [{ match: 'endpoint', family, set: serversName(family) }],
  verdict: { verdict: 'goto', chain: chainNames.leave },
  comment: 'servers of this node that count as pods',
});

function judge(direction: Direction, side: Side, families: readonly Family[], podRanges: readonly string[]): Rule[] {
  return [
    // ip saddr . ip daddr @self4 accept
    ...families.map(
      (family): Rule => ({
        matches: [{ match: 'pair', family, set: selfName(family) }],
        verdict: accept,
        comment: 'a pod reaches itself, through a Service as well',
      }),
    ),
    // ip saddr vmap @leaving4
    ...families.map(
      (family): Rule => ({
        matches: [],
        verdict: { verdict: 'look-up', side, family, map: mapName(direction, family) },
        comment: `${direction} of the pods of this node`,
      }),
    ),
    // ip saddr 10.244.1.0/24 counter drop
    ...podRanges.map(
      (cidr): Rule => ({
        matches: [{ match: 'block', side, family: parseCidr(cidr).family, cidr, except: [] }],
        verdict: { verdict: 'drop' },
        comment: 'a pod of this node that is not known yet',
      }),
    ),
  ];
}
