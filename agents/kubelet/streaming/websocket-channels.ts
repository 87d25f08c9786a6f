// Channels of the *.channel.k8s.io WebSocket protocols: the first byte of a message is the channel's number. In the base64
// forms messages are text, the number a digit and the rest base64.
import { Duplex, Readable, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import { Unavailable } from '../../../controlplane/base/errors';
import type { RemoteCommandProtocol } from './negotiate';

/** v5: "the client will write no more on channel N". */
const closeSignal = 255;
/** A full buffer stops the connection for all channels, pings included. So each channel has room for this much. */
const inputBufferBytes = 1024 * 1024;
const maxMessageBytes = 64 * 1024;

export class WebSocketChannels {
  private readonly inputs = new Map<number, Readable>();
  private readonly outputs = new Set<Writable>();

  constructor(
    private readonly socket: WebSocket,
    private readonly protocol: Pick<RemoteCommandProtocol, 'version' | 'base64'>,
  ) {
    socket.on('message', (data: Buffer, isBinary: boolean) => this.receive(data, isBinary));
    socket.on('close', () => this.end());
    // 'close' follows and ends everything.
    socket.on('error', () => {});
  }

  /** What the client sends on a channel. */
  input(channel: number): Readable {
    return this.register(channel, new Readable({ highWaterMark: inputBufferBytes, read: () => this.resume() }));
  }

  /** A stream to the client. The protocol has no half-close to the client, so ending the stream sends nothing. */
  output(channel: number): Writable {
    const stream = new Writable({ write: (chunk: Buffer, _encoding, done) => this.send(channel, chunk, done) });
    stream.on('error', () => {});
    this.outputs.add(stream);
    return stream;
  }

  /** Both directions of one channel. */
  duplex(channel: number): Duplex {
    const stream = new Duplex({
      readableHighWaterMark: inputBufferBytes,
      read: () => this.resume(),
      write: (chunk: Buffer, _encoding, done) => this.send(channel, chunk, done),
    });
    this.outputs.add(stream);
    return this.register(channel, stream);
  }

  private register<T extends Readable>(channel: number, stream: T): T {
    // The user of the stream gets errors through its own listeners.
    stream.on('error', () => {});
    this.inputs.set(channel, stream);
    return stream;
  }

  private resume(): void {
    if (this.socket.isPaused) this.socket.resume();
  }

  /** Sends an empty message: it shows the client that the channel is open. */
  announce(channel: number): void {
    this.send(channel, Buffer.alloc(0), () => {});
  }

  private send(channel: number, data: Buffer, done: (err?: Error | null) => void): void {
    if (this.socket.readyState !== this.socket.OPEN) {
      done(new Unavailable('client has left'));
      return;
    }
    const part = data.subarray(0, maxMessageBytes);
    const rest = data.subarray(part.length);
    const next = (err?: Error | null) => {
      if (err || rest.length === 0) done(err);
      else this.send(channel, rest, done);
    };
    if (this.protocol.base64) this.socket.send(`${channel}${part.toString('base64')}`, { binary: false }, next);
    else this.socket.send(Buffer.concat([Buffer.of(channel), part]), { binary: true }, next);
  }

  private receive(message: Buffer, isBinary: boolean): void {
    if (message.length === 0) return;
    if (!this.protocol.base64 && isBinary && message[0] === closeSignal && this.protocol.version >= 5) {
      const closed = message[1];
      if (closed !== undefined) this.endInput(closed);
      return;
    }
    const channel = this.protocol.base64 ? message[0]! - 0x30 : message[0]!;
    const body = message.subarray(1);
    const data = this.protocol.base64 ? Buffer.from(body.toString('latin1'), 'base64') : body;
    const stream = this.inputs.get(channel);
    // As upstream's kubelet, ignore unknown channels. An empty message has no data.
    if (stream === undefined || data.length === 0) return;
    if (!stream.push(data)) this.socket.pause();
  }

  private endInput(channel: number): void {
    const stream = this.inputs.get(channel);
    this.inputs.delete(channel);
    stream?.push(null);
  }

  private end(): void {
    for (const channel of [...this.inputs.keys()]) this.endInput(channel);
    for (const stream of this.outputs) {
      if (!stream.writableFinished) stream.destroy(new Unavailable('client has left'));
    }
  }
}
