// What a pod itself allows its packets: how far they go, and from how many ports. Reads only.
import { readFile } from 'node:fs/promises';
import { CommandFailed } from '../../controlplane/base/errors';
import type { Hop, HopFault, HopPacket } from '../../controlplane/base/hops';
import type { Exec } from '../exec/exec';
import { inPod, type LocalPod } from './pod-view';
import { addressOf } from './sockets';

/** A packet between pods passes two nodes, and each takes one. */
const leastTtl = 3;

/** Undefined: nothing is wrong. */
export async function limitsHop(packet: HopPacket, pod: LocalPod, exec: Exec): Promise<Hop | undefined> {
  const { ttl, ports } = await settings(inPod(exec, pod));
  const fault = shortLived(ttl, pod, packet) ?? (await portsUsedUp(ports, pod, packet));
  return fault && { kind: 'socket', name: `program of pod ${pod.key}`, state: 'stops', facts: [], fault };
}

const paths = ['ip_default_ttl', 'ip_local_port_range', 'ip_local_reserved_ports'].map(
  (name) => `/proc/sys/net/ipv4/${name}`,
);

/** These files are those of the namespace that the reader is in. */
async function settings(inside: Exec): Promise<{ readonly ttl: number; readonly ports: LocalPorts }> {
  const { stdout } = await inside.run(['cat', ...paths]).catch((error: unknown) => {
    if (error instanceof CommandFailed) return { stdout: '' };
    throw error;
  });
  const [ttl = '', range = '', reserved = ''] = stdout.split('\n');
  const [from = 0, to = 65_535] = (range.match(/\d+/g) ?? []).map(Number);
  return { ttl: Number(ttl || 64), ports: { from, to, reserved: reservedIn(reserved, from, to) } };
}

interface LocalPorts {
  readonly from: number;
  readonly to: number;
  /** How many ports of the range the kernel does not choose. */
  readonly reserved: number;
}

/** How many of `8080,40000-40001` are in the range. Pure. Source: linux/Documentation/networking/ip-sysctl.rst. */
export const reservedIn = (list: string, from: number, to: number): number =>
  list
    .trim()
    .split(',')
    .filter((part) => part !== '')
    .map((part) => part.split('-').map(Number))
    .reduce((sum, [first = 0, last = first]) => sum + Math.max(0, Math.min(last, to) - Math.max(first, from) + 1), 0);

function shortLived(ttl: number, { key, pid }: LocalPod, { destination }: HopPacket): HopFault | undefined {
  // Of IPv6 another setting decides.
  if (ttl >= leastTtl || destination.includes(':')) return undefined;
  return {
    code: 'TtlTooSmall',
    message: `packets of pod ${key} begin with TTL ${ttl} (net.ipv4.ip_default_ttl of the pod): each node on the way takes one, and at 0 the packet ends`,
    remedy: `on the node: nsenter --net=/proc/${pid}/ns/net sysctl -w net.ipv4.ip_default_ttl=64`,
  };
}

async function portsUsedUp(
  { from, to, reserved }: LocalPorts,
  { key, pid }: LocalPod,
  { protocol, destination: address, destinationPort: port }: HopPacket,
): Promise<HopFault | undefined> {
  const all = to - from + 1 - reserved;
  if (all <= 0) {
    const message = `pod ${key} has no port for the other end of its packets: all of net.ipv4.ip_local_port_range, ${from} to ${to}, are in net.ipv4.ip_local_reserved_ports`;
    const remedy = `on the node: nsenter --net=/proc/${pid}/ns/net sysctl -w net.ipv4.ip_local_reserved_ports=`;
    return { code: 'LocalPortsUsedUp', message, remedy };
  }
  if (protocol !== 'tcp' || port === undefined) return undefined;
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => '')),
  );
  const used = tables.reduce((sum, table) => sum + connectionsTo(table, { address, port }, from, to), 0);
  if (used < all) return undefined;
  return {
    code: 'LocalPortsUsedUp',
    message: `pod ${key} has ${used} connections to ${address} port ${port}, and ${all} ports for their other end (net.ipv4.ip_local_port_range ${from} to ${to}): a new one fails with EADDRNOTAVAIL`,
    remedy:
      'let the program use its connections again (keep-alive, a pool), or give the pod a larger range in securityContext.sysctls',
  };
}

/** Connections of all states, from a port of this range. Pure. @param table as /proc/PID/net/tcp is */
export function connectionsTo(
  table: string,
  { address, port }: { readonly address: string; readonly port: number },
  from: number,
  to: number,
): number {
  let count = 0;
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', remote = ''] = line.trim().split(/\s+/);
    const own = Number.parseInt(local.split(':')[1] ?? '', 16);
    if (own >= from && own <= to && remote.endsWith(end) && addressOf(remote.slice(0, -end.length)) === address)
      count++;
  }
  return count;
}
