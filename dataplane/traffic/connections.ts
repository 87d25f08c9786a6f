// The table of connections of a namespace by ctnetlink, and whether the kernel counts their packets.
import { AppError, describeError } from '../../controlplane/base/errors';
import { streamDump } from '../link/stream-dump';
import { ensureSysctls, readSysctl } from '../link/sysctl';
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

const accounting = 'net.netfilter.nf_conntrack_acct';

/** Lets the kernel count the packets of connections that begin from now on; restore() undoes that. */
export class Accounting {
  private before: string | undefined;

  constructor(private readonly netns: Netns) {}

  /** Repeatable: another collector that ended may have switched it off. `problem`: it failed. */
  ensure(): { readonly on: boolean; readonly problem?: string } {
    try {
      const now = readSysctl(this.netns, accounting);
      if (now === undefined) return { on: false };
      if (now === '0') ensureSysctls(this.netns, { [accounting]: '1' });
      this.before ??= now;
      return { on: true };
    } catch (error) {
      const cause = error instanceof AppError && error.cause !== undefined ? `: ${describeError(error.cause)}` : '';
      return { on: false, problem: `packets of connections are not counted: ${describeError(error)}${cause}` };
    }
  }

  /** Repeatable. */
  restore(): void {
    if (this.before === '0') ensureSysctls(this.netns, { [accounting]: '0' });
    this.before = undefined;
  }
}
