// Closes the ways from pod to pod of one node past its IP layer, where no rule about IP looks. Pure.
//
// Pods have a route to the gateway alone, so what they send is routed and judged. But they share a bridge, and it delivers
// what is addressed to another port: IPv6 with link-local addresses (every pod has one, also where the cluster has no IPv6),
// broadcasts, and frames that a program with CAP_NET_RAW makes, which Docker gives by default. So a frame with IP in it passes
// from port to port only if the rules of policies have seen it: as they do with br_netfilter, which bridges what a Service leads
// to a pod of the same bridge.
import { type Cidr, parseCidr } from '../../controlplane/base/cidr';
import { comment } from '../nftables/text';
import { seenMark, tableName } from './names';

const table = `bridge ${tableName}`;
const mark = `0x${seenMark.toString(16)}`;

/** Behind br_netfilter, which stands at -1 and shows the frame to the rules about IP. */
const priority = 10;

/** The whole table in one transaction; '' while the node has no pod range. The first range names the ports. */
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

export const guardRemoval = (): string => `add table ${table}\ndelete table ${table}\n`;

/** Of the nodes' IPv6 ranges only the last bytes tell addresses apart, and they count from the start. */
const countingDigits = '0000';

/**
 * What the names of all pods' ports begin with: agents/kubelet/network/names.ts makes them of `veth` and eight digits of the
 * address. Other programs name their ports veth as well, so as much of the range as there is: veth0af401 for 10.244.1.0/24.
 */
export function portPrefix({ family, base, prefix }: Cidr): string {
  if (family === 6) return `veth${countingDigits}`;
  return `veth${base
    .toString(16)
    .padStart(8, '0')
    .slice(0, prefix >> 2)}`;
}
