// One API server behind a Service: sends requests to one of the Service's endpoints, with the front proxy's certificate. Connections
// are kept open.
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { APIService } from '../../api/api-service';
import { defaultServicePort } from '../../api/webhooks/types';
import type { Cache } from '../cache/cache';
import { dialFailure } from '../webhooks/call-errors';
import { type Address, resolveService } from '../webhooks/service-address';
import type { OutgoingHeaders } from './proxied-headers';

/** PEM texts: the certificate that proves this server to aggregated API servers. */
export interface ProxyKeys {
  readonly certificate: string;
  readonly key: string;
}

const connectTimeoutMs = 10_000;
const idleMs = 60_000;
const maxIdleConnections = 16;

type Spec = NonNullable<APIService['spec']>;

export interface RemoteRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: OutgoingHeaders;
  /** Sends the body, and ends the request. Default: there is none. */
  readonly send?: (outgoing: ClientRequest) => void;
  /** Ends the request, and the answer that is being read. */
  readonly signal?: AbortSignal;
}

/** The Service or its endpoints are missing; the client learns only that the service is not available. */
export class Unresolved extends Error {}
/** No answer came. The message is that of Go's client. */
export class Unreachable extends Error {}
class StaleConnection extends Unreachable {}

export interface Upgraded {
  readonly response: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

export class Remote {
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
  private readonly agent: Agent;

  /** @throws Error for a caBundle that is not PEM */
  constructor(
    private readonly cache: Cache,
    { service, caBundle = '', insecureSkipTLSVerify = false }: Spec,
    keys: ProxyKeys,
    private readonly random: () => number,
  ) {
    const { namespace = '', name = '', port = defaultServicePort } = service ?? {};
    this.namespace = namespace;
    this.service = name;
    this.port = port;
    this.agent = new Agent({
      keepAlive: true,
      maxFreeSockets: maxIdleConnections,
      timeout: idleMs,
      cert: keys.certificate,
      key: keys.key,
      servername: `${name}.${namespace}.svc`,
      rejectUnauthorized: !insecureSkipTLSVerify,
      ...(caBundle === '' ? {} : { ca: Buffer.from(caBundle, 'base64') }),
    });
  }

  /** Closes idle connections now, the others when their answer ends. */
  close(): void {
    this.agent.maxFreeSockets = 0;
    for (const idle of Object.values(this.agent.freeSockets)) for (const socket of idle ?? []) socket.destroy();
  }

  /** Resolves with the head of the answer. @throws Unresolved, Unreachable */
  async send(request: RemoteRequest, address = this.resolve()): Promise<IncomingMessage> {
    try {
      return await this.exchange(request, address);
    } catch (err) {
      // The server closed an idle connection at the moment it was used. A read can be repeated, whatever the server did with it.
      const isRead = !request.send && (request.method === 'GET' || request.method === 'HEAD');
      if (err instanceof StaleConnection && isRead) return this.exchange(request, address);
      throw err;
    }
  }

  private exchange(request: RemoteRequest, address: Address): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = this.open(address, request, reject);
      outgoing.on('response', resolve);
      if (request.send) request.send(outgoing);
      else outgoing.end();
    });
  }

  /** Resolves with the upgraded connection, or the answer of a server that did not upgrade. @throws Unresolved, Unreachable */
  async upgrade(request: RemoteRequest): Promise<Upgraded | IncomingMessage> {
    const address = this.resolve();
    return new Promise((resolve, reject) => {
      const outgoing = this.open(address, request, reject);
      outgoing.on('upgrade', (response, socket, head) => resolve({ response, socket, head }));
      outgoing.on('response', resolve);
      outgoing.end();
    });
  }

  /** One of the endpoints. @throws Unresolved */
  resolve(): Address {
    try {
      const service = { namespace: this.namespace, name: this.service, port: this.port };
      return resolveService(this.cache, service, this.random);
    } catch (cause) {
      throw new Unresolved('service unavailable', { cause });
    }
  }

  private open(address: Address, { method, path, headers, signal }: RemoteRequest, reject: (err: Error) => void) {
    const request = httpsRequest({
      host: address.host,
      port: address.port,
      method,
      path,
      agent: this.agent,
      headers: {
        ...headers,
        host: `${this.service}.${this.namespace}.svc`,
        'x-forwarded-host': address.host.includes(':')
          ? `[${address.host}]:${address.port}`
          : `${address.host}:${address.port}`,
        'x-forwarded-proto': 'https',
      },
      ...(signal ? { signal } : {}),
    });
    const slow = setTimeout(() => request.destroy(new Error('i/o timeout')), connectTimeoutMs);
    request.on('socket', (socket) => {
      if (request.reusedSocket) clearTimeout(slow);
      else socket.once('secureConnect', () => clearTimeout(slow));
    });
    request.on('close', () => clearTimeout(slow));
    request.on('error', (err: NodeJS.ErrnoException) => {
      const stale = request.reusedSocket && (err.code === 'ECONNRESET' || err.code === 'EPIPE');
      const Failure = stale ? StaleConnection : Unreachable;
      reject(new Failure(dialFailure(err, address), { cause: err }));
    });
    return request;
  }
}
