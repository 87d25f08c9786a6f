// Settings of connection tracking that a node with many connections needs, by kube-proxy's rules: raised to the requested value,
// and never lowered, because an administrator may have raised them for a reason.
import { describeError } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import { ensureSysctls, readSysctl } from '../link/sysctl';
import type { Netns } from '../netns/netns';

/** Zero leaves a setting unchanged. */
export interface DesiredConntrack {
  /** Entries of the table per core, and the minimum for the machine. */
  readonly maxPerCore: number;
  readonly min: number;
  readonly establishedSeconds: number;
  readonly closeWaitSeconds: number;
  readonly udpSeconds: number;
  readonly udpStreamSeconds: number;
  /** Packets outside the TCP window count as part of their connection: for networks with asymmetric routes. */
  readonly beLiberal: boolean;
}

export interface Setting {
  readonly name: string;
  readonly atLeast: number;
}

export function planSettings(desired: DesiredConntrack, cores: number): Setting[] {
  const max = desired.maxPerCore === 0 ? 0 : Math.max(desired.min, desired.maxPerCore * cores);
  const settings: Setting[] = [
    { name: 'nf_conntrack_max', atLeast: max },
    { name: 'nf_conntrack_tcp_timeout_established', atLeast: desired.establishedSeconds },
    { name: 'nf_conntrack_tcp_timeout_close_wait', atLeast: desired.closeWaitSeconds },
    { name: 'nf_conntrack_udp_timeout', atLeast: desired.udpSeconds },
    { name: 'nf_conntrack_udp_timeout_stream', atLeast: desired.udpStreamSeconds },
    { name: 'nf_conntrack_tcp_be_liberal', atLeast: desired.beLiberal ? 1 : 0 },
  ];
  return settings
    .filter(({ atLeast }) => atLeast > 0)
    .map(({ name, atLeast }) => ({ name: `net.netfilter.${name}`, atLeast }));
}

/**
 * Raises settings that are too low and returns their names. A setting that cannot be changed is logged and left: in a namespace
 * that shares its kernel the table's size belongs to the host.
 */
export function raiseSettings(netns: Netns, settings: readonly Setting[], log: Logger): string[] {
  return settings.filter((setting) => raise(netns, setting, log)).map(({ name }) => name);
}

function raise(netns: Netns, { name, atLeast }: Setting, log: Logger): boolean {
  const now = readSysctl(netns, name);
  if (now === undefined || Number(now) >= atLeast) return false;
  try {
    return ensureSysctls(netns, { [name]: String(atLeast) }).length > 0;
  } catch (err) {
    log.info('conntrack setting cannot be raised, left unchanged', {
      name,
      value: now,
      desired: atLeast,
      error: describeError(err),
    });
    return false;
  }
}
