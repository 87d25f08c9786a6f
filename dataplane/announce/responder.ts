// Answers ARP for addresses no interface has, and carries beacons: the shell around frames.ts. The kernel does not know the
// addresses, so that only what the rules of Services translate is ever delivered; and the answers end with the process.
import { describeError } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import type { Netns } from '../netns/netns';
import { openPacketSocket, type PacketSocket } from '../netns/packet-socket';
import {
  arpReply,
  type Beacon,
  etherTypes,
  gratuitousArp,
  parseArp,
  parseBeacon,
  renderBeacon,
  senderOf,
} from './frames';
import type { AnnounceLink } from './link';

export interface ResponderOptions {
  readonly netns: Netns;
  readonly log: Logger;
  readonly onBeacon: (beacon: Beacon, mac: string) => void;
  /** Somebody else speaks for an address that is answered for here. */
  readonly onOther: (address: string, mac: string) => void;
}

interface OpenLink extends AnnounceLink {
  readonly arp: PacketSocket;
  readonly beacons: PacketSocket;
}

export class Responder {
  private open: OpenLink | undefined;
  private addresses: ReadonlyMap<string, string> = new Map();
  private problem = '';

  constructor(private readonly options: ResponderOptions) {}

  /** The link in use; undefined while there is none. */
  get link(): AnnounceLink | undefined {
    return this.open;
  }

  /**
   * Works on this link from now on. True when it is a new one, or one that was away. Failures are logged once and tried again
   * with the next call.
   */
  use(link: AnnounceLink | undefined): boolean {
    if (this.open && link && this.open.name === link.name && this.open.mac === link.mac) {
      this.open = { ...this.open, cidr: link.cidr };
      return false;
    }
    this.close();
    if (!link) return false;
    const { netns, log, onBeacon } = this.options;
    let arp: PacketSocket | undefined;
    const onError = (err: Error) => {
      log.info('link lost', { link: link.name, error: describeError(err) });
      this.close();
    };
    try {
      const onArp = (frame: Buffer) => this.onArp(frame);
      arp = openPacketSocket(netns, { link: link.name, protocol: etherTypes.arp, onFrame: onArp, onError });
      const onFrame = (frame: Buffer) => {
        const beacon = parseBeacon(frame);
        if (beacon) onBeacon(beacon, senderOf(frame));
      };
      const beacons = openPacketSocket(netns, { link: link.name, protocol: etherTypes.beacon, onFrame, onError });
      this.open = { ...link, arp, beacons };
      this.problem = '';
      return true;
    } catch (err) {
      arp?.close();
      const problem = describeError(err);
      if (problem !== this.problem)
        log.warn('no load balancer addresses on this node', { link: link.name, error: problem });
      this.problem = problem;
      return false;
    }
  }

  /** Address → link address to answer with, from now on. */
  answer(addresses: ReadonlyMap<string, string>): void {
    this.addresses = addresses;
  }

  /** Tells the link that an address is here: tables of neighbours that point elsewhere change at once. */
  announce(address: string): void {
    const { open } = this;
    if (open) for (const frame of gratuitousArp(address, open.mac)) this.send(open.arp, frame);
  }

  beacon(beacon: Beacon): void {
    const { open } = this;
    if (open) this.send(open.beacons, renderBeacon(beacon, open.mac));
  }

  close(): void {
    this.open?.arp.close();
    this.open?.beacons.close();
    this.open = undefined;
  }

  private onArp(frame: Buffer): void {
    const arp = parseArp(frame);
    if (!this.open || !arp) return;
    if (this.addresses.has(arp.senderIp)) this.options.onOther(arp.senderIp, arp.senderMac);
    else if (arp.operation === 'request') {
      const mac = this.addresses.get(arp.targetIp);
      // The node in whose name it is answered must not learn that the address is somewhere.
      if (mac !== undefined && mac !== arp.senderMac) this.send(this.open.arp, arpReply(arp, mac, this.open.mac));
    }
  }

  /** Whoever asked asks again, and a beacon follows in a moment: a frame that was not sent is not missed. */
  private send(socket: PacketSocket, frame: Buffer): void {
    try {
      socket.send(frame);
    } catch (err) {
      this.options.log.debug('frame not sent', { error: describeError(err) });
    }
  }
}
