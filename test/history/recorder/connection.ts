// HTTPS requests that never retry: a client that repeats a request on its own would hide what happened to the first one.

import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';

export interface Endpoint {
  readonly port: number;
}
/** PEM texts. */
export interface Credentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly type?: string;
}
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** No answer. `isUnsent`: no server took the connection, so none can have seen the request. */
export class NoAnswer extends Error {
  constructor(
    message: string,
    readonly isUnsent: boolean,
  ) {
    super(message);
  }
}

/** Longer than a server needs, shorter than a frozen one stays frozen. */
const answerMs = 2_500;

export class Connection {
  private readonly agent: Agent;

  constructor(
    private readonly endpoint: Endpoint,
    credentials: Credentials,
  ) {
    this.agent = new Agent({ ...credentials, keepAlive: true, maxSockets: 4 });
  }

  close(): void {
    this.agent.destroy();
  }

  /** @throws NoAnswer */
  async call(call: Call): Promise<Answer> {
    const { response, stop } = await this.open(call, AbortSignal.timeout(answerMs));
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      const isJson = response.headers['content-type']?.includes('json') ?? false;
      return { status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text };
    } catch (error) {
      stop();
      throw new NoAnswer(`the answer broke off: ${messageOf(error)}`, false);
    }
  }

  /** The lines of a watch, one by one; ends when the server or the signal ends it. @throws NoAnswer */
  async *lines(path: string, signal: AbortSignal): AsyncGenerator<{ readonly status: number; readonly line: unknown }> {
    const { response, stop } = await this.open({ method: 'GET', path }, signal);
    const status = response.statusCode ?? 0;
    try {
      let unread = '';
      response.setEncoding('utf8');
      for await (const chunk of response) {
        const lines = (unread + chunk).split('\n');
        unread = lines.pop() ?? '';
        for (const line of lines) yield { status, line: JSON.parse(line) };
      }
      if (unread !== '' && status !== 200) yield { status, line: JSON.parse(unread) };
    } catch (error) {
      if (!signal.aborted) throw new NoAnswer(`the watch broke off: ${messageOf(error)}`, false);
    } finally {
      // After a complete answer the connection may serve another request already.
      if (!response.complete) stop();
    }
  }

  private open({ method, path, body, type = 'application/json' }: Call, signal: AbortSignal) {
    const data = body === undefined ? undefined : JSON.stringify(body);
    const headers = data === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(data) };
    return new Promise<{ response: IncomingMessage; stop: () => void }>((resolve, reject) => {
      const { port } = this.endpoint;
      const outgoing = request({ host: '127.0.0.1', port, method, path, headers, agent: this.agent, signal });
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        reject(new NoAnswer(messageOf(error), error.code === 'ECONNREFUSED'));
      });
      outgoing.on('response', (response) => resolve({ response, stop: () => outgoing.destroy() }));
      outgoing.end(data);
    });
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
