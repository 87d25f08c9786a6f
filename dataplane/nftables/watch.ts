// Notices transactions of others that touch a table of ours, without asking anybody: the kernel announces every transaction, and we
// know how many were our own. Numbers are those of linux/netfilter/nf_tables.h and nfnetlink.h.
import { NfnetlinkMonitor } from '../link/nfnetlink-monitor';
import type { Netns } from '../netns/netns';
import type { NftFamily, TableName } from './nft';

const NFNLGRP_NFTABLES = 7;
const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG_NEWGEN = 15;
/** The first attribute of every message about something in a table is the table's name. */
const NFTA_TABLE = 1;
const attributeHeader = 4;
const nfgenmsgLength = 4;

const familyNumbers: Readonly<Record<NftFamily, number>> = { inet: 1, ip: 2, bridge: 7, ip6: 10 };

export class TableWatch {
  private readonly monitor: NfnetlinkMonitor;
  private readonly family: number;
  private readonly name: Buffer;
  /** Generations (their low 16 bits) in which something in the table changed. */
  private readonly touched = new Set<number>();
  private own = 0;
  private lost = false;

  /** @throws AppError when the namespace is gone or may not be listened to */
  constructor(netns: Netns, { family, name }: TableName) {
    this.family = familyNumbers[family];
    this.name = Buffer.from(`${name}\0`);
    this.monitor = new NfnetlinkMonitor(netns, NFNLGRP_NFTABLES, {
      onMessage: (type, data) => this.hear(type, data),
      onOverrun: () => {
        this.lost = true;
      },
    });
  }

  /** A transaction of ours has changed something in the table. */
  wrote(): void {
    this.own++;
  }

  /** Whether somebody else changed something since the last forget(), or may have: a late message about a change of ours is no reason. */
  get suspicious(): boolean {
    return this.lost || this.touched.size > this.own;
  }

  /** Before the table is read: what changes from here on counts again. */
  forget(): void {
    this.touched.clear();
    this.own = 0;
    this.lost = false;
  }

  close(): void {
    this.monitor.close();
  }

  private hear(type: number, data: Buffer): void {
    if (type >> 8 !== NFNL_SUBSYS_NFTABLES || (type & 255) === NFT_MSG_NEWGEN) return;
    // struct nfgenmsg: family, version, and the generation in network order.
    if (data.length < nfgenmsgLength + attributeHeader || data[0] !== this.family) return;
    const generation = data.readUInt16BE(2);
    if (this.touched.has(generation)) return;
    const length = data.readUInt16LE(nfgenmsgLength);
    const attribute = data.readUInt16LE(nfgenmsgLength + 2);
    const value = data.subarray(nfgenmsgLength + attributeHeader, nfgenmsgLength + length);
    if (attribute === NFTA_TABLE && value.equals(this.name)) this.touched.add(generation);
  }
}
