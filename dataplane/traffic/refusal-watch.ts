// Watches who is refused while somebody looks: puts its table into the kernel, next to that of the policies if there is one, reads its sets,
// and takes it away again.
import { isNotFound } from '../../controlplane/base/errors';
import type { RefusedFlow, StoppedTraffic } from '../../controlplane/base/traffic';
import type { Exec } from '../exec/exec';
import { streamDump } from '../link/stream-dump';
import { parseAttrs, readText, text } from '../link/wire-attrs';
import type { Netns } from '../netns/netns';
import { NftProgram } from '../nftables/nft';
import { tableName, watchTableName } from '../policy/names';
import { ClosedFlows } from './closed';
import { maxRefused, RefusedFlows } from './refused';
import { readElements } from './watch-elements';
import {
  closedSet,
  families,
  kinds,
  maxArrived,
  removal,
  setName,
  sizeOf,
  stages,
  stagesWithoutPolicies,
  watchText,
} from './watch-table';

const NETLINK_NETFILTER = 12;
const NFNL_SUBSYS_NFTABLES = 10 << 8;
const NFT_MSG_GETTABLE = NFNL_SUBSYS_NFTABLES | 1;
const NFT_MSG_GETSETELEM = NFNL_SUBSYS_NFTABLES | 13;
const NFTA_TABLE_NAME = 1;
const NFTA_SET_ELEM_LIST = { TABLE: 1, SET: 2 };
/** struct nfgenmsg: NFPROTO_INET. */
const inet = Buffer.from([1, 0, 0, 0]);
/** Elements that have ended are not listed, and keep their places for a moment. */
const fullShare = 0.9;

export interface RefusalReading {
  readonly problem?: string;
}

export class RefusalWatch {
  private readonly flows = new RefusedFlows();
  private readonly closed = new ClosedFlows();
  private readonly nft: NftProgram;
  private made: 'no' | 'alone' | 'withPolicies' = 'no';

  constructor(
    private readonly netns: Netns,
    exec: Exec,
  ) {
    this.nft = new NftProgram(exec);
  }

  /** @throws Unavailable, Unsupported, Forbidden */
  async read(nowMs: number): Promise<RefusalReading> {
    const tables = await inetTables(this.netns);
    const hasPolicies = tables.has(tableName);
    const wanted = hasPolicies ? 'withPolicies' : 'alone';
    // Another collector that ended may have taken it away; policies come and go.
    if (this.made !== wanted || !tables.has(watchTableName)) {
      await this.nft.run(watchText(hasPolicies));
      this.made = wanted;
      this.flows.restart();
      this.closed.restart();
    }
    try {
      await this.countClosed(nowMs);
      return await this.count(hasPolicies, nowMs);
    } catch (error) {
      // It went meanwhile.
      if (isNotFound(error)) return {};
      throw error;
    }
  }

  /** Takes the table away. Repeatable. @throws what nft says */
  async close(): Promise<void> {
    if (this.made === 'no') return;
    this.made = 'no';
    await removeWatch(this.netns, this.nft);
  }

  /** Those that rules refuse, and those that receivers do; see RefusedFlows for `stopped`. */
  report(stopped: readonly StoppedTraffic[]): readonly RefusedFlow[] {
    return [...this.flows.report(stopped), ...this.closed.report()]
      .sort((a, b) => b.packets - a.packets)
      .slice(0, maxRefused);
  }

  private async countClosed(nowMs: number): Promise<void> {
    const all = new Map<string, number>();
    for (const family of families) {
      for (const [key, packets] of await readSet(this.netns, closedSet(family))) all.set(key, packets);
    }
    this.closed.add(all, nowMs);
  }

  private async count(hasPolicies: boolean, nowMs: number): Promise<RefusalReading> {
    const counts: Map<string, number>[] = [];
    let isFull = false;
    let isLarge = false;
    // In the order in which a packet meets them: see refused.ts.
    for (const stage of hasPolicies ? stages : stagesWithoutPolicies) {
      const all = new Map<string, number>();
      counts.push(all);
      for (const kind of kinds) {
        for (const family of families) {
          const elements = await readSet(this.netns, setName(stage, kind, family));
          if (elements.size >= fullShare * sizeOf(stage)) {
            isLarge = true;
            if (stage !== stages[0]) isFull = true;
          }
          for (const [key, packets] of elements) all.set(key, packets);
        }
      }
    }
    // Without policies what is seen goes on to the end.
    while (counts.length < stages.length) counts.push(counts.at(-1)!);
    this.flows.add(counts, isFull, nowMs);
    return isLarge
      ? {
          problem: `more than ${maxArrived} pairs of ends are in use: not all that rules refuse is listed by its sender`,
        }
      : {};
  }
}

/** Of a collector that was killed, or none. @throws what nft says */
export async function removeWatch(netns: Netns, nft: Pick<NftProgram, 'run'>): Promise<void> {
  if ((await inetTables(netns)).has(watchTableName)) await nft.run(removal());
}

async function inetTables(netns: Netns): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  const request = {
    what: 'list tables of nftables',
    protocol: NETLINK_NETFILTER,
    type: NFT_MSG_GETTABLE,
    payload: [inet],
  };
  await streamDump(netns, request, (bytes, from, to) => {
    names.add(readText(parseAttrs(bytes.subarray(from + inet.length, to)).get(NFTA_TABLE_NAME)));
  });
  return names;
}

async function readSet(netns: Netns, name: string): Promise<ReadonlyMap<string, number>> {
  const elements = new Map<string, number>();
  const request = {
    what: `read who is refused (${name})`,
    protocol: NETLINK_NETFILTER,
    type: NFT_MSG_GETSETELEM,
    payload: [inet, attribute(NFTA_SET_ELEM_LIST.TABLE, watchTableName), attribute(NFTA_SET_ELEM_LIST.SET, name)],
  };
  await streamDump(netns, request, (bytes, from, to) => {
    readElements(bytes.subarray(from, to), (key, packets) => elements.set(key, packets));
  });
  return elements;
}

/** With its padding. */
function attribute(type: number, value: string): Buffer {
  const data = text(value);
  const out = Buffer.alloc((4 + data.length + 3) & ~3);
  out.writeUInt16LE(4 + data.length, 0);
  out.writeUInt16LE(type, 2);
  data.copy(out, 4);
  return out;
}
