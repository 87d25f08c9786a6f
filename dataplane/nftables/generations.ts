// Whether somebody else changed nftables in this namespace, for the price of one question: the kernel counts transactions, and we
// count ours. Numbers are those of linux/netfilter/nf_tables.h and nfnetlink.h.
import { Unavailable } from '../../controlplane/base/errors';
import { RtSocket } from '../link/rt-socket';
import type { Netns } from '../netns/netns';

const NETLINK_NETFILTER = 12;
const NFNL_SUBSYS_NFTABLES = 10 << 8;
const NFT_MSG_NEWGEN = NFNL_SUBSYS_NFTABLES | 15;
const NFT_MSG_GETGEN = NFNL_SUBSYS_NFTABLES | 16;
/** struct nfgenmsg: no family, version 0, no resource. */
const nfgenmsg = new Uint8Array(4);
const attributeHeader = 4;
const NFTA_GEN_ID = 1;
const maxTries = 3;

/** One for everybody in this process who writes into the namespace. */
export class Generations {
  private readonly socket: RtSocket;
  private ours = 0;
  private readonly underWay = new Set<Promise<unknown>>();
  /** Transactions of ours that were begun. */
  private begun = 0;

  /** @throws AppError when the namespace is gone or may not be entered */
  constructor(netns: Netns) {
    this.socket = new RtSocket(netns, NETLINK_NETFILTER);
  }

  /** Runs `write`, which makes `transactions` that change something, or throws. */
  async writing<T>(transactions: number, write: () => Promise<T>): Promise<T> {
    this.begun++;
    const writing = write();
    this.underWay.add(writing);
    try {
      const result = await writing;
      this.ours += transactions;
      return result;
    } finally {
      this.underWay.delete(writing);
    }
  }

  /**
   * How many transactions others have made, counted from somewhere: equal answers mean that no other program changed anything in between.
   * Undefined when transactions of ours come so thick that the kernel's count cannot be put beside ours. @throws Unavailable
   */
  async others(): Promise<number | undefined> {
    for (let tries = 0; tries < maxTries; tries++) {
      await Promise.allSettled(this.underWay);
      const { begun, ours } = this;
      const counted = await this.ask();
      // Both wrap around at 32 bits.
      if (this.begun === begun && this.underWay.size === 0) return (counted - ours) >>> 0;
    }
    return undefined;
  }

  private async ask(): Promise<number> {
    const [reply] = await this.socket.request('asking for the nftables generation', NFT_MSG_GETGEN, 0, [nfgenmsg]);
    const data = reply?.data;
    if (reply?.type !== NFT_MSG_NEWGEN || !data || data.length < nfgenmsg.length + attributeHeader + 4) {
      throw new Unavailable('the kernel did not say its nftables generation');
    }
    if (data.readUInt16LE(nfgenmsg.length + 2) !== NFTA_GEN_ID) {
      throw new Unavailable('the nftables generation is not where it was expected');
    }
    return data.readUInt32BE(nfgenmsg.length + attributeHeader);
  }

  close(): void {
    this.socket.close();
  }
}
