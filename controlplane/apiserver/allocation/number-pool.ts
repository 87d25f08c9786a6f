// Which numbers of a range look free to this server: node ports, and addresses as offsets in their page. A number is in use
// when a stored object holds it, or when an unfinished write has taken it. Two bits per number.

export class NumberPool {
  private readonly used: Uint32Array;
  private readonly stored: Uint32Array;

  constructor(readonly size: number) {
    this.used = new Uint32Array(Math.ceil(size / 32));
    this.stored = new Uint32Array(this.used.length);
  }

  /** True when no number is in use. */
  get isEmpty(): boolean {
    return this.used.every((word) => word === 0);
  }

  has(index: number): boolean {
    return isSet(this.used, index);
  }

  /** Takes a number for a new write. False when the number is in use. */
  take(index: number): boolean {
    if (this.has(index)) return false;
    set(this.used, index);
    return true;
  }

  /** Frees the number after a failed write. If a stored object holds the number meanwhile, it stays in use. */
  free(index: number): void {
    if (!isSet(this.stored, index)) clear(this.used, index);
  }

  /** Records that a stored object holds the number. */
  hold(index: number): void {
    set(this.used, index);
    set(this.stored, index);
  }

  /** Records that the stored object no longer holds the number. */
  release(index: number): void {
    clear(this.used, index);
    clear(this.stored, index);
  }

  /** Takes the first free number of [from, to) beginning at a random place; undefined when all are in use or excluded. */
  takeAny(from: number, to: number, random: () => number, excluded?: (index: number) => boolean): number | undefined {
    const span = to - from;
    if (span <= 0) return undefined;
    const start = Math.floor(random() * span);
    for (let i = 0; i < span; i++) {
      const index = from + ((start + i) % span);
      if (excluded?.(index)) continue;
      if (this.take(index)) return index;
    }
    return undefined;
  }
}

const isSet = (words: Uint32Array, index: number): boolean => (words[index >>> 5]! & (1 << (index & 31))) !== 0;
function set(words: Uint32Array, index: number): void {
  words[index >>> 5]! |= 1 << (index & 31);
}
function clear(words: Uint32Array, index: number): void {
  words[index >>> 5]! &= ~(1 << (index & 31));
}
