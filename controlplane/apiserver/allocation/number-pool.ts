// Numbers of a range, each given to one owner at most: node ports, and cluster IPs as offsets in their range. One bit a
// number; owners are known only to those who ask.

export class NumberPool {
  private readonly words: Uint32Array;

  constructor(readonly size: number) {
    this.words = new Uint32Array(Math.ceil(size / 32));
  }

  has(index: number): boolean {
    return (this.words[index >>> 5]! & (1 << (index & 31))) !== 0;
  }

  /** False when somebody has it already. */
  take(index: number): boolean {
    if (this.has(index)) return false;
    this.words[index >>> 5]! |= 1 << (index & 31);
    return true;
  }

  free(index: number): void {
    if (!this.has(index)) return;
    this.words[index >>> 5]! &= ~(1 << (index & 31));
  }

  /** Takes the first free number of [from, to) beginning at a random place; undefined when all are taken. */
  takeAny(from: number, to: number, random: () => number): number | undefined {
    const span = to - from;
    if (span <= 0) return undefined;
    const start = Math.floor(random() * span);
    for (let i = 0; i < span; i++) {
      const index = from + ((start + i) % span);
      if (this.take(index)) return index;
    }
    return undefined;
  }
}
