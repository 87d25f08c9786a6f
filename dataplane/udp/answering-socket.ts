// A UDP socket for servers: one system call reads all queued datagrams, another sends all answers. Node's own socket takes
// several calls for each datagram, and a request object for each answer.
import { createSocket, type Socket } from 'node:dgram';
import { closeSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { Unavailable } from '../../controlplane/base/errors';
import { openBound, receiveMany, refuseSharing, sendMany } from './calls';
import { Datagrams } from './datagrams';
import { maxAddressBytes, type Peer, readPeer, writePeer } from './socket-address';

/** Datagrams per system call. */
const batch = 64;
/** Calls in a row before other work of this process gets its turn. */
const maxRounds = 4;

export interface AnsweringSocketOptions {
  /** An address of this machine, or 0.0.0.0 or ::. */
  readonly host: string;
  readonly port: number;
  /** Longer datagrams are dropped; longer answers are sent all the same. */
  readonly maxBytes: number;
  /** The size of the kernel's receive queue, for the time when the event loop is busy; the kernel may give less. */
  readonly receiveBufferBytes: number;
  /** The answer, if any. `datagram` is valid only during the call: copy what is needed later. Must not throw or reject. */
  readonly answer: (datagram: Buffer, from: Sender) => Buffer | undefined | Promise<Buffer>;
  /** An answer could not be sent, for example because its client is no longer reachable. */
  readonly onError: (err: Error) => void;
  /** For tests: a kernel whose send buffer is full. */
  readonly send?: typeof sendMany;
}
/** The sender of the datagram, valid only during the call. The address is converted to text only when it is read. */
export interface Sender {
  /** Undefined for an unknown family. */
  readonly address: string | undefined;
}
class CurrentSender implements Sender {
  bytes: Buffer | undefined;
  peer: Peer | undefined;
  get address(): string | undefined {
    return this.peer?.address ?? (this.bytes && readPeer(this.bytes)?.address);
  }
}

export interface AnsweringSocket {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws Unavailable when the socket cannot bind the address */
export async function openAnsweringSocket(options: AnsweringSocketOptions): Promise<AnsweringSocket> {
  const { host, port } = options;
  const fd = openBound({ address: host, port });
  const socket = createSocket({
    type: isIPv6(host) ? 'udp6' : 'udp4',
    // The socket sends only to addresses, never to names. The default look-up would cost a turn of the event loop per answer.
    lookup: (address, _options, done) => done(null, address, address.includes(':') ? 6 : 4),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (cause) => {
      closeSync(fd);
      reject(new Unavailable(`cannot listen on UDP ${host}:${port}`, { cause }));
    });
    socket.bind({ fd, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve();
    });
  });
  return new Answering(socket, fd, options);
}

class Answering implements AnsweringSocket {
  readonly port: number;
  private readonly incoming: Datagrams;
  private readonly outgoing: Datagrams;
  /** Datagrams in `outgoing`. */
  private waiting = 0;
  private readonly sender = new CurrentSender();
  private closed: Promise<void> | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly fd: number,
    private readonly options: AnsweringSocketOptions,
  ) {
    this.incoming = new Datagrams(batch, options.maxBytes);
    this.outgoing = new Datagrams(batch, options.maxBytes);
    this.port = socket.address().port;
    // libuv sets SO_REUSEADDR on every descriptor it gets: a second server could then bind the same address and take half the
    // questions.
    refuseSharing(fd);
    try {
      socket.setRecvBufferSize(options.receiveBufferBytes);
    } catch (err) {
      options.onError(err as Error);
    }
    socket.on('error', options.onError);
    socket.on('message', (datagram, from) => this.woken(datagram, from));
  }

  close(): Promise<void> {
    this.closed ??= new Promise((resolve) =>
      this.socket.close(() => {
        this.incoming.free();
        this.outgoing.free();
        resolve();
      }),
    );
    return this.closed;
  }

  /** Node has read one datagram and reports it; the other datagrams are still in the kernel's queue. */
  private woken(first: Buffer, from: Peer): void {
    this.sender.peer = from;
    const answer = first.length > this.options.maxBytes ? undefined : this.options.answer(first, this.sender);
    this.sender.peer = undefined;
    if (answer instanceof Promise) this.answerLater(answer, from);
    else if (answer) this.queue(answer, this.writeTo(from), from);
    for (let round = 0; round < maxRounds && this.receive() === batch; round++);
    this.flush();
  }

  private writeTo(peer: Peer): number {
    if (this.waiting === batch) this.flush();
    return writePeer(this.outgoing.addresses[this.waiting]!, peer);
  }

  /** Answers the datagrams of one call; returns their number. */
  private receive(): number {
    const { incoming, outgoing, options } = this;
    const count = receiveMany(this.fd, incoming);
    for (let i = 0; i < count; i++) {
      const bytes = incoming.received(i);
      if (bytes === undefined) continue;
      const from = incoming.addresses[i]!;
      this.sender.bytes = from;
      const answer = options.answer(incoming.data[i]!.subarray(0, bytes), this.sender);
      if (answer instanceof Promise) {
        const peer = readPeer(from);
        if (peer) this.answerLater(answer, peer);
      } else if (answer) {
        if (this.waiting === batch) this.flush();
        from.copy(outgoing.addresses[this.waiting]!);
        this.queue(answer, maxAddressBytes);
      }
    }
    return count;
  }

  /**
   * Queues an answer. Its address is already in the next slot, `addressLength` bytes long; 0: the address could not be written
   * as bytes, and `peer` holds it.
   */
  private queue(answer: Buffer, addressLength: number, peer?: Peer): void {
    const { outgoing, waiting } = this;
    if (addressLength === 0 || answer.length > outgoing.maxBytes) {
      const to = peer ?? readPeer(outgoing.addresses[waiting]!);
      if (to) this.sendAlone(answer, to);
      return;
    }
    outgoing.data[waiting]!.set(answer);
    outgoing.toSend(waiting, addressLength, answer.length);
    this.waiting++;
  }

  private flush(): void {
    const { outgoing, waiting } = this;
    const { send = sendMany } = this.options;
    this.waiting = 0;
    for (let sent = 0; sent < waiting; ) {
      const left = send(this.fd, outgoing, sent, waiting);
      if (left === 'full') {
        // Node's own socket waits until the kernel has room.
        this.sendAllAlone(sent, waiting);
        return;
      }
      if (typeof left !== 'number') this.options.onError(left);
      sent += typeof left === 'number' ? left : 1;
    }
  }

  private sendAllAlone(from: number, to: number): void {
    const { outgoing } = this;
    for (let i = from; i < to; i++) {
      const peer = readPeer(outgoing.addresses[i]!);
      if (peer) this.sendAlone(Buffer.from(outgoing.data[i]!.subarray(0, outgoing.lengthToSend(i))), peer);
    }
  }

  private answerLater(answer: Promise<Buffer>, to: Peer): void {
    void answer.then((bytes) => this.sendAlone(bytes, to));
  }

  private sendAlone(bytes: Buffer, { address, port }: Peer): void {
    if (!this.closed) this.socket.send(bytes, port, address);
  }
}
