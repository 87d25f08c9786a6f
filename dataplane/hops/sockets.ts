// The sockets that wait for packets in a network namespace, from /proc/PID/net. Reads only.
// Source: linux/Documentation/networking/proc_net_tcp.rst: addresses are words in the byte order of the machine (little-endian here).
import { readFile } from 'node:fs/promises';
import { formatAddress, parseAddress, unmappedAddress } from '../../controlplane/base/cidr';
import { CommandFailed, isNotFound } from '../../controlplane/base/errors';
import type { Exec } from '../exec/exec';

export interface WaitingSocket {
  readonly protocol: 'tcp' | 'udp';
  /** 0.0.0.0 and :: wait at all addresses. */
  readonly address: string;
  readonly port: number;
  /** tcp: connections that the program has not accepted yet. udp: bytes that it has not read yet. */
  readonly waiting: number;
  /** At ::, and for IPv6 alone (IPV6_V6ONLY). */
  readonly onlyIpv6?: true;
  /** tcp: how many connections may wait; absent while it is not known. */
  readonly backlog?: number;
  /** Takes packets of this link alone (SO_BINDTODEVICE). */
  readonly device?: string;
}

/** @param process `self`, or the number of a process in the namespace. Empty when the process has ended. */
export async function readSockets(process: string | number): Promise<readonly WaitingSocket[]> {
  const tables = await Promise.all(
    (['tcp', 'tcp6', 'udp', 'udp6'] as const).map(async (name) => {
      const text = await readFile(`/proc/${process}/net/${name}`, 'utf8').catch(() => '');
      return parseSockets(text, name.startsWith('tcp') ? 'tcp' : 'udp');
    }),
  );
  return tables.flat();
}

const listening = '0A';
const unconnected = '07';

/** Pure. */
export function parseSockets(text: string, protocol: 'tcp' | 'udp'): readonly WaitingSocket[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state, queues = ''] = line.trim().split(/\s+/);
      if (state !== (protocol === 'tcp' ? listening : unconnected)) return [];
      const [address = '', port = ''] = local.split(':');
      const waiting = Number.parseInt(queues.split(':')[1] ?? '0', 16);
      return [{ protocol, address: addressOf(address), port: Number.parseInt(port, 16), waiting }];
    });
}

/** 0100007F → 127.0.0.1; IPv6 in four words. IPv4 in IPv6 becomes IPv4. */
export function addressOf(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).reverse());
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.');
  const groups = bytes.join('').match(/.{4}/g) ?? [];
  return unmappedAddress(formatAddress(parseAddress(groups.join(':'))));
}

/**
 * With what /proc does not show and ss(8) does: the backlog, the link that a socket is bound to, sockets without IPv4.
 * @param exec runs programs in the namespace
 */
export async function withDetails(sockets: readonly WaitingSocket[], exec: Exec): Promise<readonly WaitingSocket[]> {
  const { stdout } = await exec.run(['ss', '-H', '-l', '-n', '-t', '-u', '-e']).catch((error: unknown) => {
    // A node without the program: such sockets are rare, and a probe finds them.
    if (isNotFound(error) || error instanceof CommandFailed) return { stdout: '' };
    throw error;
  });
  const details = parseDetails(stdout);
  return sockets.map((socket) => {
    // Several sockets of one address and port share it (SO_REUSEPORT): each takes its own line.
    const found = details.get(keyOf(socket))?.shift();
    return found ? { ...socket, ...found } : socket;
  });
}

type Details = Pick<WaitingSocket, 'onlyIpv6' | 'backlog' | 'device'> & { readonly waiting: number };

const keyOf = ({ protocol, address, port }: Pick<WaitingSocket, 'protocol' | 'address' | 'port'>): string =>
  `${protocol} ${address} ${port}`;

/** `tcp LISTEN 3 511 [::]:81 [::]:* ino:7 sk:1 v6only:1 <->`, `tcp LISTEN 0 4096 0.0.0.0%lo:80 0.0.0.0:*`, by keyOf(). Pure. */
export function parseDetails(text: string): ReadonlyMap<string, Details[]> {
  const found = new Map<string, Details[]>();
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    const [protocol, state, received = '', sent = '', local = ''] = words;
    const [, host = '', device, port] = /^(.*?)(?:%([^%:]+))?:(\d+)$/.exec(local) ?? [];
    if (port === undefined || (protocol !== 'tcp' && protocol !== 'udp')) continue;
    // ss writes * for a socket of IPv6 that takes IPv4, too.
    const address = host === '*' ? '::' : unmappedAddress(host.replace(/^\[(.*)\]$/, '$1'));
    const key = keyOf({ protocol, address, port: Number(port) });
    const details: Details = {
      waiting: Number(received),
      ...(protocol === 'tcp' && state === 'LISTEN' ? { backlog: Number(sent) } : {}),
      ...(device === undefined ? {} : { device }),
      ...(host === '[::]' && words.includes('v6only:1') ? { onlyIpv6: true as const } : {}),
    };
    found.set(key, [...(found.get(key) ?? []), details]);
  }
  return found;
}

/** The kernel drops what opens a further connection. Source: sk_acceptq_is_full() in include/net/sock.h. */
export const isFull = ({ waiting, backlog }: WaitingSocket): boolean => backlog !== undefined && waiting > backlog;

export type SocketVerdict =
  /** `others`: sockets that share its port with it (SO_REUSEPORT). */
  | { readonly heard: true; readonly socket: WaitingSocket; readonly others: readonly WaitingSocket[] }
  /** `elsewhere`: sockets of this port that wait at other addresses only. `others`: what waits at other ports. */
  | { readonly heard: false; readonly elsewhere: readonly WaitingSocket[]; readonly others: readonly WaitingSocket[] };

/** Whether a socket takes a packet to this address and port. Pure. */
export function socketFor(
  sockets: readonly WaitingSocket[],
  { protocol, address, port }: { readonly protocol: string; readonly address: string; readonly port: number },
): SocketVerdict {
  const own = sockets.filter((socket) => socket.protocol === protocol);
  const atPort = own.filter((socket) => socket.port === port);
  const any = address.includes(':') ? ['::'] : ['0.0.0.0', '::'];
  // What comes from other machines comes by no loopback.
  const open = atPort.filter(({ device }) => device !== 'lo');
  const exact = open.filter((one) => one.address === address);
  const wide = open.filter((one) => any.includes(one.address) && !(one.onlyIpv6 && !address.includes(':')));
  const [socket, ...sharing] = exact.length > 0 ? exact : wide;
  if (socket) return { heard: true, socket, others: sharing.filter((one) => one.address === socket.address) };
  return { heard: false, elsewhere: atPort, others: own.filter((one) => one.port !== port) };
}
