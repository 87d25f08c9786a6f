// Which addresses of a range are for pods, and in which order they are tried. Pure.
import { type Cidr, cidrSize, formatCidr } from '../../controlplane/base/cidr';
import { BadRequest } from '../../controlplane/base/errors';

/** Offsets in a range, as plain numbers: a range of one node never has more than 2^32 addresses we would walk. */
export interface PodRange {
  readonly cidr: Cidr;
  /** First and last offset that a pod may have, both included. */
  readonly first: number;
  readonly last: number;
  /** The last offset that is handed out to new pods. */
  readonly handedOut: number;
  readonly gateway: number;
}

/** Ranges above this are only used from their beginning: an IPv6 /64 holds more than anyone can walk. */
const maxOffset = 2 ** 24;

/**
 * New pods get addresses up to here, several times what a node takes (--max-pods, 1000 at most): for each the kernel holds what its
 * port may send (dataplane/pod-sources), whether or not a pod has it.
 */
const maxHandedOut = 2 ** 11 - 1;

/**
 * The network address, the gateway behind it (.1) and, in IPv4, the broadcast address are kept back.
 * @throws BadRequest when nothing is left for a pod.
 */
export function podRange(cidr: Cidr): PodRange {
  const size = cidrSize(cidr);
  const end = size > BigInt(maxOffset) ? maxOffset : Number(size);
  const last = cidr.family === 4 ? end - 2 : end - 1;
  if (last < 2) throw new BadRequest(`range ${formatCidr(cidr)} is too small for a gateway and pods`);
  return { cidr, first: 2, last, handedOut: Math.min(last, maxHandedOut), gateway: 1 };
}

/** Every offset for new pods once, beginning behind `previous` and wrapping around. */
export function* nextFit(range: PodRange, previous: number): Generator<number> {
  const { first, handedOut: last } = range;
  const start = previous >= first && previous < last ? previous + 1 : first;
  for (let offset = start; offset <= last; offset++) yield offset;
  for (let offset = first; offset < start; offset++) yield offset;
}
