// One rtnetlink socket, opened in a namespace: requests, dumps and their errors.
import { constants } from 'node:os';
import { createNetlink, type NetlinkMessage, type NetlinkSocket, Protocol, parseError } from 'netlink';
import { AlreadyExists, AppError, NotFound, Unavailable, Unsupported } from '../../controlplane/base/errors';
import type { Netns } from '../netns/netns';
import { NLM_F } from './constants';

const NLMSG_ERROR = 2;
/** A dump that changes while it is read is read again; busy namespaces settle within a few tries. */
const maxDumpTries = 10;
/** The kernel answers at once; this limit only ends the wait for a reply that was lost to a full socket buffer. */
const replyTimeoutMs = 10_000;

export class RtSocket {
  private readonly socket: NetlinkSocket;
  private failure: Error | undefined;
  /**
   * Settles, never rejects. The kernel allows one dump per socket, and the library cannot distinguish parts of a dump from
   * another answer.
   */
  private dumping: Promise<void> | undefined;

  /** Opens the socket inside `netns`. @throws NotFound when the namespace does not exist any more. */
  constructor(netns: Netns, protocol: number = Protocol.ROUTE) {
    this.socket = netns.enter(() => createNetlink(protocol));
    // The library emits 'error' for ENOBUFS and similar errors; the request then reaches its time limit.
    this.socket.on('error', (err) => {
      this.failure = err;
    });
  }

  /**
   * Sends one request and waits for the kernel's answer. `what` names the attempt in errors. Several requests may be pending:
   * the kernel handles them in the order they were sent.
   */
  async request(what: string, type: number, flags: number, payload: Uint8Array[]): Promise<readonly NetlinkMessage[]> {
    while (this.dumping) await this.dumping;
    return this.exchange(what, type, flags, payload);
  }

  /** Reads a table consistently: a dump that a change interrupted is repeated. */
  async dump<T>(what: string, type: number, payload: Uint8Array[], parse: (data: Buffer) => T): Promise<T[]> {
    while (this.dumping) await this.dumping;
    const reading = this.readTable(what, type, payload);
    this.dumping = reading.then(
      () => {
        this.dumping = undefined;
      },
      () => {
        this.dumping = undefined;
      },
    );
    return (await reading).map(({ data }) => parse(data));
  }

  close(): void {
    this.socket.close();
  }

  private async readTable(what: string, type: number, payload: Uint8Array[]): Promise<readonly NetlinkMessage[]> {
    for (let tries = 1; ; tries++) {
      const messages = await this.exchange(what, type, NLM_F.DUMP, payload);
      const torn = messages.some(({ flags }) => (flags & NLM_F.DUMP_INTR) !== 0);
      if (!torn) return messages;
      if (tries === maxDumpTries) throw new Unavailable(`${what}: changed ${tries} times while being read`);
    }
  }

  private async exchange(
    what: string,
    type: number,
    flags: number,
    payload: Uint8Array[],
  ): Promise<readonly NetlinkMessage[]> {
    let messages: NetlinkMessage[];
    try {
      [messages] = await this.socket.request(type, payload, { flags, checkError: false, timeout: replyTimeoutMs });
    } catch (cause) {
      throw new Unavailable(`${what}: no answer from the kernel`, { cause: this.failure ?? cause });
    }
    const [first] = messages;
    if (first?.type === NLMSG_ERROR) {
      const { errno } = parseError(first.data, first.flags);
      if (errno !== 0) throw errnoError(what, -errno);
      return [];
    }
    return messages;
  }
}

const errnoName = (errno: number): string =>
  Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;

/** The kernel's errno as an AppError; details.errno keeps its name. */
export function errnoError(what: string, errno: number): AppError {
  const name = errnoName(errno);
  const message = `${what}: ${name}`;
  const options = { details: { errno: name } };
  switch (name) {
    case 'EEXIST':
      return new AlreadyExists(message, options);
    case 'ENODEV':
    case 'ENOENT':
    case 'ESRCH':
    case 'EADDRNOTAVAIL':
    case 'ENXIO':
      return new NotFound(message, options);
    case 'EPERM':
    case 'EACCES':
      return new AppError('Forbidden', message, options);
    case 'EOPNOTSUPP':
    case 'ENOTSUP':
    case 'EAFNOSUPPORT':
    case 'EPROTONOSUPPORT':
      return new Unsupported(message, options);
    case 'EINVAL':
    case 'ERANGE':
      return new AppError('BadRequest', message, options);
    default:
      // EBUSY, ENETUNREACH, ENETDOWN, ENOBUFS, EAGAIN: a later attempt may succeed.
      return new Unavailable(message, options);
  }
}
