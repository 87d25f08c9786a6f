// Memory for many datagrams that one call of recvmmsg or sendmmsg reads or sends: struct mmsghdr, iovec, address and bytes of
// each, outside the garbage collector's heap, whose objects move. Layout of 64-bit Linux (recvmmsg(2), recvmsg(2)).
import { MSG_TRUNC } from '../libc/constants';
import { allocate, type NativeMemory } from '../libc/libc';
import { maxAddressBytes } from './socket-address';

const headerBytes = 64;
const vectorBytes = 16;
/** Rounded up, so that each address starts at a multiple of 8. */
const addressSlot = 32;
/** Offsets in words of 32 bits: struct msghdr's msg_namelen and msg_flags, and msg_len after it. */
const nameLengthWord = 2;
const flagsWord = 12;
const lengthWord = 14;

export class Datagrams {
  /** Points to the first header. */
  readonly pointer: bigint;
  /** The address of each datagram, and its bytes. */
  readonly addresses: readonly Buffer[];
  readonly data: readonly Buffer[];
  private readonly memory: NativeMemory;
  private readonly headers: Uint32Array;
  private readonly vectors: Uint32Array;

  constructor(
    readonly count: number,
    readonly maxBytes: number,
  ) {
    const perDatagram = headerBytes + vectorBytes + addressSlot + maxBytes;
    this.memory = allocate(count * perDatagram);
    const { address, bytes: memory } = this.memory;
    this.pointer = address;
    const vectorsAt = count * headerBytes;
    const addressesAt = vectorsAt + count * vectorBytes;
    const dataAt = addressesAt + count * addressSlot;
    this.headers = new Uint32Array(memory, 0, (count * headerBytes) / 4);
    this.vectors = new Uint32Array(memory, vectorsAt, (count * vectorBytes) / 4);
    const slots = Array.from({ length: count }, (_, i) => i);
    this.addresses = slots.map((i) => Buffer.from(memory, addressesAt + i * addressSlot, maxAddressBytes));
    this.data = slots.map((i) => Buffer.from(memory, dataAt + i * maxBytes, maxBytes));
    const words = new BigUint64Array(memory, 0, addressesAt / 8);
    for (const i of slots) {
      const header = (i * headerBytes) / 8;
      const vector = (vectorsAt + i * vectorBytes) / 8;
      words[header] = this.pointer + BigInt(addressesAt + i * addressSlot);
      words[header + 2] = this.pointer + BigInt(vectorsAt + i * vectorBytes);
      words[header + 3] = 1n;
      words[vector] = this.pointer + BigInt(dataAt + i * maxBytes);
      words[vector + 1] = BigInt(maxBytes);
    }
  }

  /** Resets the lengths before each receive: the kernel has overwritten them with those of the last addresses. */
  readyToReceive(): void {
    for (let i = 0; i < this.count; i++) this.headers[(i * headerBytes) / 4 + nameLengthWord] = maxAddressBytes;
  }

  /** Bytes of a received datagram; undefined when it was longer than `maxBytes`. */
  received(i: number): number | undefined {
    const header = (i * headerBytes) / 4;
    return (this.headers[header + flagsWord]! & MSG_TRUNC) === 0 ? this.headers[header + lengthWord] : undefined;
  }

  /** Sets the lengths of the content of `addresses[i]` and `data[i]`, ready to be sent. */
  toSend(i: number, addressLength: number, bytes: number): void {
    this.headers[(i * headerBytes) / 4 + nameLengthWord] = addressLength;
    this.vectors[(i * vectorBytes) / 4 + 2] = bytes;
  }

  lengthToSend(i: number): number {
    return this.vectors[(i * vectorBytes) / 4 + 2]!;
  }

  /** Pointer to header `i`. */
  from(i: number): bigint {
    return this.pointer + BigInt(i * headerBytes);
  }

  /** After this call no buffer of these datagrams may be read or written. */
  free(): void {
    this.memory.free();
  }
}
