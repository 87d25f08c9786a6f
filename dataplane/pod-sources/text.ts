// The table that checks what pods send, as text for `nft -f -`. Pure.
//
// prerouting ─► port: own MAC? ─┬─ ip ──► ipv4: own address?
//   (pods' ports only)          ├─ arp ─► arp-sender: own MAC and address, or a probe
//                               ├─ ip6 ─► ipv6: no router, own address, own target ─► unspecified: before there is an address
//                               └─ else: drop
// input ──────► frames for the bridge itself: drop
import { comment, elementCommands } from '../nftables/text';
import { elementsOf, type PodPort, type SourceElements } from './ports';

export const tableName = 'k8ts-pod-sources';
const table = `bridge ${tableName}`;

/**
 * Before br_netfilter (0), which shows frames to the rules about IP, and before all other tables for bridges (-200 and later).
 */
const priority = -300;

export interface SourceRules {
  /** Compare the target of IPv6 neighbour messages too: nft before 1.0.3 has no syntax for it. */
  readonly targets: boolean;
  /** UDP port of the nodes' tunnel: the receiving node would unpack a pod's packet as if a node had sent it. */
  readonly tunnelPort?: number;
}

/** The chains and sets with their full content. The kernel replaces the old rules in one step. */
export function sourcesText(ports: readonly PodPort[], rulesWanted: SourceRules): string {
  const { targets } = rulesWanted;
  const elements = elementsOf(ports);
  const sets = (Object.keys(setTypes) as (keyof SourceElements)[]).filter((name) => targets || name !== 'targets6');
  const rules = rulesOf(rulesWanted);
  const chains = Object.keys(rules);
  return [
    `add table ${table}`,
    ...sets.map((name) => `add set ${table} ${name} { ${setTypes[name]}; }`),
    ...chains.map((name) => `add chain ${table} ${name}${hooks[name] ?? ''}`),
    ...chains.map((name) => `flush chain ${table} ${name}`),
    ...sets.map((name) => `flush set ${table} ${name}`),
    ...chains.flatMap((name) => rules[name]!.map((rule) => `add rule ${table} ${name} ${rule}`)),
    ...sets.map((name) => elementCommands('add', table, name, elements[name]).trimEnd()).filter((text) => text !== ''),
    '',
  ].join('\n');
}

export const sourcesRemoval = (): string => `add table ${table}\ndelete table ${table}\n`;

const setTypes: Readonly<Record<keyof SourceElements, string>> = {
  ports: 'type ifname',
  macs: 'type ifname . ether_addr',
  addresses4: 'type ifname . ipv4_addr',
  addresses6: 'type ifname . ipv6_addr',
  senders4: 'type ifname . ether_addr . ipv4_addr',
  senders6: 'type ifname . ether_addr . ipv6_addr',
  targets6: 'typeof iifname . @th,64,128',
};

const hooks: Readonly<Record<string, string>> = {
  prerouting: ` { type filter hook prerouting priority ${priority}; policy accept; }`,
  input: ` { type filter hook input priority ${priority}; policy accept; }`,
};

const drop = (why: string): string => `counter drop ${comment(why)}`;

/** Bits 64 to 191 of an ICMPv6 message: the target of neighbour solicitations and advertisements (RFC 4861, 4.3). */
const target = 'iifname . @th,64,128';
const ownTarget = (targets: boolean): string => (targets ? ` ${target} @targets6` : '');

const arpOverEthernet = 'arp htype 1 arp ptype ip arp hlen 6 arp plen 4 iifname . arp saddr ether @macs';

function rulesOf({ targets, tunnelPort }: SourceRules): Readonly<Record<string, readonly string[]>> {
  const tunnel = tunnelPort === undefined ? [] : [`udp dport ${tunnelPort} ${drop("for the nodes' tunnel")}`];
  return {
    // One look-up accepts nearly every packet; the other rules decide whether and why a packet is dropped. `ether type` looks
    // behind a VLAN tag.
    prerouting: [
      `ether type ip ${tunnelPort === undefined ? '' : 'meta l4proto != udp '}iifname . ether saddr . ip saddr @senders4 accept`,
      'ether type ip6 meta l4proto tcp iifname . ether saddr . ip6 saddr @senders6 accept',
      'iifname @ports goto port',
    ],
    // 01:80:c2:00:00:0x, the addresses of bridges (IEEE 802.1D): these frames do not pass prerouting, and some of them pass no
    // hook at all. An option of the bridge keeps it from learning MACs from them (dataplane/link/plan.ts).
    input: [`iifname @ports ether daddr 01:80:c2:00:00:00-01:80:c2:00:00:0f ${drop('for the bridge itself')}`],
    port: [
      `iifname . ether saddr != @macs ${drop('the MAC of another')}`,
      'ether type vmap { ip : goto ipv4, arp : goto arp-sender, ip6 : goto ipv6 }',
      drop('neither IP nor ARP, or with a VLAN tag'),
    ],
    ipv4: [...tunnel, 'iifname . ip saddr @addresses4 accept', drop('the IPv4 address of another')],
    'arp-sender': [
      `${arpOverEthernet} iifname . arp saddr ip @addresses4 accept`,
      `${arpOverEthernet} arp operation request arp saddr ip 0.0.0.0 accept ${comment('probe, RFC 5227')}`,
      drop('ARP for another'),
    ],
    ipv6: [
      `icmpv6 type { nd-router-advert, nd-redirect } ${drop('only routers send these')}`,
      ...tunnel,
      'ip6 saddr :: goto unspecified',
      `iifname . ip6 saddr != @addresses6 ${drop('the IPv6 address of another')}`,
      ...(targets
        ? [`icmpv6 type nd-neighbor-advert ${target} != @targets6 ${drop('advertisement for another')}`]
        : []),
    ],
    // Detection of duplicate addresses (RFC 4862), and the packets a host sends before it has an address (RFC 4861, 3590).
    unspecified: [
      `icmpv6 type nd-neighbor-solicit${ownTarget(targets)} accept`,
      'icmpv6 type { nd-router-solicit, mld-listener-report, mld2-listener-report } accept',
      drop('no source address'),
    ],
  };
}
