// A Transport whose answers a test writes: requests wait in order until the test takes and answers them.
import type { Request, Response, Transport } from '../../controlplane/client/client';

/** A body that the test writes: chunks, then an end or a failure. */
export class ScriptedBody implements AsyncIterable<Buffer> {
  private readonly items: Array<{ chunk: Buffer } | { end: true } | { error: Error }> = [];
  private wake = () => {};

  send(text: string | Buffer): this {
    this.items.push({ chunk: Buffer.from(text) });
    this.wake();
    return this;
  }
  /** One watch event as a line. */
  event(type: string, object: unknown): this {
    return this.send(`${JSON.stringify({ type, object })}\n`);
  }
  end(): this {
    this.items.push({ end: true });
    this.wake();
    return this;
  }
  fail(error: Error): this {
    this.items.push({ error });
    this.wake();
    return this;
  }
  async *read(signal?: AbortSignal): AsyncGenerator<Buffer> {
    const onAbort = () => this.wake();
    signal?.addEventListener('abort', onAbort);
    try {
      for (;;) {
        signal?.throwIfAborted();
        const item = this.items.shift();
        if (!item) {
          await new Promise<void>((resolve) => {
            this.wake = resolve;
          });
        } else if ('chunk' in item) yield item.chunk;
        else if ('error' in item) throw item.error;
        else return;
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }
  [Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    return this.read();
  }
}

export interface PendingRequest {
  readonly request: Request;
  /** The path without its query, and the query parsed. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The request's body as JSON. */
  readonly body: unknown;
  /** Answers with a JSON body. */
  reply(body: unknown, status?: number): void;
  /** Answers with a body that stays open: a watch. */
  stream(): ScriptedBody;
  /** The connection fails. */
  fail(error: Error): void;
}

export class FakeTransport implements Transport {
  private readonly requests: PendingRequest[] = [];
  private readonly takers: Array<(request: PendingRequest) => void> = [];
  closed = false;

  send(request: Request): Promise<Response> {
    return new Promise((resolve, reject) => {
      if (request.signal?.aborted) return reject(request.signal.reason);
      request.signal?.addEventListener('abort', () => reject(request.signal?.reason), { once: true });
      const url = new URL(request.path, 'http://fake');
      const pending: PendingRequest = {
        request,
        path: url.pathname,
        query: url.searchParams,
        body: request.body === undefined ? undefined : JSON.parse(request.body),
        reply: (body, status = 200) => {
          const stream = new ScriptedBody().send(JSON.stringify(body)).end();
          resolve({ status, headers: {}, body: stream.read(request.signal) });
        },
        stream: () => {
          const stream = new ScriptedBody();
          resolve({ status: 200, headers: {}, body: stream.read(request.signal) });
          return stream;
        },
        fail: reject,
      };
      const taker = this.takers.shift();
      if (taker) taker(pending);
      else this.requests.push(pending);
    });
  }

  /** Waits for the next request and takes it; requests come in the order in which they were sent. */
  next(): Promise<PendingRequest> {
    const request = this.requests.shift();
    if (request) return Promise.resolve(request);
    return new Promise((resolve) => this.takers.push(resolve));
  }

  /** The number of requests that the test has not taken yet. */
  get waiting(): number {
    return this.requests.length;
  }

  close(): void {
    this.closed = true;
  }
}
