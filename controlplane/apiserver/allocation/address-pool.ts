// The Service addresses of one range: which look free to this server, which is next.
import { type Cidr, cidrSize, formatAddress, formatCidr, parseAddress } from '../../base/cidr';
import { NumberPool } from './number-pool';

/** The first addresses of the range are left to those who ask for a certain one, as kube-apiserver does. */
const maxReserved = 256;
/** A larger range is used up to this many addresses: one bit each. */
const maxAddresses = 1 << 22;

export class AddressPool {
  private readonly numbers: NumberPool;

  constructor(readonly range: Cidr) {
    const size = cidrSize(range);
    this.numbers = new NumberPool(size > BigInt(maxAddresses) ? maxAddresses : Number(size));
    // Neither the network address nor the broadcast address.
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

  /** For a write that begins. False when it is in use, or is not of this range. */
  take(address: string): boolean {
    const index = this.indexOf(address);
    return index !== undefined && this.numbers.take(index);
  }

  /** Undefined when all are in use or excluded. */
  takeAny(random: () => number, excluded?: (address: string) => boolean): string | undefined {
    const { size } = this.numbers;
    const reserved = Math.min(Math.max(16, Math.floor(size / 16)), maxReserved);
    const first = size > reserved * 2 ? reserved : 1;
    const skip = excluded && ((index: number) => excluded(this.addressAt(index)));
    const index = this.numbers.takeAny(first, size, random, skip) ?? this.numbers.takeAny(1, first, random, skip);
    return index === undefined ? undefined : this.addressAt(index);
  }

  /** The write that took it failed. */
  free(address: string): void {
    const index = this.indexOf(address);
    if (index !== undefined) this.numbers.free(index);
  }

  /** A stored Service has it. */
  hold(address: string): void {
    const index = this.indexOf(address);
    if (index !== undefined) this.numbers.hold(index);
  }

  /** The stored Service that had it has it no more. */
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
      // Not an address at all: validation has its own message for that.
      return undefined;
    }
  }
}
