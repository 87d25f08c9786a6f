// Settings of the kernel that decide about packets: /proc/sys/net of the namespace in which this process is.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The kernel's table of connections of a network namespace. */
export interface ConnectionTable {
  readonly used: number;
  /** A limit of the machine, for each namespace. */
  readonly max: number;
}

export interface NetSettings {
  /** False: the node forwards nothing of this family. */
  readonly forwarding: Readonly<Record<4 | 6, boolean>>;
  /** Absent: connection tracking is not loaded. */
  readonly connections?: ConnectionTable;
  /** True: rules of iptables also see what a bridge passes from port to port (br_netfilter). */
  readonly bridgeCallsIptables: Readonly<Record<4 | 6, boolean>>;
}

export async function readSettings(root = '/proc/sys/net'): Promise<NetSettings> {
  const [connections, forward4, forward6, bridge4, bridge6] = await Promise.all([
    connectionTable(root),
    ...[
      'ipv4/ip_forward',
      'ipv6/conf/all/forwarding',
      'bridge/bridge-nf-call-iptables',
      'bridge/bridge-nf-call-ip6tables',
    ].map((path) => numberIn(join(root, path))),
  ]);
  return {
    forwarding: { 4: forward4 !== 0, 6: forward6 !== 0 },
    bridgeCallsIptables: { 4: bridge4 === 1, 6: bridge6 === 1 },
    ...(connections ? { connections } : {}),
  };
}

/** Undefined where connection tracking is not loaded. */
export async function connectionTable(root = '/proc/sys/net'): Promise<ConnectionTable | undefined> {
  const [used, max] = await Promise.all(
    ['netfilter/nf_conntrack_count', 'netfilter/nf_conntrack_max'].map((path) => numberIn(join(root, path))),
  );
  return used === undefined || max === undefined ? undefined : { used, max };
}

/** Whether the node forwards what comes in by this link: net.ipv4.ip_forward sets all links, but each has a setting of its own. */
export const forwardsFrom = async (link: string, root = '/proc/sys/net'): Promise<boolean> =>
  (await numberIn(join(root, 'ipv4/conf', link, 'forwarding'))) !== 0;

/** Of ARP requests that come in by this link: false for the setting by which the kernel answers none (ip-sysctl.rst, arp_ignore). */
export async function answersArp(link: string, root = '/proc/sys/net'): Promise<boolean> {
  const values = await Promise.all(['all', link].map((name) => numberIn(join(root, 'ipv4/conf', name, 'arp_ignore'))));
  return Math.max(...values.map((value = 0) => value)) < answersNone;
}
const answersNone = 8;

/** As sysctl(8) takes it: with slashes where the link's own name has a dot. */
export function sysctlName(family: 'ipv4' | 'ipv6', link: string, setting: string): string {
  const parts = ['net', family, 'conf', link, setting];
  return parts.join(link.includes('.') ? '/' : '.');
}

/** Undefined where the kernel has no such setting. */
async function numberIn(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number(text.trim());
}
