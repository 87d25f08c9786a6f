// Sees the packets of a probe, or of any other traffic, at all links of a namespace.
import { BadRequest } from '../../controlplane/base/errors';
import type { Netns } from '../netns/netns';
import { renderFilter } from './filter-program';
import { PacketRing, type RingPacket } from './packet-ring';
import { checkFilter, createMatcher, type Matcher, readMatching, type Sighting, type SightingFilter } from './sighting';

export const defaultMaxPackets = 2_000;
/** 512 bytes of kernel memory each. */
export const maxMaxPackets = 20_000;

export interface WatchOptions {
  readonly filter: SightingFilter;
  /** 1 to 20,000; default 2,000. The first packets are kept, and the others only counted. */
  readonly maxPackets?: number;
}

export interface PacketWatch {
  /** Sightings so far. Each call makes room in the kernel for more. */
  count(): number;
  /**
   * Packets that are missing in the sightings: matching ones after `maxPackets`, and those for which the kernel had no room, some
   * of which might not have matched.
   */
  lost(): number;
  /** Ends the watch and frees its memory. In the order of time. Repeatable: the same sightings. */
  stop(): readonly Sighting[];
}

/**
 * Sees each matching packet that is sent or received after the return, on each link, also on links that are made later. No packet
 * wakes the process, and the watch does not keep it alive. The caller must stop it.
 * @throws BadRequest for a wrong filter, NotFound when the namespace is gone, Forbidden without CAP_NET_RAW, Unavailable
 */
export function watchPackets(netns: Netns, { filter, maxPackets = defaultMaxPackets }: WatchOptions): PacketWatch {
  checkFilter(filter);
  if (!Number.isInteger(maxPackets) || maxPackets < 1 || maxPackets > maxMaxPackets) {
    throw new BadRequest(`maxPackets of a packet watch: expected 1 to ${maxMaxPackets}`);
  }
  return new RingWatch(PacketRing.open(netns, renderFilter(filter), maxPackets), filter, maxPackets);
}

class RingWatch implements PacketWatch {
  private readonly sightings: Sighting[] = [];
  private readonly matches: Matcher;
  private readonly names = new Map<number, string>();
  private notKept = 0;
  private stopped = false;

  constructor(
    private readonly ring: PacketRing,
    filter: SightingFilter,
    private readonly maxPackets: number,
  ) {
    this.matches = createMatcher(filter);
  }

  count(): number {
    this.read();
    return this.sightings.length;
  }

  lost(): number {
    this.read();
    return this.notKept + this.ring.lost();
  }

  stop(): readonly Sighting[] {
    if (this.stopped) return this.sightings;
    this.read();
    this.stopped = true;
    this.ring.close();
    // Two processors may have queued packets in another order than that of their times. The sort keeps equal times in order.
    return this.sightings.sort((a, b) => a.atUs - b.atUs);
  }

  private read(): void {
    if (!this.stopped) this.ring.drain((packet) => this.see(packet));
  }

  private see({ index, direction, atUs, bytes }: RingPacket): void {
    const packet = readMatching(bytes, this.matches);
    if (packet === undefined) return;
    if (this.sightings.length < this.maxPackets) {
      this.sightings.push({ link: this.linkName(index), direction, atUs, ...packet });
    } else this.notKept++;
  }

  private linkName(index: number): string {
    let name = this.names.get(index);
    if (name === undefined) {
      name = this.ring.linkName(index);
      this.names.set(index, name);
    }
    return name;
  }
}
