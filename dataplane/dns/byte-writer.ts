// A writer for dns2's encoders. dns2's own writer keeps a message as an array of single bits: that costs ten times the time of
// all other work and, with many records, quadratic time. This writer keeps bytes. Sizes are in bits, because dns2 passes bits.

export class ByteWriter {
  private bytes = Buffer.allocUnsafe(512);
  private length = 0;
  /** Bits of an incomplete byte: header flags. */
  private partial = 0;
  private partialBits = 0;
  /** Offsets of the names in the message; dns2 keeps its compression table here. */
  readonly names = new Map<string, number>();

  write(value: number, size: number): void {
    if (this.partialBits === 0 && size % 8 === 0) {
      this.reserve(size >>> 3);
      for (let shift = size - 8; shift >= 0; shift -= 8) this.bytes[this.length++] = (value >>> shift) & 0xff;
      return;
    }
    for (let i = size - 1; i >= 0; i--) {
      this.partial = (this.partial << 1) | ((value >>> i) & 1);
      if (++this.partialBits === 8) {
        this.reserve(1);
        this.bytes[this.length++] = this.partial;
        this.partial = 0;
        this.partialBits = 0;
      }
    }
  }

  /** Overwrites whole bytes. */
  patch(bitOffset: number, value: number, size: number): void {
    let at = bitOffset >>> 3;
    for (let shift = size - 8; shift >= 0; shift -= 8) this.bytes[at++] = (value >>> shift) & 0xff;
  }

  writeBuffer(other: ByteWriter): void {
    for (const byte of other.toBuffer()) this.write(byte, 8);
  }

  bitLength(): number {
    return this.length * 8 + this.partialBits;
  }

  byteLength(): number {
    return this.bitLength() / 8;
  }

  /** A view, valid until the next write: dns2 calls this after every record. */
  toBuffer(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  private reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + count));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}
