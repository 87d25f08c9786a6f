// Sends a review to a webhook over HTTPS: kept-alive connections, a deadline, a bounded answer, and no redirect.
import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { defaultServicePort, type WebhookClientConfig } from '../../api/webhooks/types';
import { describeError } from '../../base/errors';
import type { Cache } from '../cache/cache';
import { maxBodyBytes } from '../http/body';
import { answerFailure, dialFailure } from './call-errors';
import { type Address, resolveService } from './service-address';

/** An idle connection is closed after this time, before most servers close it. */
const idleMs = 60_000;
const maxIdleConnections = 16;
/** Pools of connections, one for each name and authority; the pool that was used least recently goes first. */
const maxPools = 200;

/** What one call needs to know of a webhook. */
interface Destination extends Address {
  /** The name in the certificate; absent: the host. */
  readonly serverName?: string;
  /** As messages and the Host header show it. */
  readonly origin: string;
  readonly path: string;
}

export class WebhookClient {
  private readonly pools = new Map<string, Agent>();
  private closed = false;

  constructor(
    private readonly cache: Cache,
    private readonly random: () => number,
  ) {}

  /** As `post`, with upstream's words for admission before a failure. */
  async call(config: WebhookClientConfig, body: string, timeoutSeconds: number): Promise<Buffer> {
    try {
      return await this.post(config, body, timeoutSeconds);
    } catch (err) {
      throw new Error(`failed to call webhook: ${describeError(err)}`);
    }
  }

  /** Resolves with the body of a successful answer. @throws Error with the text of Go's client */
  async post(config: WebhookClientConfig, body: string, timeoutSeconds: number): Promise<Buffer> {
    const query = `?timeout=${timeoutSeconds}s`;
    let to: Destination | undefined;
    let response: Answer;
    try {
      to = this.destination(config);
      response = await this.send(to, query, body, { config, timeoutMs: timeoutSeconds * 1000 });
    } catch (err) {
      throw new Error(
        `Post ${JSON.stringify(`${originOf(config)}${pathOf(config)}${query}`)}: ${dialFailure(err, to)}`,
      );
    }
    const { status, body: answer, type } = response;
    if (status < 200 || status > 206) throw new Error(answerFailure(status, answer, type));
    if (answer.length > 0) return answer;
    throw new Error(`0-length response with status code: ${status} and content type: ${type}`);
  }

  /** Closes idle connections now, the others when their answer ends. */
  close(): void {
    this.closed = true;
    for (const pool of this.pools.values()) retire(pool);
    this.pools.clear();
  }

  private destination(config: WebhookClientConfig): Destination {
    const origin = originOf(config);
    const path = pathOf(config);
    const { service } = config;
    if (!service) {
      const { hostname, port } = new URL(origin);
      return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443), origin, path };
    }
    const port = service.port ?? defaultServicePort;
    const { namespace, name } = service;
    return {
      ...resolveService(this.cache, { namespace, name, port }, this.random),
      serverName: `${name}.${namespace}.svc`,
      origin,
      path,
    };
  }

  private async send(to: Destination, query: string, body: string, call: Call): Promise<Answer> {
    try {
      return await this.exchange(to, query, body, call);
    } catch (err) {
      // The webhook closed an idle connection at the moment it was used: it has not read the review.
      if (err instanceof StaleConnection && !this.closed) return this.exchange(to, query, body, call);
      throw err;
    }
  }

  private exchange(to: Destination, query: string, body: string, { config, timeoutMs }: Call): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = httpsRequest(
        {
          host: to.host,
          port: to.port,
          path: `${to.path}${query}`,
          method: 'POST',
          agent: this.pool(to, config.caBundle ?? ''),
          headers: {
            host: to.origin.slice('https://'.length),
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            accept: 'application/json, */*',
            'user-agent': 'kube-apiserver-admission',
          },
        },
        (response) => readAnswer(response).then(resolve, reject),
      );
      const deadline = setTimeout(() => request.destroy(new Error('context deadline exceeded')), timeoutMs);
      request.on('close', () => clearTimeout(deadline));
      request.on('error', (err: NodeJS.ErrnoException) => {
        const stale = request.reusedSocket && (err.code === 'ECONNRESET' || err.code === 'EPIPE');
        reject(stale ? new StaleConnection(err.message, { cause: err }) : err);
      });
      request.end(body);
    });
  }

  private pool({ serverName }: Destination, caBundle: string): Agent {
    const key = JSON.stringify([serverName, caBundle]);
    let pool = this.pools.get(key);
    if (pool) this.pools.delete(key);
    else {
      pool = new Agent({
        keepAlive: true,
        maxFreeSockets: maxIdleConnections,
        timeout: idleMs,
        ...(caBundle === '' ? {} : { ca: Buffer.from(caBundle, 'base64') }),
        ...(serverName === undefined ? {} : { servername: serverName }),
      });
    }
    // The last of the map is the one used last.
    this.pools.set(key, pool);
    if (this.pools.size > maxPools) {
      const [oldest, unused] = this.pools.entries().next().value!;
      this.pools.delete(oldest);
      retire(unused);
    }
    return pool;
  }
}

interface Call {
  readonly config: WebhookClientConfig;
  readonly timeoutMs: number;
}
interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** The header Content-Type; '' when it is absent. */
  readonly type: string;
}

class StaleConnection extends Error {}

/** Requests that run keep their connection. */
function retire(pool: Agent): void {
  pool.maxFreeSockets = 0;
  for (const idle of Object.values(pool.freeSockets)) for (const socket of idle ?? []) socket.destroy();
}

function originOf({ url, service }: WebhookClientConfig): string {
  if (!service) return new URL(url ?? '').origin;
  return `https://${service.name}.${service.namespace}.svc:${service.port ?? defaultServicePort}`;
}

function pathOf({ url, service }: WebhookClientConfig): string {
  if (!service) return new URL(url ?? '').pathname;
  const path = service.path ?? '';
  return path.startsWith('/') ? encodeURI(path) : `/${encodeURI(path)}`;
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) {
      response.destroy();
      throw new Error(`the answer is larger than ${maxBodyBytes} bytes`);
    }
    chunks.push(chunk);
  }
  const type = response.headers['content-type'] ?? '';
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks), type };
}
