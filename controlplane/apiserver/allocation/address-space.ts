// Which addresses of one family look free to this server. It knows no ranges: these may overlap, and each is only an interval here. It
// keeps pages for parts of the space that have used addresses, so a range of any size costs nothing.
import { NumberPool } from './number-pool';

const pageBits = 8n;
const pageSize = 1 << Number(pageBits);

export class AddressSpace {
  private readonly pages = new Map<bigint, NumberPool>();

  has(address: bigint): boolean {
    return this.pages.get(address >> pageBits)?.has(placeOf(address)) ?? false;
  }

  /** Takes an address for a write that has not ended. False when the address is in use. */
  take(address: bigint): boolean {
    return this.page(address >> pageBits).take(placeOf(address));
  }

  /** Frees the address after a failed write. If an object holds it meanwhile, it stays in use. */
  free(address: bigint): void {
    this.pages.get(address >> pageBits)?.free(placeOf(address));
    this.drop(address >> pageBits);
  }

  /** Records that a stored object holds the address. */
  hold(address: bigint): void {
    this.page(address >> pageBits).hold(placeOf(address));
  }

  /** Records that no stored object holds the address any more. */
  release(address: bigint): void {
    this.pages.get(address >> pageBits)?.release(placeOf(address));
    this.drop(address >> pageBits);
  }

  /**
   * Takes the first free address of `first` to `last`, both included, beginning at `start` and going round; undefined when all are in
   * use or excluded. Passes one page at a time, and a page without used addresses ends the search.
   */
  takeFrom(first: bigint, last: bigint, start: bigint, excluded?: (address: bigint) => boolean): bigint | undefined {
    return this.takeBetween(start, last, excluded) ?? this.takeBetween(first, start - 1n, excluded);
  }

  private takeBetween(first: bigint, last: bigint, excluded?: (address: bigint) => boolean): bigint | undefined {
    for (let number = first >> pageBits; number <= last >> pageBits; number++) {
      const base = number << pageBits;
      const from = first > base ? Number(first - base) : 0;
      const to = last - base < BigInt(pageSize) ? Number(last - base) + 1 : pageSize;
      const skip = excluded && ((place: number) => excluded(base + BigInt(place)));
      const place = this.page(number).takeAny(from, to, beginning, skip);
      if (place !== undefined) return base + BigInt(place);
      this.drop(number);
    }
    return undefined;
  }

  private page(number: bigint): NumberPool {
    let page = this.pages.get(number);
    if (!page) {
      page = new NumberPool(pageSize);
      this.pages.set(number, page);
    }
    return page;
  }

  /** Or addresses that come and go in a large range would leave a page each. */
  private drop(number: bigint): void {
    if (this.pages.get(number)?.isEmpty) this.pages.delete(number);
  }
}

const placeOf = (address: bigint): number => Number(address & (BigInt(pageSize) - 1n));
const beginning = () => 0;
