// Names and MACs that follow from a pod's address, so that nothing about a wire needs to be remembered. Pure.
import { parseAddress } from '../../../controlplane/base/cidr';

/** The node's bridge for pods. CNI plug-ins use the same name. */
export const bridgeName = 'cni0';

/** Interface names hold 15 characters: 4 of prefix and 8 of address. */
export const vethPrefix = 'veth';

/** The last four bytes: a whole IPv4 address. In IPv6 they differ within a node's range, which dataplane/ipam counts from its start. */
const hexOf = (ip: string): string => (parseAddress(ip).value & 0xffff_ffffn).toString(16).padStart(8, '0');

/** 10.244.1.5 → veth0af40105: `ip link` on the node shows whose wire it is. With two addresses the first counts. */
export const vethName = (ip: string): string => `${vethPrefix}${hexOf(ip)}`;

/**
 * 10.244.1.5 → 0a:58:0a:f4:01:05, locally administered. One address always has the same MAC. So when a pod gets
 * the earlier address of another pod, the neighbour caches are still right and need no update.
 */
export const macOf = (ip: string): string =>
  `0a:${parseAddress(ip).family === 4 ? '58' : '5b'}:${hexOf(ip).match(/../g)?.join(':')}`;
