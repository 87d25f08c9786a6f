// Closes the ways from pod to pod of one node that bypass the node's IP layer, where rules about IP see no packet. Pure.
//
// Pods have a route to the gateway alone, so their packets are routed and judged. But pods share a bridge, and the bridge
// delivers frames straight to another port: IPv6 with link-local addresses (every pod has one, even in a cluster without IPv6),
// broadcasts, and frames made by a program with CAP_NET_RAW, which Docker grants by default. So a frame with IP in it passes
// from port to port only if the rules of policies have seen it. With br_netfilter they see, for example, a packet to a Service
// whose endpoint is on the same bridge: such a packet is bridged.
import { type Cidr, parseCidr } from '../../controlplane/base/cidr';
import type { TablePlan } from '../nftables/table-plan';
import { comment } from '../nftables/text';
import { seenMark, tableName } from './names';

const table = `bridge ${tableName}`;
const mark = `0x${seenMark.toString(16)}`;

/** After br_netfilter, which has priority -1 and shows the frame to the rules about IP. */
const priority = 10;

/**
 * The complete table in one transaction; '' while the node has no pod range. The names of the ports follow from the first
 * range.
 */
export function guardText([first]: readonly string[]): string {
  if (first === undefined) return '';
  const port = `"${portPrefix(parseCidr(first))}*"`;
  const rule = `iifname ${port} oifname ${port} ether type { ip, ip6 } meta mark & ${mark} == 0 counter drop`;
  return [
    guardRemoval().trimEnd(),
    `add table ${table}`,
    `add chain ${table} forward { type filter hook forward priority ${priority}; policy accept; }`,
    `add rule ${table} forward ${rule} ${comment('past the rules of policies')}`,
    '',
  ].join('\n');
}

/** The table that such a text writes; undefined for ''. */
export function guardTable(text: string): TablePlan | undefined {
  const [, hook] = /^add chain .* \{ (.*) \}$/m.exec(text) ?? [];
  const [, rule] = /^add rule \S+ \S+ forward (.*)$/m.exec(text) ?? [];
  if (hook === undefined || rule === undefined) return undefined;
  return { chains: new Map([['forward', { hook, rules: `${rule}\n` }]]), sets: new Map(), elements: new Map() };
}

export const guardRemoval = (): string => `add table ${table}\ndelete table ${table}\n`;

/** IPv6 addresses of a node's pods differ only in their last bytes, which count up from the start of the range. */
const countingDigits = '0000';

/**
 * The common prefix of the names of all pods' ports: agents/kubelet/network/names.ts builds a name from `veth` and eight digits
 * of the address. Other programs name their ports veth as well, so the prefix includes as much of the range as possible:
 * veth0af401 for 10.244.1.0/24.
 */
export function portPrefix({ family, base, prefix }: Cidr): string {
  if (family === 6) return `veth${countingDigits}`;
  return `veth${base
    .toString(16)
    .padStart(8, '0')
    .slice(0, prefix >> 2)}`;
}
