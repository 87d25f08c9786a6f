// The Service addresses of one range: which look free to this server, and which to use next.
import { type Cidr, cidrSize, formatAddress, formatCidr, parseAddress } from '../../base/cidr';
import { NumberPool } from './number-pool';

/** The first addresses of the range are kept for Services that name an address, as in kube-apiserver; this is the limit. */
const maxReserved = 256;
/** Of a larger range only this many addresses are used: a bound for the memory of the pool. */
const maxAddresses = 1 << 22;

export class AddressPool {
  private readonly numbers: NumberPool;

  constructor(readonly range: Cidr) {
    const size = cidrSize(range);
    this.numbers = new NumberPool(size > BigInt(maxAddresses) ? maxAddresses : Number(size));
    // Never use the network address and the broadcast address.
    this.numbers.hold(0);
    if (size <= BigInt(maxAddresses)) this.numbers.hold(this.numbers.size - 1);
  }

  get text(): string {
    return formatCidr(this.range);
  }

  contains(address: string): boolean {
    return this.indexOf(address) !== undefined;
  }

  has(address: string): boolean {
    const index = this.indexOf(address);
    return index !== undefined && this.numbers.has(index);
  }

  /** Takes an address for a new write. False when it is in use, or not in this range. */
  take(address: string): boolean {
    const index = this.indexOf(address);
    return index !== undefined && this.numbers.take(index);
  }

  /** Takes any free address; undefined when all are in use or excluded. */
  takeAny(random: () => number, excluded?: (address: string) => boolean): string | undefined {
    const { size } = this.numbers;
    const reserved = Math.min(Math.max(16, Math.floor(size / 16)), maxReserved);
    const first = size > reserved * 2 ? reserved : 1;
    const skip = excluded && ((index: number) => excluded(this.addressAt(index)));
    const index = this.numbers.takeAny(first, size, random, skip) ?? this.numbers.takeAny(1, first, random, skip);
    return index === undefined ? undefined : this.addressAt(index);
  }

  /** Frees the address after a failed write. */
  free(address: string): void {
    const index = this.indexOf(address);
    if (index !== undefined) this.numbers.free(index);
  }

  /** Records that a stored Service has the address. */
  hold(address: string): void {
    const index = this.indexOf(address);
    if (index !== undefined) this.numbers.hold(index);
  }

  /** Records that the stored Service no longer has the address. */
  release(address: string): void {
    const index = this.indexOf(address);
    if (index !== undefined) this.numbers.release(index);
  }

  private addressAt(index: number): string {
    return formatAddress({ family: this.range.family, value: this.range.base + BigInt(index) });
  }

  private indexOf(address: string): number | undefined {
    try {
      const { family, value } = parseAddress(address);
      const offset = value - this.range.base;
      const inside = family === this.range.family && offset >= 0n && offset < BigInt(this.numbers.size);
      return inside ? Number(offset) : undefined;
    } catch {
      // Not an address: validation has its own message for that.
      return undefined;
    }
  }
}
