// Which MAC and addresses belong to which port of the bridge. Pure: everything about a wire follows from the pod's first address
// (names.ts), so the ports of all pods a node can have are known before there is one.
import { type Cidr, cidrAddress, formatAddress } from '../../../controlplane/base/cidr';
import { podRange } from '../../../dataplane/ipam/range';
import type { PodPort } from '../../../dataplane/pod-sources/ports';
import { macOf, vethName } from './names';

/**
 * One port for each address of the first range. Its second address is as far from the start of the second range. `exceptions` are pods
 * with other pairs, from before the second range or before this rule; no other port gets their addresses.
 */
export function planPorts(
  [first, second]: readonly Cidr[],
  exceptions: readonly (readonly string[])[],
): ReadonlyMap<string, PodPort> {
  const ports = new Map<string, PodPort>();
  if (first === undefined) return ports;
  const claimed = new Set(exceptions.flat());
  const range = podRange(first);
  const lastOfSecond = second === undefined ? 0 : podRange(second).handedOut;
  for (let offset = range.first; offset <= range.handedOut; offset++) {
    const ip = formatAddress(cidrAddress(first, offset));
    const other = second && offset <= lastOfSecond ? formatAddress(cidrAddress(second, offset)) : undefined;
    ports.set(vethName(ip), portOf(other === undefined || claimed.has(other) ? [ip] : [ip, other]));
  }
  for (const ips of exceptions) ports.set(vethName(ips[0]!), portOf(ips));
  return ports;
}

const portOf = (ips: readonly string[]): PodPort => ({ link: vethName(ips[0]!), mac: macOf(ips[0]!), addresses: ips });
