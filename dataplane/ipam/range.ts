// Which addresses of a range are for pods, and in which order they are tried. Pure.
import { type Cidr, cidrSize, formatCidr } from '../../controlplane/base/cidr';
import { BadRequest } from '../../controlplane/base/errors';

/** Offsets in a range, as plain numbers: the offsets in use are always below 2^32. */
export interface PodRange {
  readonly cidr: Cidr;
  /** First and last offset that a pod may have, both included. */
  readonly first: number;
  readonly last: number;
  /** The last offset for new pods. */
  readonly handedOut: number;
  readonly gateway: number;
}

/** Of a larger range only the first offsets are used: an IPv6 /64 holds too many addresses to try them all. */
const maxOffset = 2 ** 24;

/**
 * New pods get addresses up to here, twice what a node runs (--max-pods, 1000 at most). The limit is needed because the kernel
 * holds, for each address, what its port may send (dataplane/pod-sources), whether or not a pod has the address.
 */
const maxHandedOut = 2 ** 11 - 1;

/**
 * Not for pods: the network address, the gateway after it (.1) and, in IPv4, the broadcast address. @throws BadRequest when no
 * address remains for a pod.
 */
export function podRange(cidr: Cidr): PodRange {
  const size = cidrSize(cidr);
  const end = size > BigInt(maxOffset) ? maxOffset : Number(size);
  const last = cidr.family === 4 ? end - 2 : end - 1;
  if (last < 2) throw new BadRequest(`range ${formatCidr(cidr)} is too small for a gateway and pods`);
  return { cidr, first: 2, last, handedOut: Math.min(last, maxHandedOut), gateway: 1 };
}

/** Every offset for new pods once, starting after `previous` and wrapping around. */
export function* nextFit(range: PodRange, previous: number): Generator<number> {
  const { first, handedOut: last } = range;
  const start = previous >= first && previous < last ? previous + 1 : first;
  for (let offset = start; offset <= last; offset++) yield offset;
  for (let offset = first; offset < start; offset++) yield offset;
}
