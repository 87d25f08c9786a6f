// Names and addresses the pod network derives from others, so that nothing about a wire needs to be remembered. Pure.
import { parseAddress } from '../../../controlplane/base/cidr';

/** The node's bridge for pods; the name CNI users know. */
export const bridgeName = 'cni0';

/** Interface names hold 15 characters: 4 of prefix and 8 of address. */
export const vethPrefix = 'veth';

/** Four bytes: an IPv4 address, or what tells the IPv6 addresses of one node's range apart (dataplane/ipam counts from its start). */
const hexOf = (ip: string): string => (parseAddress(ip).value & 0xffff_ffffn).toString(16).padStart(8, '0');

/** 10.244.1.5 → veth0af40105: `ip link` on the node shows whose wire it is. Of a pod with two addresses the first counts. */
export const vethName = (ip: string): string => `${vethPrefix}${hexOf(ip)}`;

/**
 * 10.244.1.5 → 0a:58:0a:f4:01:05, locally administered. One address always has the same MAC. So when a pod gets
 * the earlier address of another pod, the neighbour caches are still right and need no update.
 */
export const macOf = (ip: string): string =>
  `0a:${parseAddress(ip).family === 4 ? '58' : '5b'}:${hexOf(ip).match(/../g)?.join(':')}`;
