// Which addresses of a range are for pods, and in which order they are tried. Pure.
import { type Cidr, cidrSize, formatCidr } from '../../controlplane/base/cidr';
import { BadRequest } from '../../controlplane/base/errors';

/** Offsets in a range, as plain numbers: a range of one node never has more than 2^32 addresses we would walk. */
export interface PodRange {
  readonly cidr: Cidr;
  /** First and last offset handed out, both included. */
  readonly first: number;
  readonly last: number;
  readonly gateway: number;
}

/** Ranges above this are only used from their beginning: an IPv6 /64 holds more than anyone can walk. */
const maxOffset = 2 ** 24;

/**
 * The network address, the gateway behind it (.1) and, in IPv4, the broadcast address are kept back.
 * @throws BadRequest when nothing is left for a pod.
 */
export function podRange(cidr: Cidr): PodRange {
  const size = cidrSize(cidr);
  const end = size > BigInt(maxOffset) ? maxOffset : Number(size);
  const last = cidr.family === 4 ? end - 2 : end - 1;
  if (last < 2) throw new BadRequest(`range ${formatCidr(cidr)} is too small for a gateway and pods`);
  return { cidr, first: 2, last, gateway: 1 };
}

/** Every offset once, beginning behind `previous` and wrapping around. */
export function* nextFit(range: PodRange, previous: number): Generator<number> {
  const { first, last } = range;
  const start = previous >= first && previous < last ? previous + 1 : first;
  for (let offset = start; offset <= last; offset++) yield offset;
  for (let offset = first; offset < start; offset++) yield offset;
}
