// The server's side of a SPDY/3.1 connection over any byte stream: an upgraded socket, or a WebSocket that carries it.
//
// Flow control: the Go library behind all Kubernetes clients neither sends WINDOW_UPDATE nor keeps to a window, so a server
// that waits for updates stalls after 64 KiB. We send updates for consumed bytes, and count sent bytes only for a peer that
// announces an initial window in SETTINGS. A full stream also stops reading from the transport.
import type { Duplex } from 'node:stream';
import { describeError, Unavailable } from '../../../../controlplane/base/errors';
import { type Frame, FrameReader, formatFrame, resetStatus, settingInitialWindow } from './frames';
import { HeaderReader, HeaderWriter } from './header-block';
import { defaultWindow, SpdyStream, type StreamLink } from './stream';

/** Reading stops while one stream holds more than this unread. */
export const maxBacklogBytes = 512 * 1024;
/** One forwarded connection needs two streams; the API server allows itself as many per connection. */
export const maxStreams = 2000;
const updateBytes = defaultWindow / 2;

const goawayStatus = { ok: 0, protocolError: 1 } as const;

export interface SpdyConnectionOptions {
  /** Called for every stream that the client opens, after the server has answered it. */
  readonly onStream: (stream: SpdyStream) => void;
}

export class SpdyConnection implements StreamLink {
  private readonly frames = new FrameReader();
  private readonly headerReader = new HeaderReader();
  private readonly headerWriter = new HeaderWriter();
  private readonly streams = new Map<number, SpdyStream>();
  /** Bytes consumed and not yet reported to the client, per stream. */
  private readonly unreported = new Map<number, number>();
  private lastStream = 0;
  private peerWindow = Number.POSITIVE_INFINITY;
  private closing = false;
  private wakeReader: (() => void) | undefined;

  constructor(
    private readonly transport: Duplex,
    private readonly options: SpdyConnectionOptions,
  ) {
    // run() reads the transport and reports its errors.
    transport.on('error', () => {});
  }

  /**
   * Serves until the transport ends, then ends every stream. Resolves when the connection was closed in order.
   * @throws BadRequest when the client breaks the protocol, Unavailable when the connection breaks.
   */
  async run(): Promise<void> {
    let failure: unknown;
    try {
      // A client that has closed its half may still wait for the server's bytes.
      for await (const chunk of this.transport.iterator({ destroyOnReturn: false })) {
        for (const frame of this.frames.push(chunk as Buffer)) await this.handle(frame);
        while (this.overfull()) await this.someConsumed();
      }
    } catch (err) {
      failure = err;
    }
    const lost = failure !== undefined && !this.closing;
    if (lost) this.sendFrame({ type: 'goaway', lastStream: this.lastStream, status: goawayStatus.protocolError });
    for (const stream of [...this.streams.values()]) stream.reset();
    this.headerReader.close();
    this.headerWriter.close();
    this.transport.end();
    if (lost) throw failure instanceof Error ? failure : new Unavailable(describeError(failure));
  }

  /** Sends GOAWAY after everything written before; run() resolves when the client has closed as well. */
  close(): void {
    if (this.closing) return;
    this.closing = true;
    this.sendFrame({ type: 'goaway', lastStream: this.lastStream, status: goawayStatus.ok });
    this.transport.end();
  }

  // ---- StreamLink

  sendData(stream: number, data: Buffer, fin: boolean, done: (err?: Error | null) => void): void {
    this.sendFrame({ type: 'data', stream, fin, data }, done);
  }

  sendReset(stream: number): void {
    this.sendFrame({ type: 'rst-stream', stream, status: resetStatus.cancel });
  }

  consumed(stream: number, bytes: number): void {
    const unreported = (this.unreported.get(stream) ?? 0) + bytes;
    const due = unreported >= updateBytes;
    this.unreported.set(stream, due ? 0 : unreported);
    if (due) {
      this.sendFrame({ type: 'window-update', stream, delta: unreported });
      this.sendFrame({ type: 'window-update', stream: 0, delta: unreported });
    }
    this.wakeReader?.();
  }

  released(stream: number): void {
    this.streams.delete(stream);
    this.unreported.delete(stream);
    this.wakeReader?.();
  }

  // ---- frames

  private async handle(frame: Frame): Promise<void> {
    switch (frame.type) {
      case 'data':
        this.receiveData(frame);
        return;
      case 'syn-stream':
        await this.openStream(frame);
        return;
      case 'syn-reply':
      case 'headers':
        // The server needs no later headers, but it must read each block to keep the shared compression state.
        await this.headerReader.read(frame.headers);
        if (frame.fin) this.streams.get(frame.stream)?.receive(Buffer.alloc(0), true);
        return;
      case 'rst-stream':
        this.streams.get(frame.stream)?.reset();
        return;
      case 'settings': {
        const window = frame.settings.get(settingInitialWindow);
        if (window === undefined) return;
        this.peerWindow = window;
        for (const stream of this.streams.values()) stream.limitWindow(window);
        return;
      }
      case 'window-update':
        this.streams.get(frame.stream)?.growWindow(frame.delta);
        return;
      case 'ping':
        // An odd number is the client's ping: echo it. An even one would answer a ping of the server.
        if (frame.id % 2 === 1) this.sendFrame(frame);
        return;
      case 'goaway':
      case 'unknown':
        return;
    }
  }

  private receiveData({ stream: id, data, fin }: Extract<Frame, { type: 'data' }>): void {
    const stream = this.streams.get(id);
    if (stream) stream.receive(data, fin);
    // Late data for a stream that has ended is no error. Data for a stream that was never opened is one.
    else if (id > this.lastStream)
      this.sendFrame({ type: 'rst-stream', stream: id, status: resetStatus.invalidStream });
  }

  private async openStream(frame: Extract<Frame, { type: 'syn-stream' }>): Promise<void> {
    const headers = await this.headerReader.read(frame.headers);
    const id = frame.stream;
    if (id % 2 === 0 || id <= this.lastStream) {
      this.sendFrame({ type: 'rst-stream', stream: id, status: resetStatus.protocolError });
      return;
    }
    this.lastStream = id;
    if (this.closing || this.streams.size >= maxStreams) {
      this.sendFrame({ type: 'rst-stream', stream: id, status: resetStatus.refusedStream });
      return;
    }
    const stream = new SpdyStream(id, headers, this);
    // The user of the stream gets errors through its own listeners; without a listener the process must not crash.
    stream.on('error', () => {});
    if (this.peerWindow !== Number.POSITIVE_INFINITY) stream.limitWindow(this.peerWindow);
    this.streams.set(id, stream);
    this.sendFrame({ type: 'syn-reply', stream: id, fin: false, headers: await this.headerWriter.write(new Map()) });
    if (frame.fin) stream.receive(Buffer.alloc(0), true);
    this.options.onStream(stream);
  }

  private sendFrame(frame: Exclude<Frame, { type: 'unknown' }>, done?: (err?: Error | null) => void): void {
    if (this.transport.destroyed || this.transport.writableEnded) {
      if (done) process.nextTick(done, new Unavailable('connection is closed'));
      return;
    }
    const parts = formatFrame(frame);
    this.transport.cork();
    parts.forEach((part, i) => {
      if (i === parts.length - 1 && done) this.transport.write(part, done);
      else this.transport.write(part);
    });
    this.transport.uncork();
  }

  private overfull(): boolean {
    for (const stream of this.streams.values()) if (stream.backlog > maxBacklogBytes) return true;
    return false;
  }

  private someConsumed(): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.wakeReader = undefined;
        this.transport.off('close', wake);
        resolve();
      };
      this.wakeReader = wake;
      this.transport.once('close', wake);
    });
  }
}
