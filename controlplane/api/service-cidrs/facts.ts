// What a ServiceCIDR says: whether Services get addresses from it, and which addresses belong to its ranges (KEP-1880). For the API
// server, which assigns the addresses, and the controller, which protects them.
import { type Address, type Cidr, cidrSize, parseAddress, parseCidr } from '../../base/cidr';
import type { ServiceCIDR } from '../service-cidr';

/** The controller keeps it on each ServiceCIDR until none of its addresses is in use. */
export const serviceCidrFinalizer = 'networking.k8s.io/service-cidr-finalizer';
/** The ServiceCIDR with the ranges of the server's option. */
export const defaultServiceCidr = 'kubernetes';

/** As upstream: without a condition it is ready, so that it works while no controller runs. */
export function assignsAddresses({ metadata, status }: ServiceCIDR): boolean {
  if (metadata?.deletionTimestamp) return false;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready === undefined || ready.status === 'True';
}

/** Without texts that are no range: validation refuses them. */
export function rangesOf({ spec }: ServiceCIDR): Cidr[] {
  return (spec?.cidrs ?? []).flatMap((text) => {
    try {
      return [parseCidr(text)];
    } catch {
      return [];
    }
  });
}

/** The addresses of a range that Services may have, both included; none when `first` is greater than `last`. */
export interface Assignable {
  readonly first: bigint;
  readonly last: bigint;
  /** The server prefers addresses from here on; smaller ones are for Services that name theirs (KEP-3070). */
  readonly dynamicFirst: bigint;
}

const minStatic = 16n;
const maxStatic = 256n;

/** Never the network address, nor the broadcast address of IPv4. */
export function assignableOf(range: Cidr): Assignable {
  const size = cidrSize(range);
  const first = range.base + 1n;
  const last = range.base + size - (range.family === 4 ? 2n : 1n);
  return { first, last, dynamicFirst: first + staticCount(size) };
}

function staticCount(size: bigint): bigint {
  if (size <= minStatic) return 0n;
  const share = size / 16n;
  return share < minStatic ? minStatic : share > maxStatic ? maxStatic : share;
}

/** False also for the network and broadcast address. */
export const rangeHolds = (range: Cidr, address: Address): boolean => rangeTest(range)(address);

/** As rangeHolds, for many addresses. */
export function rangeTest(range: Cidr): (address: Address) => boolean {
  const { first, last } = assignableOf(range);
  return ({ family, value }) => family === range.family && value >= first && value <= last;
}

/** The ServiceCIDRs whose ranges have the address; none for a text that is no address. */
export function cidrsWith(address: string, all: Iterable<ServiceCIDR>): ServiceCIDR[] {
  let parsed: Address;
  try {
    parsed = parseAddress(address);
  } catch {
    return [];
  }
  return [...all].filter((cidr) => rangesOf(cidr).some((range) => rangeHolds(range, parsed)));
}
