// Allocates the addresses of one range. Next-fit: a released address is the last to be used again, so that caches of it (ARP,
// conntrack, DNS answers) have time to expire.
import {
  type Cidr,
  cidrAddress,
  cidrContains,
  formatAddress,
  formatCidr,
  parseAddress,
} from '../../controlplane/base/cidr';
import { BadRequest, Unavailable } from '../../controlplane/base/errors';
import { nextFit, type PodRange, podRange } from './range';

/** Kept in memory only: after a restart the owner of the containers reserves their addresses again. */
export class AddressAllocator {
  private readonly range: PodRange;
  /** Offsets from the start of the range. */
  private readonly taken = new Set<number>();
  private last = 0;

  /** @throws BadRequest when the range has no room for a pod. */
  constructor(readonly cidr: Cidr) {
    this.range = podRange(cidr);
  }

  get gateway(): string {
    return this.format(this.range.gateway);
  }

  /** The number of addresses for pods, and how many of them are taken. */
  get usage(): { readonly capacity: number; readonly taken: number } {
    return { capacity: this.range.handedOut - this.range.first + 1, taken: this.taken.size };
  }

  /** @throws Unavailable when every address is taken. */
  allocate(): string {
    for (const offset of nextFit(this.range, this.last)) {
      if (this.taken.has(offset)) continue;
      this.take(offset);
      return this.format(offset);
    }
    const { capacity } = this.usage;
    throw new Unavailable(`no free address in ${formatCidr(this.cidr)}: all ${capacity} are taken`, {
      details: { cidr: formatCidr(this.cidr), capacity },
    });
  }

  /**
   * The address with the same offset as `ip` in its range `other`, or any free address when that one is taken. @throws
   * Unavailable
   */
  allocateLike(ip: string, other: AddressAllocator): string {
    const offset = other.offsetOf(ip);
    const { first, handedOut } = this.range;
    if (offset === undefined || offset < first || offset > handedOut || this.taken.has(offset)) return this.allocate();
    this.take(offset);
    return this.format(offset);
  }

  /** Marks an address as taken. Repeatable. @throws BadRequest for an address that no pod of the range can have. */
  reserve(ip: string): void {
    const offset = this.offsetOf(ip);
    if (offset === undefined) throw new BadRequest(`address ${ip} is not one for pods of ${formatCidr(this.cidr)}`);
    if (!this.taken.has(offset)) this.take(offset);
  }

  /** Releases an address; an unknown address is ignored. */
  release(ip: string): void {
    const offset = this.offsetOf(ip);
    if (offset !== undefined) this.taken.delete(offset);
  }

  has(ip: string): boolean {
    const offset = this.offsetOf(ip);
    return offset !== undefined && this.taken.has(offset);
  }

  private take(offset: number): void {
    this.taken.add(offset);
    this.last = offset;
  }

  private offsetOf(ip: string): number | undefined {
    const address = parseAddress(ip);
    if (!cidrContains(this.cidr, address)) return undefined;
    const offset = address.value - this.cidr.base;
    return offset >= BigInt(this.range.first) && offset <= BigInt(this.range.last) ? Number(offset) : undefined;
  }

  private format(offset: number): string {
    return formatAddress(cidrAddress(this.cidr, offset));
  }
}
