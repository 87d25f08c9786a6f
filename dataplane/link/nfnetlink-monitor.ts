// Hears what a netfilter multicast group of a namespace says (nfnetlink). What the messages mean is the caller's.
import { createNetlink, type NetlinkSocket, Protocol } from 'netlink';
import type { Netns } from '../netns/netns';

/** A first load of 10,000 Services is some 60,000 messages; what does not fit is told as an overrun. */
const receiveBufferBytes = 4 * 1024 * 1024;

export interface NfnetlinkListener {
  /** `type`: subsystem and message; `data`: nfgenmsg and attributes. */
  readonly onMessage: (type: number, data: Buffer) => void;
  /** Messages were lost: look at everything again. */
  readonly onOverrun: () => void;
}

export class NfnetlinkMonitor {
  private readonly socket: NetlinkSocket;

  /** Opens the socket inside `netns`; messages from now on are told. It does not keep the process alive. */
  constructor(netns: Netns, group: number, { onMessage, onOverrun }: NfnetlinkListener) {
    this.socket = netns.enter(() => createNetlink(Protocol.NETFILTER));
    // ENOBUFS: the buffer overflowed. The socket stays usable.
    this.socket.on('error', onOverrun);
    this.socket.on('invalid', onOverrun);
    this.socket.on('truncatedMessage', onOverrun);
    this.socket.on('message', (messages) => {
      for (const { type, data } of messages) onMessage(type, data);
    });
    this.socket.setRecvBufferSize(receiveBufferBytes);
    this.socket.addMembership(group);
  }

  close(): void {
    this.socket.close();
  }
}
