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

/** Marks those that do not take IPv4: /proc does not show it, ss(8) does. @param exec runs programs in the namespace */
export async function markOnlyIpv6(sockets: readonly WaitingSocket[], exec: Exec): Promise<readonly WaitingSocket[]> {
  const argv = ['ss', '-H', '-6', '-l', '-n', '-t', '-u', '-e'];
  const { stdout } = await exec.run(argv).catch((error: unknown) => {
    // A node without the program: such sockets are rare, and a probe finds them.
    if (isNotFound(error) || error instanceof CommandFailed) return { stdout: '' };
    throw error;
  });
  const only = parseOnlyIpv6(stdout);
  return sockets.map((socket) =>
    socket.address === '::' && only.has(`${socket.protocol} ${socket.port}`) ? { ...socket, onlyIpv6: true } : socket,
  );
}

/** `tcp 81` of `tcp LISTEN 0 511 [::]:81 [::]:* ino:7 sk:1 v6only:1 <->`. Pure. */
export const parseOnlyIpv6 = (text: string): ReadonlySet<string> =>
  new Set(
    text.split('\n').flatMap((line) => {
      const words = line.trim().split(/\s+/);
      const port = /^\[::\]:(\d+)$/.exec(words[4] ?? '')?.[1];
      return port !== undefined && words.includes('v6only:1') ? `${words[0]} ${port}` : [];
    }),
  );

export type SocketVerdict =
  | { readonly heard: true; readonly socket: WaitingSocket }
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
  const socket =
    atPort.find((one) => one.address === address) ??
    atPort.find((one) => any.includes(one.address) && !(one.onlyIpv6 && !address.includes(':')));
  if (socket) return { heard: true, socket };
  return { heard: false, elsewhere: atPort, others: own.filter((one) => one.port !== port) };
}
