// Packets of all links of a namespace, kept by the kernel in memory that this process reads when it wants to: a packet socket with
// a ring (packet(7), Documentation/networking/packet_mmap.rst). No packet wakes the process.
import { close, closeSync } from 'node:fs';
import { AppError, Unavailable } from '../../controlplane/base/errors';
import {
  AF_PACKET,
  ETH_P_ALL,
  MAP_SHARED,
  PACKET_OUTGOING,
  PACKET_RX_RING,
  PACKET_STATISTICS,
  PACKET_VERSION,
  PROT_READ,
  PROT_WRITE,
  SIOCGIFNAME,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_PACKET,
  TPACKET_V2,
} from '../libc/constants';
import { addressOf, errnoName, libc, viewOf } from '../libc/libc';
import type { Netns } from '../netns/netns';
import { attachFilter, type SocketFilter } from '../netns/socket-filter';

/** Room for the kernel's header and 432 bytes of the packet: a tunnelled ICMPv6 error with its quote has at most 200. */
const frameBytes = 512;
/** A multiple of the page size of every machine. */
const blockBytes = 65_536;
const framesPerBlock = blockBytes / frameBytes;

/** struct tpacket2_hdr: status(4) len(4) snaplen(4) mac(2) net(2) sec(4) nsec(4) ...; struct sockaddr_ll follows at 32. */
const at = { status: 0, length: 4, kept: 8, packet: 14, seconds: 16, nanoseconds: 20, index: 36, type: 42 } as const;
const statusUser = 1;

export interface RingPacket {
  /** The index of the link. */
  readonly index: number;
  readonly direction: 'in' | 'out';
  /** Microseconds of CLOCK_REALTIME. */
  readonly atUs: number;
  /** From the IP header on, at most 432 bytes; valid only during the call. */
  readonly bytes: Buffer;
}

export class PacketRing {
  private readonly frames: number;
  private readonly view: Buffer;
  private readonly statuses: Uint32Array<ArrayBuffer>;
  private next = 0;
  private dropped = 0;
  private open = true;

  private constructor(
    private readonly fd: number,
    private readonly memory: bigint,
    private readonly bytes: number,
  ) {
    const view = viewOf(memory, bytes);
    this.frames = bytes / frameBytes;
    this.view = Buffer.from(view);
    this.statuses = new Uint32Array(view);
  }

  /**
   * From the return on, each packet that the filter selects is kept, until the ring is full. Has at least `packets` places, of
   * 512 bytes each. @throws NotFound when the namespace is gone, Forbidden without CAP_NET_RAW, Unavailable
   */
  static open(netns: Netns, filter: SocketFilter, packets: number): PacketRing {
    const { socket } = libc();
    // SOCK_DGRAM: the packet begins with its IP header on links of every kind. Protocol 0: nothing is received until bind().
    const { fd, errno } = netns.enter(() => {
      const fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      return { fd, errno: fd < 0 ? errnoName() : '' };
    });
    if (errno === 'EPERM') throw new AppError('Forbidden', 'watching packets needs CAP_NET_RAW');
    if (fd < 0) throw new Unavailable(`packet socket: ${errno}`);
    const blocks = Math.ceil(packets / framesPerBlock);
    const bytes = blocks * blockBytes;
    let memory = -1n;
    try {
      check('filter', attachFilter(fd, filter));
      check('version of the ring', libc().setsockopt(fd, SOL_PACKET, PACKET_VERSION, words(TPACKET_V2), 4));
      const request = words(blockBytes, blocks, frameBytes, blocks * framesPerBlock);
      check('ring', libc().setsockopt(fd, SOL_PACKET, PACKET_RX_RING, request, request.length));
      memory = BigInt(libc().mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
      check('memory of the ring', Number(memory));
      // struct sockaddr_ll with index 0: all links, also those that are made later.
      const address = Buffer.alloc(20);
      address.writeUInt16LE(AF_PACKET, 0);
      address.writeUInt16BE(ETH_P_ALL, 2);
      check('packet socket', libc().bind(fd, address, address.length));
      return new PacketRing(fd, memory, bytes);
    } catch (err) {
      if (memory >= 0n) libc().munmap(memory, bytes);
      closeSync(fd);
      throw err;
    }
  }

  /** Calls `onPacket` for each packet since the last call, in the order of the kernel, and frees its place. */
  drain(onPacket: (packet: RingPacket) => void): void {
    if (!this.open) return;
    // A busy kernel could fill places as fast as they become free: one turn of the ring is enough.
    for (let i = 0; i < this.frames; i++) {
      const start = this.next * frameBytes;
      // Atomics keep the order: the kernel writes the status last, and may write the place again after we have.
      if ((Atomics.load(this.statuses, start / 4) & statusUser) === 0) return;
      const frame = this.view.subarray(start, start + frameBytes);
      const from = frame.readUInt16LE(at.packet);
      onPacket({
        index: frame.readInt32LE(at.index),
        direction: frame[at.type] === PACKET_OUTGOING ? 'out' : 'in',
        atUs: frame.readUInt32LE(at.seconds) * 1e6 + Math.floor(frame.readUInt32LE(at.nanoseconds) / 1e3),
        bytes: frame.subarray(from, from + frame.readUInt32LE(at.kept)),
      });
      Atomics.store(this.statuses, start / 4, 0);
      this.next = (this.next + 1) % this.frames;
    }
  }

  /** Packets that the filter selected and that found no free place, since open(). */
  lost(): number {
    if (!this.open) return this.dropped;
    const statistics = Buffer.alloc(8);
    // The kernel counts from 0 again after each call: all packets(4), lost ones(4).
    if (libc().getsockopt(this.fd, SOL_PACKET, PACKET_STATISTICS, statistics, words(8)) === 0) {
      this.dropped += statistics.readUInt32LE(4);
    }
    return this.dropped;
  }

  /** `#7` when the link is gone. Works while the ring is open. */
  linkName(index: number): string {
    // struct ifreq: name(16), index(4), padding.
    const request = Buffer.alloc(40);
    request.writeInt32LE(index, 16);
    if (libc().ioctl(this.fd, SIOCGIFNAME, addressOf(request)) < 0) return `#${index}`;
    return request.toString('utf8', 0, request.indexOf(0));
  }

  /** Repeatable. The memory is gone afterwards, so nothing here touches it again. The descriptor closes a moment later. */
  close(): void {
    if (!this.open) return;
    this.lost();
    this.open = false;
    libc().munmap(this.memory, this.bytes);
    // Until no processor uses the socket any more, close(2) of a packet socket waits: 24 ms here. So a thread of the pool waits.
    close(this.fd, () => {});
  }
}

function check(what: string, result: number): void {
  if (result < 0) throw new Unavailable(`${what}: ${errnoName()}`);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, 4 * i);
  return bytes;
}
