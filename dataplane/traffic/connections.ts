// The table of connections of a namespace, by ctnetlink.
import { streamDump } from '../link/stream-dump';
import { readSysctl } from '../link/sysctl';
import type { Netns } from '../netns/netns';
import { Entry } from './entry';
import type { Ledger } from './ledger';

const NETLINK_NETFILTER = 12;
const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_GET = 1;
/** struct nfgenmsg: family 0 is every family. */
const everyFamily = Buffer.alloc(4);

/** One reading of the whole table. @throws Forbidden, Unavailable */
export async function readConnections(netns: Netns, ledger: Ledger, nowMs: number): Promise<void> {
  const entry = new Entry();
  ledger.begin(nowMs);
  await streamDump(
    netns,
    {
      what: 'read the table of connections',
      protocol: NETLINK_NETFILTER,
      type: (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET,
      payload: [everyFamily],
    },
    (bytes, from, to) => {
      if (entry.read(bytes, from, to)) ledger.see(entry);
    },
  );
  ledger.finish();
}

/** Entries in use and the limit; zeros where connection tracking is not loaded. */
export function connectionCount(netns: Netns): { readonly count: number; readonly max: number } {
  const read = (name: string) => Number(readSysctl(netns, `net.netfilter.nf_conntrack_${name}`) ?? 0);
  return { count: read('count'), max: read('max') };
}
