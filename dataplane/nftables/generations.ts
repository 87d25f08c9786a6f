// Whether another program changed nftables in this namespace, by one cheap request: the kernel counts transactions, and we count
// ours. The numbers are from linux/netfilter/nf_tables.h and nfnetlink.h.
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

/** One object for all code of this process that writes into the namespace. */
export class Generations {
  private readonly socket: RtSocket;
  private ours = 0;
  private readonly underWay = new Set<Promise<unknown>>();
  /** The number of our transactions that have begun. */
  private begun = 0;

  /** @throws AppError when the namespace does not exist any more or may not be entered */
  constructor(netns: Netns) {
    this.socket = new RtSocket(netns, NETLINK_NETFILTER);
  }

  /** Runs `write`, which commits `transactions` transactions that change something, or throws. */
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
   * The number of transactions by other programs, from an arbitrary origin: equal answers mean that no other program changed
   * anything in between. Undefined when our own transactions follow each other so fast that they cannot be subtracted from the
   * kernel's count. @throws Unavailable
   */
  async others(): Promise<number | undefined> {
    for (let tries = 0; tries < maxTries; tries++) {
      await Promise.allSettled(this.underWay);
      const { begun, ours } = this;
      const counted = await this.ask();
      // Both counters wrap around at 32 bits.
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
