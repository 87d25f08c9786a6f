// The Service addresses of one range: which are taken, which is next.
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
    this.numbers.take(0);
    if (size <= BigInt(maxAddresses)) this.numbers.take(this.numbers.size - 1);
  }

  get text(): string {
    return formatCidr(this.range);
  }

  contains(address: string): boolean {
    return this.indexOf(address) !== undefined;
  }

  /** False when somebody has it. The address must be of this range. */
  take(address: string): boolean {
    const index = this.indexOf(address);
    return index !== undefined && this.numbers.take(index);
  }

  /** Undefined when all are taken. */
  takeAny(random: () => number): string | undefined {
    const { size } = this.numbers;
    const reserved = Math.min(Math.max(16, Math.floor(size / 16)), maxReserved);
    const first = size > reserved * 2 ? reserved : 1;
    const index = this.numbers.takeAny(first, size, random) ?? this.numbers.takeAny(1, first, random);
    if (index === undefined) return undefined;
    return formatAddress({ family: this.range.family, value: this.range.base + BigInt(index) });
  }

  free(address: string): void {
    const index = this.indexOf(address);
    if (index !== undefined) this.numbers.free(index);
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
