// One SPDY stream as a Node Duplex. Half-close works in both directions; back-pressure reaches the connection.
import { Duplex } from 'node:stream';
import { Unavailable } from '../../../../controlplane/base/errors';
import type { Headers } from './header-block';

/** What a stream needs of its connection. */
export interface StreamLink {
  /** Calls back when the transport has taken the bytes. */
  sendData(stream: number, data: Buffer, fin: boolean, done: (err?: Error | null) => void): void;
  sendReset(stream: number): void;
  /** The consumer took `bytes`. */
  consumed(stream: number, bytes: number): void;
  /** Both directions are done, or the stream was reset. */
  released(stream: number): void;
}

/** Larger writes are split, so that the streams of one connection take turns. */
export const maxDataBytes = 32 * 1024;
/** The initial window of SPDY/3.1 without SETTINGS. */
export const defaultWindow = 64 * 1024;

export class SpdyStream extends Duplex {
  /** Bytes that we may send; infinite until the peer announces a window. See connection.ts. */
  private window = Number.POSITIVE_INFINITY;
  private blocked: (() => void) | undefined;
  private ended = { local: false, remote: false };
  /** Received, not yet read by the consumer. */
  private waiting: Buffer[] = [];
  private wanted = false;
  private resetByPeer = false;
  private endPushed = false;

  constructor(
    readonly id: number,
    readonly headers: Headers,
    private readonly link: StreamLink,
  ) {
    super({ allowHalfOpen: true, emitClose: true, readableHighWaterMark: maxDataBytes });
  }

  /** First value of a header, e.g. streamtype. */
  header(name: string): string | undefined {
    return this.headers.get(name)?.[0];
  }

  /** Bytes received but not read yet. */
  get backlog(): number {
    return this.waiting.reduce((sum, { length }) => sum + length, 0) + this.readableLength;
  }

  // ---- called by the connection

  receive(data: Buffer, fin: boolean): void {
    if (this.ended.remote || this.destroyed) return;
    if (data.length > 0) this.waiting.push(data);
    if (fin) this.ended.remote = true;
    this.deliver();
  }

  /** The peer has reset this stream. */
  reset(): void {
    this.resetByPeer = true;
    this.ended = { local: true, remote: true };
    this.destroy(new Unavailable('stream was reset by the client'));
  }

  /** The peer announced a window: from now on at most `bytes` are sent before its next WINDOW_UPDATE. */
  limitWindow(bytes: number): void {
    if (this.window === Number.POSITIVE_INFINITY) this.window = bytes;
  }

  growWindow(delta: number): void {
    this.window += delta;
    const { blocked } = this;
    if (this.window <= 0 || blocked === undefined) return;
    this.blocked = undefined;
    blocked();
  }

  // ---- Duplex

  override _read(): void {
    this.wanted = true;
    this.deliver();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (err?: Error | null) => void): void {
    if (chunk.length === 0) {
      done();
      return;
    }
    if (this.window <= 0) {
      this.blocked = () => this._write(chunk, _encoding, done);
      return;
    }
    const size = Math.min(chunk.length, maxDataBytes, this.window);
    this.window -= size;
    this.link.sendData(this.id, chunk.subarray(0, size), false, (err) => {
      if (err || size === chunk.length) done(err);
      else this._write(chunk.subarray(size), _encoding, done);
    });
  }

  override _final(done: (err?: Error | null) => void): void {
    this.ended.local = true;
    this.link.sendData(this.id, Buffer.alloc(0), true, (err) => {
      this.releaseWhenDone();
      done(err);
    });
  }

  override _destroy(err: Error | null, done: (err?: Error | null) => void): void {
    const complete = this.ended.local && this.ended.remote;
    if (!complete && !this.resetByPeer) this.link.sendReset(this.id);
    this.waiting = [];
    this.blocked = undefined;
    this.link.released(this.id);
    done(err);
  }

  private deliver(): void {
    while (this.wanted && this.waiting.length > 0) {
      const chunk = this.waiting.shift()!;
      this.wanted = this.push(chunk);
      this.link.consumed(this.id, chunk.length);
    }
    if (this.ended.remote && this.waiting.length === 0 && !this.endPushed) {
      this.endPushed = true;
      this.push(null);
      this.releaseWhenDone();
    }
  }

  private releaseWhenDone(): void {
    if (this.ended.local && this.ended.remote) this.link.released(this.id);
  }
}
