// Carries one request to an endpoint and its answer back, through undici's dispatcher: no copies, back-pressure both ways.
// A request is tried on another endpoint only where that is safe: when the connection was refused before a byte was sent,
// or when an idempotent request without a body lost its connection before an answer began.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Dispatcher } from 'undici';
import type { Backends, Upstream } from './backends';
import { responseHeaders } from './headers';
import type { BackendId } from './routes';

export type ProxyRequest = IncomingMessage | Http2ServerRequest;
/** Http2ServerResponse mirrors this interface; only the status message is HTTP/1 alone. */
export type ProxyResponse = ServerResponse;

export interface ForwardJob {
  readonly backends: Backends;
  readonly backend: BackendId;
  readonly request: ProxyRequest;
  readonly response: ProxyResponse;
  readonly headers: string[];
  readonly hasBody: boolean;
  /** Answers with a status of our own: 502, 503, 504. */
  readonly fail: (status: number, reason: string) => void;
}

const MAX_TRIES = 3;
const HEADERS_TIMEOUT_MS = 60_000;
const BODY_TIMEOUT_MS = 300_000;
const SINGLE_WRITE_BYTES = 16 * 1024;
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
const notConnected = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT']);
const lost = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

export function forward(job: ForwardJob): void {
  new Forwarding(job).start();
}

class Forwarding implements Dispatcher.DispatchHandler {
  private readonly tried: Upstream[] = [];
  private controller: Dispatcher.DispatchController | undefined;
  private started = false;
  /** The length the backend announced; -1 when it announced none. */
  private expected = -1;
  private done = false;

  constructor(private readonly job: ForwardJob) {}

  start(): void {
    this.job.response.on('close', this.onClientClose);
    this.attempt();
  }

  private attempt(): void {
    const { backends, backend, request, headers, hasBody } = this.job;
    const upstream = backends.next(backend, this.tried);
    if (!upstream) {
      const reason =
        this.tried.length === 0
          ? `service ${backend} has no ready endpoints`
          : `none of ${this.tried.length} endpoints of ${backend} accepted a connection`;
      this.finishWith(this.tried.length === 0 ? 503 : 502, reason);
      return;
    }
    this.tried.push(upstream);
    try {
      upstream.dispatcher.dispatch(
        {
          path: request.url!,
          method: request.method as Dispatcher.HttpMethod,
          headers,
          body: hasBody ? request : null,
          headersTimeout: HEADERS_TIMEOUT_MS,
          bodyTimeout: BODY_TIMEOUT_MS,
        },
        this,
      );
    } catch (err) {
      this.onResponseError(undefined, err as Error);
    }
  }

  private readonly onClientClose = (): void => {
    if (this.done) return;
    this.done = true;
    this.controller?.abort(new Error('the client went away'));
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.done) controller.abort(new Error('the client went away'));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    message?: string,
  ): void {
    if (status < 200) return;
    this.started = true;
    const { response } = this.job;
    this.expected = Number(headers['content-length'] ?? -1);
    const list = responseHeaders(headers);
    if (this.job.request.httpVersionMajor === 2) response.writeHead(status, list);
    else response.writeHead(status, message, list);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { response } = this.job;
    if (chunk.length === this.expected && chunk.length <= SINGLE_WRITE_BYTES) {
      // The whole body in one piece: as a string it leaves in the same system call as the headers.
      this.done = true;
      response.end(chunk.toString('latin1'), 'latin1');
      return;
    }
    if (!response.write(chunk)) {
      controller.pause();
      response.once('drain', () => controller.resume());
    }
  }

  onResponseEnd(
    _controller: Dispatcher.DispatchController,
    trailers: Record<string, string | string[] | undefined>,
  ): void {
    const { response } = this.job;
    if (this.done) return;
    this.done = true;
    for (const name in trailers) response.addTrailers({ [name]: String(trailers[name]) });
    response.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error & { code?: string }): void {
    if (this.done) return;
    const { request, response, hasBody, backends } = this.job;
    const upstream = this.tried.at(-1)!;
    const code = error.code ?? '';
    if (this.started) {
      // Headers are out: only cutting the connection tells the client that the body is incomplete.
      this.done = true;
      response.destroy(error);
      return;
    }
    if (notConnected.has(code)) {
      backends.refused(upstream);
      const bodyUntouched = !hasBody || (!request.readableDidRead && !request.destroyed);
      if (bodyUntouched && this.tried.length < MAX_TRIES) {
        this.attempt();
        return;
      }
    } else if (lost.has(code) && !hasBody && idempotent.has(request.method!) && this.tried.length < MAX_TRIES) {
      this.attempt();
      return;
    }
    const timedOut = code === 'UND_ERR_HEADERS_TIMEOUT';
    this.finishWith(timedOut ? 504 : 502, `endpoint ${upstream.address}:${upstream.port}: ${error.message || code}`);
  }

  private finishWith(status: number, reason: string): void {
    this.done = true;
    this.job.fail(status, reason);
  }
}
