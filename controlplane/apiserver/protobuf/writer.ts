// The protobuf wire format, writing side. A message has its length in front, which is known only when the message is written: so
// everything is written from the end to the beginning, as Go's encoder does, and nothing is measured or copied twice.
// Source: protobuf.dev, "Encoding".

const startBytes = 64 * 1024;
/** A larger buffer is given up after its message, so that one large object does not hold its memory. */
const keptBytes = 1024 * 1024;
/** Up to this length a loop is faster than a call of the engine's encoder. */
const shortText = 40;

export class Writer {
  private buffer: Buffer = Buffer.alloc(0);
  /** The place of the byte that was written last. */
  private at = 0;

  /** Bytes written so far: the length of a message is the difference of two sizes. */
  get size(): number {
    return this.buffer.length - this.at;
  }

  /** The bytes written, and the writer is empty again. The bytes are outside Node's pool: they may live long. */
  take(): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.size);
    this.buffer.copy(bytes, 0, this.at);
    this.clear();
    return bytes;
  }

  clear(): void {
    if (this.buffer.length > keptBytes) this.buffer = Buffer.alloc(0);
    this.at = this.buffer.length;
  }

  /** An exact number, negative ones in ten bytes as Go writes them. */
  varint(value: number): void {
    if (value >= 0 && value < 0x80) {
      this.reserve(1);
      this.buffer[--this.at] = value;
      return;
    }
    if (value < 0) {
      this.large(BigInt.asUintN(64, BigInt(value)));
      return;
    }
    let length = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
    this.reserve(length);
    this.at -= length;
    let rest = value;
    for (let i = 0; i < length - 1; i++) {
      this.buffer[this.at + i] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.buffer[this.at + length - 1] = rest;
  }

  double(value: number): void {
    this.reserve(8);
    this.at -= 8;
    this.buffer.writeDoubleLE(value, this.at);
  }

  bytes(value: Uint8Array): void {
    this.reserve(value.length);
    this.at -= value.length;
    this.buffer.set(value, this.at);
  }

  /** In UTF-8, without its length. */
  text(value: string): void {
    if (value.length > shortText || !this.ascii(value)) this.utf8(value);
  }

  /** False, and nothing written, for a text that is not ASCII. */
  private ascii(value: string): boolean {
    this.reserve(value.length);
    const { buffer } = this;
    let at = this.at;
    for (let i = value.length - 1; i >= 0; i--) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return false;
      buffer[--at] = code;
    }
    this.at = at;
    return true;
  }

  private utf8(value: string): void {
    const length = Buffer.byteLength(value);
    this.reserve(length);
    this.at -= length;
    this.buffer.write(value, this.at, length, 'utf8');
  }

  private large(value: bigint): void {
    const bytes: number[] = [];
    for (let rest = value; ; rest >>= 7n) {
      if (rest < 0x80n) {
        bytes.push(Number(rest));
        break;
      }
      bytes.push(Number(rest & 0x7fn) | 0x80);
    }
    this.bytes(Uint8Array.from(bytes));
  }

  private reserve(length: number): void {
    if (this.at >= length) return;
    const { size } = this;
    const larger = Buffer.allocUnsafeSlow(Math.max(startBytes, this.buffer.length * 2, size + length));
    this.buffer.copy(larger, larger.length - size, this.at);
    this.buffer = larger;
    this.at = larger.length - size;
  }
}
