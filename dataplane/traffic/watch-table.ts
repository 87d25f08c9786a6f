// The table that counts, sender by sender, what reaches the rules of policies and what is left of it behind them. Pure.
//
//   forward:  seen ─► policies, egress ─► left ─► policies, ingress ─► entered
//   input:    seen ─► policies ─────────► left, entered
//
// What is in `seen` and not in `left` was dropped at the sender's side, what is in `left` and not in `entered` at the receiver's. No rule has a
// verdict, so that nothing here can change what happens to a packet. Only the first packets of connections come to the counting rules.
import type { Family } from '../../controlplane/base/cidr';
import { priorities, watchTableName } from '../policy/names';

export const watchTable = `inet ${watchTableName}`;

export const stages = ['seen', 'left', 'entered'] as const;
export type Stage = (typeof stages)[number];

/** Flows that are watched at once. A set that is full takes no new ones: they are not seen, and nothing else happens. */
export const maxSeen = 4_096;
/** Larger: a flow that is in `seen` must have its place in the later ones, whatever else passes. */
const maxLater = 4 * maxSeen;
export const sizeOf = (stage: Stage): number => (stage === 'seen' ? maxSeen : maxLater);
/** From the last packet on. */
export const keptSeconds = 60;

/** Protocols with ports, and ICMP: the key of one has a port, that of the other none. */
export const kinds = ['ports', 'pings'] as const;
export type Kind = (typeof kinds)[number];
export const families = [4, 6] as const;

export const setName = (stage: Stage, kind: Kind, family: Family): string => `${stage}-${kind}${family}`;

/** Of TCP: answers that are a reset and nothing else. */
export const resetSet = (family: Family): string => `reset${family}`;

/** Succeeds also when there is none. */
export const removal = (): string => `add table ${watchTable}\ndelete table ${watchTable}\n`;

/**
 * The whole table, in place of one that a collector has left behind.
 *
 * @param hasPolicies false: there is nothing before and behind policies to count
 */
export function watchText(hasPolicies: boolean): string {
  return [
    removal().trimEnd(),
    `add table ${watchTable}`,
    ...resets(),
    ...(hasPolicies ? aroundPolicies() : []),
    '',
  ].join('\n');
}

/**
 * A closed port answers the first packet with a reset whose sequence number is zero (RFC 9293, 3.10.7.1); that of a connection that was
 * there has another. The cheapest match first: each packet of TCP comes here.
 */
const resets = (): readonly string[] => [
  ...families.map(
    (family) =>
      `add set ${watchTable} ${resetSet(family)} { type ${types('ports', family)}; size ${maxSeen}; flags dynamic,timeout; timeout ${keptSeconds}s; }`,
  ),
  `add chain ${watchTable} resets { type filter hook forward priority filter - 1; policy accept; }`,
  ...families.map(
    (family) =>
      `add rule ${watchTable} resets tcp flags & (rst | ack) == rst | ack tcp sequence 0 ct direction reply update @${resetSet(family)} { ${ip(family)} daddr . ${ip(family)} saddr . ct original ${ip(family)} daddr . meta l4proto . th sport counter }`,
  ),
];

function aroundPolicies(): readonly string[] {
  return [
    ...stages.flatMap((stage) => [
      `add chain ${watchTable} ${stage}`,
      ...sets.flatMap(({ kind, family }) => [
        `add set ${watchTable} ${setName(stage, kind, family)} { type ${types(kind, family)}; size ${sizeOf(stage)}; flags dynamic,timeout; timeout ${keptSeconds}s; }`,
        `add rule ${watchTable} ${stage} ${protocols(kind, family)} update @${setName(stage, kind, family)} { ${key(kind, family)} counter }`,
      ]),
    ]),
    // A rewritten table of policies hangs at the same priorities, so the order holds.
    ...at('before', 'forward', priorities.egress - 1, ['seen']),
    ...at('between', 'forward', priorities.egress + 1, ['left']),
    ...at('after', 'forward', priorities.ingress + 1, ['entered']),
    ...at('before-input', 'input', priorities.egress - 1, ['seen']),
    ...at('after-input', 'input', priorities.egress + 1, ['left', 'entered']),
  ];
}

const sets = kinds.flatMap((kind) => families.map((family) => ({ kind, family })));

/** One rule for all packets of connections that were let through. What comes from the node itself meets no policy at input. */
const at = (chain: string, hook: 'forward' | 'input', priority: number, to: readonly Stage[]): readonly string[] => [
  `add chain ${watchTable} ${chain} { type filter hook ${hook} priority filter + ${priority}; policy accept; }`,
  ...to.map(
    (stage) => `add rule ${watchTable} ${chain} ${hook === 'input' ? 'iif != lo ' : ''}ct state new jump ${stage}`,
  ),
];

const ip = (family: Family): string => (family === 4 ? 'ip' : 'ip6');

/** nft 1.0.6 has no key for the port as the sender wrote it, only for the address. */
const key = (kind: Kind, family: Family): string =>
  [
    `${ip(family)} saddr`,
    `${ip(family)} daddr`,
    `ct original ${ip(family)} daddr`,
    'meta l4proto',
    ...(kind === 'ports' ? ['th dport'] : []),
  ].join(' . ');

function types(kind: Kind, family: Family): string {
  const address = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  return [address, address, address, 'inet_proto', ...(kind === 'ports' ? ['inet_service'] : [])].join(' . ');
}

const protocols = (kind: Kind, family: Family): string =>
  kind === 'ports' ? 'meta l4proto { tcp, udp, sctp }' : `meta l4proto ${family === 4 ? 'icmp' : 'ipv6-icmp'}`;
