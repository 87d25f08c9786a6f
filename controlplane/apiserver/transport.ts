// The client's transport inside the server process: a request goes straight to the handler, as a given user, without TLS
// and without a socket.
import { Unavailable } from '../base/errors';
import type { Request, Response, Transport } from '../client/client';
import type { ApiHandler } from './handler';
import type { ApiRequest, Sink, UserInfo } from './request';

/** A reader this far behind is asked to be waited for. */
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
      return { status: reply.status, headers, body: once(reply.body) };
    }
    const queue = new ChunkQueue();
    const leave = () => queue.leave(signal?.reason);
    if (signal?.aborted) {
      // A watch subscribes before its answer starts: only a sink that is closed from the start makes it let go.
      leave();
      reply.start(queue);
      throw signal.reason;
    }
    signal?.addEventListener('abort', leave, { once: true });
    queue.onClose(() => signal?.removeEventListener('abort', leave));
    reply.start(queue);
    return { status: reply.status, headers, body: queue.chunks() };
  }

  close(): void {
    this.closed = true;
  }
}

function toApiRequest({ method, path, headers = {}, body = '' }: Request, user: UserInfo): ApiRequest {
  const mark = path.indexOf('?');
  const lower: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) lower[name.toLowerCase()] = value;
  return {
    method,
    path: mark < 0 ? path : path.slice(0, mark),
    search: mark < 0 ? '' : path.slice(mark + 1),
    headers: lower,
    user,
    body: async () => Buffer.from(body),
  };
}

async function* once(body: Buffer): AsyncGenerator<Buffer> {
  yield body;
}

/** A sink whose chunks are read as an async iterable; when the reader stops early, the writer is told. */
class ChunkQueue implements Sink {
  private queue: Buffer[] = [];
  private size = 0;
  private ended = false;
  private closed = false;
  private failure: unknown;
  private wake: (() => void) | undefined;
  private readonly closeHandlers: Array<() => void> = [];
  private readonly drainHandlers: Array<() => void> = [];

  write(chunk: Buffer): boolean {
    if (this.ended || this.closed) return true;
    this.queue.push(chunk);
    this.size += chunk.length;
    this.wake?.();
    return this.size < highWaterBytes;
  }

  end(): void {
    this.ended = true;
    this.wake?.();
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

  /** The reader is gone; what it had not read is dropped. */
  leave(reason?: unknown): void {
    if (this.closed) return;
    this.closed = true;
    this.failure = reason;
    this.queue = [];
    for (const handler of this.closeHandlers.splice(0)) handler();
    this.wake?.();
  }

  async *chunks(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const ready = this.queue;
        if (ready.length > 0) {
          this.queue = [];
          this.size = 0;
          for (const handler of this.drainHandlers) handler();
          yield ready.length === 1 ? ready[0]! : Buffer.concat(ready);
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
