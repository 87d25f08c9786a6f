// One spelling for each address: IPv6 can be written in many ways, and the kernel prints one of them.
import { formatAddress, parseAddress } from '../../controlplane/base/cidr';

export const canonicalAddress = (address: string): string =>
  address.includes(':') ? formatAddress(parseAddress(address)) : address;
