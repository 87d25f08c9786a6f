// HTTPS requests that never retry: a client that repeats a request on its own would hide what happened to the first one.

import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { connectInNetns } from '../../../dataplane/netns/connect';
import type { Netns } from '../../../dataplane/netns/netns';

export interface Endpoint {
  /** An address. */
  readonly host: string;
  readonly port: number;
  /** The namespace in which the client is; absent: that of this process. */
  readonly from?: Netns;
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

/** No answer. `isUnsent`: there was no connection to any server, so none can have seen the request. */
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
    const options = { ...credentials, keepAlive: true, maxSockets: 4 };
    const { from } = endpoint;
    this.agent = from ? new AgentInNetns(from, endpoint, options) : new Agent(options);
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
      const { host, port } = this.endpoint;
      const outgoing = request({ host, port, method, path, headers, agent: this.agent, signal });
      let hasSocket = false;
      outgoing.on('socket', () => {
        hasSocket = true;
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        // The same error of a later call (EHOSTUNREACH of a read) says nothing about what was sent before.
        reject(new NoAnswer(messageOf(error), !hasSocket || error.syscall === 'connect'));
      });
      outgoing.on('response', (response) => resolve({ response, stop: () => outgoing.destroy() }));
      outgoing.end(data);
    });
  }
}

/** Gives a request its socket only when the TLS handshake is over, so a request without a socket was not sent. */
class AgentInNetns extends Agent {
  private readonly closing = new AbortController();

  constructor(
    private readonly netns: Netns,
    private readonly endpoint: Endpoint,
    private readonly credentials: Credentials & { readonly keepAlive: boolean; readonly maxSockets: number },
  ) {
    super(credentials);
  }

  override createConnection(_: unknown, done?: (error: Error | null, socket: Duplex) => void): undefined {
    void this.connect().then(
      (socket) => done?.(null, socket),
      // The types of Node.js demand a socket with the error, which has none.
      (error: Error) => (done as ((error: Error) => void) | undefined)?.(error),
    );
  }

  override destroy(): void {
    this.closing.abort();
    super.destroy();
  }

  private async connect(): Promise<Duplex> {
    const { host, port } = this.endpoint;
    const { ca, cert, key } = this.credentials;
    const signal = AbortSignal.any([AbortSignal.timeout(answerMs), this.closing.signal]);
    const socket = await connectInNetns(this.netns, { host, port, signal });
    return new Promise((resolve, reject) => {
      const secure = connectTls({ socket, ca, cert, key, host });
      const giveUp = () => secure.destroy(new Error('no TLS connection'));
      signal.addEventListener('abort', giveUp, { once: true });
      secure.once('error', reject);
      secure.once('secureConnect', () => {
        signal.removeEventListener('abort', giveUp);
        secure.off('error', reject);
        resolve(secure);
      });
    });
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
