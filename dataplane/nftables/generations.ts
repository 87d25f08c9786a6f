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

/** One for everybody in this process who writes into the namespace. */
export class Generations {
  private readonly socket: RtSocket;
  private ours = 0;

  /** @throws AppError when the namespace is gone or may not be entered */
  constructor(netns: Netns) {
    this.socket = new RtSocket(netns, NETLINK_NETFILTER);
  }

  /** A transaction of this process has changed something. */
  wrote(): void {
    this.ours++;
  }

  /**
   * How many transactions others have made, counted from somewhere: equal answers mean that nobody else changed anything in between.
   * While a transaction of ours is under way the answer may be one too high. @throws Unavailable
   */
  async others(): Promise<number> {
    const [reply] = await this.socket.request('asking for the nftables generation', NFT_MSG_GETGEN, 0, [nfgenmsg]);
    const data = reply?.data;
    if (reply?.type !== NFT_MSG_NEWGEN || !data || data.length < nfgenmsg.length + attributeHeader + 4) {
      throw new Unavailable('the kernel did not say its nftables generation');
    }
    if (data.readUInt16LE(nfgenmsg.length + 2) !== NFTA_GEN_ID) {
      throw new Unavailable('the nftables generation is not where it was expected');
    }
    // Both wrap around at 32 bits.
    return (data.readUInt32BE(nfgenmsg.length + attributeHeader) - this.ours) >>> 0;
  }

  close(): void {
    this.socket.close();
  }
}
