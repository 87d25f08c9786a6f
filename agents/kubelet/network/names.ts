// Names and addresses the pod network derives from others, so that nothing about a wire needs to be remembered. Pure.
import { parseAddress } from '../../../controlplane/base/cidr';
import { BadRequest } from '../../../controlplane/base/errors';

/** The node's bridge for pods; the name CNI users know. */
export const bridgeName = 'cni0';

/** Interface names hold 15 characters: 4 of prefix and 8 of address. */
export const vethPrefix = 'veth';

/** Both name and MAC are made from IPv4 addresses. @throws BadRequest for others */
function hexOf(ip: string): string {
  const { family, value } = parseAddress(ip);
  if (family !== 4) throw new BadRequest(`pod addresses are IPv4 so far: ${ip}`);
  return value.toString(16).padStart(8, '0');
}

/** 10.244.1.5 → veth0af40105: `ip link` on the node shows whose wire it is. */
export const vethName = (ip: string): string => `${vethPrefix}${hexOf(ip)}`;

/**
 * 10.244.1.5 → 0a:58:0a:f4:01:05, locally administered. One address has one MAC for ever, so a pod that gets the address of
 * another makes no neighbour's cache wrong, and nobody has to be told.
 */
export const macOf = (ip: string): string => `0a:58:${hexOf(ip).match(/../g)?.join(':')}`;
