// Answers ARP and neighbour discovery for addresses that no interface has, and carries beacons: the shell around frames.ts and
// nd-frames.ts. The kernel does not know the addresses, so it delivers only packets that the rules of Services translate. The
// answers end with the process.
import { describeError } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import { MulticastGroups } from '../netns/multicast';
import type { Netns } from '../netns/netns';
import { openPacketSocket, type PacketSocket, type PacketSocketOptions } from '../netns/packet-socket';
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
import {
  ipv6EtherType,
  neighbourAnswer,
  neighbourFilter,
  parseNeighbourMessage,
  solicitedNodeGroup,
  unsolicitedAdvertisement,
} from './nd-frames';

export interface ResponderOptions {
  readonly netns: Netns;
  readonly log: Logger;
  readonly onBeacon: (beacon: Beacon, mac: string) => void;
  /** Another machine answers for an address that this node answers for. */
  readonly onOther: (address: string, mac: string) => void;
}

interface OpenLink extends AnnounceLink {
  readonly arp: PacketSocket;
  readonly beacons: PacketSocket;
  readonly neighbours: PacketSocket;
  /** The solicited-node groups of our addresses; undefined on a link without IPv6. */
  readonly groups: MulticastGroups | undefined;
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
   * Uses this link from now on. True when the link is new, or was down before. A failure is logged once, and the next call
   * tries again.
   */
  use(link: AnnounceLink | undefined): boolean {
    if (this.open && link && this.open.name === link.name && this.open.mac === link.mac) {
      this.open = { ...this.open, cidrs: link.cidrs };
      return false;
    }
    this.close();
    if (!link) return false;
    const { netns, log, onBeacon } = this.options;
    const sockets: PacketSocket[] = [];
    const onError = (err: Error) => {
      log.info('link lost', { link: link.name, error: describeError(err) });
      this.close();
    };
    const listen = (
      protocol: number,
      onFrame: (frame: Buffer) => void,
      more: Pick<PacketSocketOptions, 'filter'> = {},
    ) => {
      const socket = openPacketSocket(netns, { link: link.name, protocol, onFrame, onError, ...more });
      sockets.push(socket);
      return socket;
    };
    const onBeaconFrame = (frame: Buffer) => {
      const beacon = parseBeacon(frame);
      if (beacon) onBeacon(beacon, senderOf(frame));
    };
    try {
      this.open = {
        ...link,
        arp: listen(etherTypes.arp, (frame) => this.onArp(frame)),
        beacons: listen(etherTypes.beacon, onBeaconFrame),
        neighbours: listen(ipv6EtherType, (frame) => this.onNeighbour(frame), { filter: neighbourFilter }),
        groups: this.openGroups(link.name),
      };
      this.problem = '';
      this.joinGroups();
      return true;
    } catch (err) {
      for (const socket of sockets) socket.close();
      const problem = describeError(err);
      if (problem !== this.problem)
        log.warn('this node announces no load balancer addresses, trying again', { link: link.name, error: problem });
      this.problem = problem;
      return false;
    }
  }

  private openGroups(link: string): MulticastGroups | undefined {
    try {
      return new MulticastGroups(this.options.netns, link);
    } catch (err) {
      this.options.log.debug('no IPv6 on this link', { link, error: describeError(err) });
      return undefined;
    }
  }

  /** Address → link address to answer with, from now on. */
  answer(addresses: ReadonlyMap<string, string>): void {
    this.addresses = addresses;
    this.joinGroups();
  }

  private joinGroups(): void {
    const ipv6 = [...this.addresses.keys()].filter((address) => address.includes(':'));
    try {
      this.open?.groups?.set(new Set(ipv6.map(solicitedNodeGroup)));
    } catch (err) {
      // On a link without multicast filters, solicitations arrive even so.
      this.options.log.warn('solicitations may not reach this node', { error: describeError(err) });
    }
  }

  /** Announces an address to the link: machines that know another link address for it update their tables at once. */
  announce(address: string): void {
    const { open } = this;
    if (!open) return;
    if (address.includes(':')) this.send(open.neighbours, unsolicitedAdvertisement(address, open.mac));
    else for (const frame of gratuitousArp(address, open.mac)) this.send(open.arp, frame);
  }

  beacon(beacon: Beacon): void {
    const { open } = this;
    if (open) this.send(open.beacons, renderBeacon(beacon, open.mac));
  }

  close(): void {
    const { open } = this;
    this.open = undefined;
    open?.arp.close();
    open?.beacons.close();
    open?.neighbours.close();
    open?.groups?.close();
  }

  private onArp(frame: Buffer): void {
    const arp = parseArp(frame);
    if (!this.open || !arp) return;
    if (this.addresses.has(arp.senderIp)) this.options.onOther(arp.senderIp, arp.senderMac);
    else if (arp.operation === 'request') {
      const mac = this.addresses.get(arp.targetIp);
      // The node whose link address is in the answer must not learn that another machine has the address.
      if (mac !== undefined && mac !== arp.senderMac) this.send(this.open.arp, arpReply(arp, mac, this.open.mac));
    }
  }

  private onNeighbour(frame: Buffer): void {
    const { open } = this;
    const message = parseNeighbourMessage(frame);
    if (!open || !message) return;
    const mac = this.addresses.get(message.targetIp);
    if (mac === undefined) return;
    if (message.kind === 'advertisement' || message.senderIp === '::') {
      this.options.onOther(message.targetIp, message.senderMac);
    }
    if (message.kind === 'solicitation' && mac !== message.senderMac) {
      this.send(open.neighbours, neighbourAnswer(message, mac, open.mac));
    }
  }

  /** A frame that could not be sent needs no retry: the client asks again, and the next beacon follows in a moment. */
  private send(socket: PacketSocket, frame: Buffer): void {
    try {
      socket.send(frame);
    } catch (err) {
      this.options.log.debug('frame not sent', { error: describeError(err) });
    }
  }
}
