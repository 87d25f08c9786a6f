// The table that counts, sender by sender, what reaches the rules of a node and what is left of it behind them. Pure.
//
//   forward:  arrived ─► tables mangle and filter ─► seen ─► policies, egress ─► left ─► policies, ingress ─► entered
//   input:    arrived ─► tables mangle and filter ─► seen ─► policies ─────────► left, entered
//   output:   arrived ─► table filter ─────────────► seen, left, entered
//
// What is in `arrived` and not in `seen` was stopped by a rule of a Service or of another program; what is in `seen` and not in `left` by a
// policy at the sender's side, what is in `left` and not in `entered` by one at the receiver's. No rule has a verdict, so that nothing here
// can change what happens to a packet. Only the first packets of connections come to the counting rules.
import type { Family } from '../../controlplane/base/cidr';
import { priorities, watchTableName } from '../policy/names';

export const watchTable = `inet ${watchTableName}`;

/** In the order in which a packet meets them. */
export const stages = ['arrived', 'seen', 'left', 'entered'] as const;
export type Stage = (typeof stages)[number];
/** On a node without policies there is nothing between the last three. */
export const stagesWithoutPolicies: readonly Stage[] = ['arrived', 'seen'];

/** Flows that are watched at once. A set that is full takes no new ones: they are not seen, and nothing else happens. */
export const maxArrived = 4_096;
/** Larger: a flow that is in `arrived` must have its place in the later ones, whatever else passes. */
const maxLater = 4 * maxArrived;
export const sizeOf = (stage: Stage): number => (stage === stages[0] ? maxArrived : maxLater);
/** From the last packet on. */
export const keptSeconds = 60;

/** Protocols with ports, and ICMP: the key of one has a port, that of the other none. */
export const kinds = ['ports', 'pings'] as const;
export type Kind = (typeof kinds)[number];
export const families = [4, 6] as const;

export const setName = (stage: Stage, kind: Kind, family: Family): string => `${stage}-${kind}${family}`;

/** First answers that say that nothing listens: of TCP a reset, of UDP an ICMP error. */
export const closedSet = (family: Family): string => `closed${family}`;

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
    ...closedPorts(),
    ...around(hasPolicies ? stages : stagesWithoutPolicies),
    '',
  ].join('\n');
}

/**
 * A closed port of TCP answers the first packet with a reset whose sequence number is zero (RFC 9293, 3.10.7.1); that of a connection that
 * was there has another. One of UDP answers with the ICMP error "port unreachable" (RFC 1122, 4.1.3.1; RFC 4443, 3.1), which connection
 * tracking relates to the connection that it is about. The cheapest match first: each packet comes here.
 */
const closedPorts = (): readonly string[] => [
  ...families.map(
    (family) =>
      `add set ${watchTable} ${closedSet(family)} { type ${types('ports', family)}; size ${maxArrived}; flags dynamic,timeout; timeout ${keptSeconds}s; }`,
  ),
  `add chain ${watchTable} closed { type filter hook forward priority filter - 1; policy accept; }`,
  ...families.flatMap((family) => {
    const v = ip(family);
    const update = (protocol: string, port: string) =>
      `ct direction reply update @${closedSet(family)} { ${v} daddr . ${v} saddr . ct original ${v} daddr . ${protocol} . ${port} counter }`;
    const unreachable = family === 4 ? 'icmp type 3 icmp code 3' : 'icmpv6 type 1 icmpv6 code 4';
    return [
      `add rule ${watchTable} closed tcp flags & (rst | ack) == rst | ack tcp sequence 0 ${update('meta l4proto', 'th sport')}`,
      `add rule ${watchTable} closed ${unreachable} ct state related ${update('ct protocol', 'ct reply proto-src')}`,
    ];
  }),
];

/**
 * After nat at output (-100), so that an address means the same at all places; there is none between the places of the other hooks.
 */
const behindNat = '-99';
const first = 'mangle - 1';

function around(places: readonly Stage[]): readonly string[] {
  const behind = places.slice(1);
  return [
    ...places.flatMap((stage) => [
      `add chain ${watchTable} ${stage}`,
      ...sets.flatMap(({ kind, family }) => [
        `add set ${watchTable} ${setName(stage, kind, family)} { type ${types(kind, family)}; size ${sizeOf(stage)}; flags dynamic,timeout; timeout ${keptSeconds}s; }`,
        `add rule ${watchTable} ${stage} ${protocols(kind, family)} update @${setName(stage, kind, family)} { ${key(kind, family)} counter }`,
      ]),
    ]),
    // A rewritten table of policies hangs at the same priorities, so the order holds.
    ...at('first', 'forward', first, ['arrived']),
    ...at('before', 'forward', `filter + ${priorities.egress - 1}`, ['seen']),
    ...at('first-input', 'input', first, ['arrived']),
    ...at('before-input', 'input', `filter + ${priorities.egress - 1}`, ['seen']),
    ...at('first-output', 'output', behindNat, ['arrived']),
    ...at('after-output', 'output', `filter + ${priorities.egress - 1}`, behind),
    ...(behind.includes('entered')
      ? [
          ...at('between', 'forward', `filter + ${priorities.egress + 1}`, ['left']),
          ...at('after', 'forward', `filter + ${priorities.ingress + 1}`, ['entered']),
          ...at('after-input', 'input', `filter + ${priorities.egress + 1}`, ['left', 'entered']),
        ]
      : []),
  ];
}

const sets = kinds.flatMap((kind) => families.map((family) => ({ kind, family })));

/**
 * One rule for all packets of connections that were let through. What the node sends to itself meets no policy at input, and was counted at
 * output; of its loopback addresses there is nothing to learn.
 */
const at = (
  chain: string,
  hook: 'forward' | 'input' | 'output',
  priority: string,
  to: readonly Stage[],
): readonly string[] => [
  `add chain ${watchTable} ${chain} { type filter hook ${hook} priority ${priority}; policy accept; }`,
  ...to.flatMap((stage) =>
    fromOthers[hook].map((match) => `add rule ${watchTable} ${chain} ${match}ct state new jump ${stage}`),
  ),
];
const fromOthers = { forward: [''], input: ['iif != lo '], output: ['ip saddr != 127.0.0.0/8 ', 'ip6 saddr != ::1 '] };

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
