// Forwards one request to an endpoint and the answer to the client, through undici's dispatcher: no copies, back-pressure both
// ways. A request is tried on another endpoint only when that is safe: when the connection was refused before a byte was sent, or
// when an idempotent request without a body lost its connection before an answer began.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Dispatcher } from 'undici';
import type { Backends, Endpoint, Upstream } from './backends';
import { type Failure, failureOf, kindOf, noEndpoints } from './failure';
import { responseHeaders, trailersOf } from './headers';
import type { BackendId } from './routes';

export type ProxyRequest = IncomingMessage | Http2ServerRequest;
/** Http2ServerResponse has the same interface, except for the status message, which only HTTP/1 has. */
export type ProxyResponse = ServerResponse;

export interface ForwardJob {
  readonly backends: Backends;
  readonly backend: BackendId;
  readonly request: ProxyRequest;
  readonly response: ProxyResponse;
  readonly headers: string[];
  readonly hasBody: boolean;
  /** Called with each endpoint that is tried. */
  readonly onTry: (endpoint: Endpoint) => void;
  /** Answers with a status of our own. */
  readonly fail: (failure: Failure) => void;
}

const maxTries = 3;
const headersTimeoutMs = 60_000;
const bodyTimeoutMs = 300_000;
const singleWriteBytes = 16 * 1024;
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS']);

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
  private wrote = false;
  /** The error of the last endpoint. */
  private lastError: (Error & { code?: string }) | undefined;

  constructor(private readonly job: ForwardJob) {}

  start(): void {
    this.job.response.on('close', this.onClientClose);
    this.attempt();
  }

  private attempt(): void {
    const { backends, backend, request, headers, hasBody } = this.job;
    const upstream = backends.next(backend, this.tried);
    if (!upstream) {
      this.fail(this.lastError ?? new Error('no endpoint left'));
      return;
    }
    this.tried.push(upstream);
    this.job.onTry(upstream);
    try {
      upstream.dispatcher.dispatch(
        {
          path: request.url!,
          method: request.method as Dispatcher.HttpMethod,
          headers,
          body: hasBody ? request : null,
          headersTimeout: headersTimeoutMs,
          bodyTimeout: bodyTimeoutMs,
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
    const { response } = this.job;
    this.expected = Number(headers['content-length'] ?? -1);
    const list = responseHeaders(headers, status);
    // Throws for a status that HTTP/2 does not have. undici then reports the error, and the client has received nothing yet.
    if (this.job.request.httpVersionMajor === 2) response.writeHead(status, list);
    else response.writeHead(status, message, list);
    this.started = true;
    // A body in the same packet is sent together with the headers. When no body follows yet (events, long polls), the headers
    // must not wait for it.
    if (this.expected < 0) process.nextTick(this.onTick);
  }

  private readonly onTick = (): void => {
    if (!this.done && !this.wrote && !this.job.response.destroyed) this.job.response.flushHeaders?.();
  };

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { response } = this.job;
    if (chunk.length === this.expected && chunk.length <= singleWriteBytes) {
      // The body is complete: as a string, Node sends it in the same system call as the headers.
      this.done = true;
      response.end(chunk.toString('latin1'), 'latin1');
      return;
    }
    this.wrote = true;
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
    for (const [name, value] of trailersOf(trailers)) response.addTrailers({ [name]: value });
    response.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error & { code?: string }): void {
    if (this.done) return;
    const { request, response, hasBody, backends } = this.job;
    const upstream = this.tried.at(-1)!;
    const code = error.code ?? '';
    if (this.started) {
      // The headers are sent already: only a closed connection shows the client that the body is incomplete.
      this.done = true;
      response.destroy(error);
      return;
    }
    this.lastError = error;
    const kind = kindOf(code);
    if (kind === 'notConnected') backends.refused(upstream);
    const isUnsent = !hasBody || (!request.readableDidRead && !request.destroyed);
    const mayRepeat =
      kind === 'notConnected' ? isUnsent : kind === 'lost' && !hasBody && idempotent.has(request.method!);
    if (mayRepeat && this.tried.length < maxTries) this.attempt();
    else this.fail(error);
  }

  private fail(error: Error & { code?: string }): void {
    const { backends, backend, fail } = this.job;
    const upstream = this.tried.at(-1);
    this.done = true;
    fail(
      upstream
        ? failureOf(error, backend, `${upstream.address}:${upstream.port}`, this.tried.length)
        : noEndpoints(backend, backends.problem(backend)),
    );
  }
}
