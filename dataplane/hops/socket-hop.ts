// The hop at which a program takes the packet.
import type { Hop, HopFault, HopPacket } from '../../controlplane/base/hops';
import type { Exec } from '../exec/exec';
import { isFull, readSockets, socketFor, type WaitingSocket, withDetails } from './sockets';

export interface Receiver {
  /** `self`, or a process of the pod. */
  readonly process: 'self' | number;
  /** Runs programs in its namespace. */
  readonly exec: Exec;
  /** `node worker-1`, `pod shop/web-0` */
  readonly who: string;
}

/** The socket that takes the packet. */
export async function socketHop(packet: HopPacket, { process, exec, who }: Receiver): Promise<Hop | undefined> {
  const { protocol, destination: address, destinationPort: port } = packet;
  if (port !== undefined && protocol === 'sctp') {
    const facts = ['sockets of SCTP are not read: whether a program listens is not known'];
    return { kind: 'socket', name: `sctp port ${port} of ${who}`, state: 'unknown', facts };
  }
  if (port === undefined || (protocol !== 'tcp' && protocol !== 'udp')) return undefined;
  const at = { protocol, address, port };
  const sockets = await readSockets(process);
  return judgeSocket(socketFor(sockets, at).heard ? await withDetails(sockets, exec) : sockets, at, who);
}

/** A program that keeps up has none or a few; a full queue drops the connections that come then. */
const longQueue = 8;

/** Pure. */
export function judgeSocket(
  sockets: readonly WaitingSocket[],
  at: { readonly protocol: 'tcp' | 'udp'; readonly address: string; readonly port: number },
  who: string,
): Hop {
  const name = `${at.protocol} port ${at.port} of ${who}`;
  const found = socketFor(sockets, at);
  if (found.heard) {
    const { address, waiting, device } = found.socket;
    const where = address === '0.0.0.0' || address === '::' ? 'every address' : address;
    const facts = [
      `a program listens at ${where}${device === undefined ? '' : `, for packets of link ${device} alone`}`,
    ];
    const full = fullFault([found.socket, ...found.others], at.port, who);
    if (full) return { kind: 'socket', name, state: 'doubtful', facts, fault: full };
    if (waiting === 0) return { kind: 'socket', name, state: 'passes', facts };
    const what =
      at.protocol === 'tcp'
        ? `${waiting} connections wait for the program to accept them`
        : `${waiting} bytes wait for the program to read them`;
    if (at.protocol === 'udp' || waiting < longQueue)
      return { kind: 'socket', name, state: 'passes', facts: [...facts, what] };
    const message = `${who} does not accept its connections: ${waiting} wait at port ${at.port}`;
    return { kind: 'socket', name, state: 'doubtful', facts: [...facts, what], fault: { code: 'SlowAccept', message } };
  }
  const { elsewhere, others } = found;
  const bound = elsewhere.find(({ device }) => device === 'lo');
  if (bound) {
    const message = `${who} listens on port ${at.port} for packets of its loopback alone (SO_BINDTODEVICE lo), and nothing outside comes by it`;
    const remedy = 'let the program listen without a link of its own';
    return { kind: 'socket', name, state: 'stops', facts: [], fault: { code: 'ListensOnLoopback', message, remedy } };
  }
  const [loopback] = elsewhere.filter(({ address }) => address.startsWith('127.') || address === '::1');
  if (loopback) {
    const message = `${who} listens on port ${at.port} only at ${loopback.address}, which nothing outside can reach`;
    const remedy = 'let the program listen at 0.0.0.0 (or ::)';
    return { kind: 'socket', name, state: 'stops', facts: [], fault: { code: 'ListensOnLoopback', message, remedy } };
  }
  const at2 = elsewhere.map(({ address, onlyIpv6 }) => (onlyIpv6 ? ':: (without IPv4)' : address));
  const open = [...new Set(others.map(({ port }) => port))].sort((a, b) => a - b).slice(0, 10);
  const instead =
    at2.length > 0
      ? `it listens on this port at ${at2.join(', ')} only`
      : open.length > 0
        ? `it listens on ${open.map((port) => `${port}`).join(', ')}`
        : `no program there listens on any ${at.protocol} port`;
  const message = `nothing listens on ${at.protocol} port ${at.port} of ${who}; ${instead}`;
  const fault: HopFault = {
    code: 'NothingListens',
    message,
    remedy: 'compare this port (of a Service: its targetPort) with the port on which the program listens',
  };
  return { kind: 'socket', name, state: 'stops', facts: [], fault };
}

/** Connections are lost, all of them or by chance, where the queue of a socket is full. */
function fullFault(sockets: readonly WaitingSocket[], port: number, who: string): HopFault | undefined {
  const full = sockets.filter(isFull);
  const [first] = full;
  if (first === undefined) return undefined;
  const queue = `${first.waiting} connections wait at port ${port}, where ${first.backlog} may (its backlog)`;
  const message =
    full.length === sockets.length
      ? `${who} does not accept its connections: ${queue}, so the kernel drops new ones`
      : `${who} has ${sockets.length} sockets that share port ${port} (SO_REUSEPORT), and ${full.length} of them do not accept: ${queue}. The kernel drops the new connections that chance gives them`;
  const remedy = 'see why the program does not accept: it hangs, is stopped, or has too much to do';
  return { code: 'SlowAccept', message, remedy };
}
