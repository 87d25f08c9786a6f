// The client's transport inside the server process: requests go directly to the handler, as a given user, without TLS and
// without a socket.
import type { KubeObject, WatchEvent } from '../api/types';
import { Unavailable, Unsupported } from '../base/errors';
import type { Request, Response, Transport } from '../client/client';
import type { ApiHandler } from './handler';
import type { ApiRequest, Sink, UserInfo } from './request';

/** The writer must wait for a reader that is this far behind. */
const highWaterBytes = 4 * 1024 * 1024;

export class InProcessTransport implements Transport {
  private closed = false;

  constructor(
    private readonly handler: Pick<ApiHandler, 'handle'>,
    private readonly user: UserInfo,
  ) {}

  async send(request: Request): Promise<Response> {
    if (this.closed) throw new Unavailable('the transport is closed');
    request.signal?.throwIfAborted();
    const reply = await this.handler.handle(toApiRequest(request, this.user));
    const headers = { 'content-type': reply.type, ...reply.headers };
    const { signal } = request;
    if ('body' in reply) {
      signal?.throwIfAborted();
      if (reply.list) return { status: reply.status, headers, body: nothing(), list: reply.list };
      return { status: reply.status, headers, body: once(reply.body) };
    }
    const queue = request.decoded ? new EventQueue() : new ChunkQueue();
    const leave = () => queue.leave(signal?.reason);
    if (signal?.aborted) {
      // A watch subscribes before its answer starts: start it with a closed sink, so that it unsubscribes.
      leave();
      reply.start(queue);
      throw signal.reason;
    }
    signal?.addEventListener('abort', leave, { once: true });
    queue.onClose(() => signal?.removeEventListener('abort', leave));
    reply.start(queue);
    if (queue instanceof ChunkQueue) return { status: reply.status, headers, body: queue.items() };
    return { status: reply.status, headers, body: nothing(), events: queue.items() };
  }

  close(): void {
    this.closed = true;
  }
}

function toApiRequest(request: Request, user: UserInfo): ApiRequest {
  const { method, path, headers = {}, body = '', decoded = false, signal } = request;
  const mark = path.indexOf('?');
  const lower: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) lower[name.toLowerCase()] = value;
  // As on a connection: a proxy sees by its headers that a request has a body.
  if (body.length > 0) lower['content-length'] = String(Buffer.byteLength(body));
  return {
    method,
    path: mark < 0 ? path : path.slice(0, mark),
    search: mark < 0 ? '' : path.slice(mark + 1),
    headers: lower,
    user,
    decoded,
    // A caller that no longer waits is a client that has left.
    ...(signal ? { isGone: () => signal.aborted } : {}),
    body: async () => Buffer.from(body),
  };
}

async function* once(body: Buffer): AsyncGenerator<Buffer> {
  yield body;
}

async function* nothing(): AsyncGenerator<Buffer> {}

/** A sink as an async iterable: each step returns all data since the last step. When the reader stops early, onClose runs. */
class QueueSink<T> {
  private queue: T[] = [];
  private size = 0;
  private ended = false;
  private closed = false;
  private failure: unknown;
  private wake: (() => void) | undefined;
  private readonly closeHandlers: Array<() => void> = [];
  private readonly drainHandlers: Array<() => void> = [];

  protected push(item: T, size: number): void {
    if (this.ended || this.closed) return;
    this.queue.push(item);
    this.size += size;
    this.wake?.();
  }

  end(): void {
    this.ended = true;
    this.wake?.();
  }

  cut(): void {
    this.leave(new Unavailable('the reader is too slow'));
  }

  buffered(): number {
    return this.size;
  }

  onDrain(fn: () => void): void {
    this.drainHandlers.push(fn);
  }

  onClose(fn: () => void): void {
    if (this.closed) fn();
    else this.closeHandlers.push(fn);
  }

  /** The reader has stopped: drops unread data. */
  leave(reason?: unknown): void {
    if (this.closed) return;
    this.closed = true;
    this.failure = reason;
    this.queue = [];
    for (const handler of this.closeHandlers.splice(0)) handler();
    this.wake?.();
  }

  async *batches(): AsyncGenerator<T[]> {
    try {
      for (;;) {
        const ready = this.queue;
        if (ready.length > 0) {
          this.queue = [];
          this.size = 0;
          for (const handler of this.drainHandlers) handler();
          yield ready;
          continue;
        }
        if (this.closed && this.failure !== undefined) throw this.failure;
        if (this.ended || this.closed) return;
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
        this.wake = undefined;
      }
    } finally {
      this.leave();
    }
  }
}

class ChunkQueue extends QueueSink<Buffer> implements Sink {
  write(chunk: Buffer): boolean {
    this.push(chunk, chunk.length);
    return this.buffered() < highWaterBytes;
  }

  async *items(): AsyncGenerator<Buffer> {
    for await (const ready of this.batches()) yield ready.length === 1 ? ready[0]! : Buffer.concat(ready);
  }
}

type Event = WatchEvent<KubeObject>;

/** Bytes that an event counts for: its object belongs to the cache, but a blocked reader must not keep old objects forever. */
const eventSize = 1024;

class EventQueue extends QueueSink<Event> implements Sink {
  readonly events = (events: readonly Event[]): void => {
    for (const event of events) this.push(event, eventSize);
  };

  write(): boolean {
    throw new Unsupported('a watch of objects has no bytes');
  }

  items(): AsyncGenerator<Event[]> {
    return this.batches();
  }
}
