// Serves the group versions of remote APIServices: authorizes each request as this server's own, then sends it to the API server behind
// the Service with the user in its headers. While there are no remote APIServices, a request costs the look at an empty map.
import type { ClientRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { type APIService, apiServiceName, apiServices } from '../../api/api-service';
import { isConditionTrue } from '../../api/conditions';
import { isSame } from '../../api/validation/difference';
import { type Authorizer, deniedPath, deniedResource, noteDecision, whenPrepared } from '../authz/authorizer';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';
import { bodyHeaders, hasBody, sendBody } from '../proxy/outgoing-body';
import { type ApiRequest, header, queryFlag, queryOf, type Reply } from '../request';
import { groupVersionOf, kindOf, type RemotePath, readRemotePath } from '../servers/request-info';
import type { Match, ResourceServer } from '../servers/server';
import { decoded, isRedirect, joinUpgraded, plainError, redirectRefused, streamed } from './answers';
import { forwardedHeaders, proxiedHeaders } from './proxied-headers';
import { type ProxyKeys, Remote, Unreachable, Unresolved } from './remote';

/** A remote APIService, and how to reach its server. */
export interface Aggregated {
  readonly object: APIService;
  /** Absent when the certificates of the APIService cannot be used. */
  readonly remote?: Remote;
  readonly failure?: string;
}

export interface AggregatorDeps {
  readonly cache: Cache;
  readonly authorizer: Authorizer;
  readonly keys: ProxyKeys;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

export class Aggregator implements ResourceServer {
  private readonly services = new Map<string, Aggregated>();
  private readonly listeners = new Set<(name: string) => void>();
  private keys: ProxyKeys;

  constructor(private readonly deps: AggregatorDeps) {
    this.keys = deps.keys;
  }

  /** Resolves when all APIServices are known; follows them until the signal is aborted. */
  async open(): Promise<void> {
    const { cache, signal } = this.deps;
    signal.addEventListener('abort', () => this.close(), { once: true });
    await followKind(cache, apiServices, (previous, current) => this.changed(previous, current), signal);
  }

  /** Remote APIServices by their names. */
  all(): ReadonlyMap<string, Aggregated> {
    return this.services;
  }

  /** Calls `fn` with the name of each remote APIService that changed, came or went. */
  onChange(fn: (name: string) => void): void {
    this.listeners.add(fn);
  }

  /** New connections use this certificate. */
  renew(keys: ProxyKeys): void {
    this.keys = keys;
    for (const [name, { object, remote }] of this.services) {
      remote?.close();
      this.services.set(name, this.aggregated(object));
    }
  }

  match(request: ApiRequest): Match | undefined {
    if (this.services.size === 0) return undefined;
    const found = groupVersionOf(request.path);
    const service = found && this.services.get(apiServiceName(found));
    if (!service) return undefined;
    const watch = request.search !== '' && queryFlag(queryOf(request), 'watch');
    const path = readRemotePath(request.method, request.path, watch)!;
    return {
      authorize: () => this.authorize(request, path),
      serve: () => serve(service, request, path),
      upgrade: async (socket, head) => {
        await this.authorize(request, path);
        await upgrade(service, request, path, { socket, head });
      },
    };
  }

  private authorize(request: ApiRequest, remote: RemotePath): void | Promise<void> {
    const asked = remote.attributes ?? { verb: request.method.toLowerCase(), path: remote.path };
    return whenPrepared(this.deps.authorizer, request.user, asked, () => this.decide(request, remote));
  }

  private decide(request: ApiRequest, { attributes, path, version }: RemotePath): void {
    const { authorizer } = this.deps;
    const { user, method } = request;
    const verb = attributes?.verb ?? method.toLowerCase();
    const allowed = attributes ? authorizer.allowsResource(user, attributes) : authorizer.allowsPath(user, verb, path);
    noteDecision(authorizer, request, attributes ?? { verb, path }, allowed);
    if (allowed) return;
    if (!attributes) throw deniedPath(authorizer, user, verb, path);
    throw deniedResource(authorizer, user, attributes, kindOf(attributes, version));
  }

  private changed(previous: APIService | undefined, current: APIService | undefined): void {
    const name = (current ?? previous)?.metadata?.name ?? '';
    const before = this.services.get(name);
    if (!current?.spec?.service) {
      if (!before) return;
      before.remote?.close();
      this.services.delete(name);
    } else if (before && isSame(before.object.spec, current.spec)) {
      this.services.set(name, { ...before, object: current });
    } else {
      before?.remote?.close();
      this.services.set(name, this.aggregated(current));
    }
    for (const fn of this.listeners) fn(name);
  }

  private aggregated(object: APIService): Aggregated {
    const { cache, random } = this.deps;
    try {
      return { object, remote: new Remote(cache, object.spec!, this.keys, random) };
    } catch (err) {
      return { object, failure: err instanceof Error ? err.message : String(err) };
    }
  }

  private close(): void {
    for (const { remote } of this.services.values()) remote?.close();
  }
}

async function serve(
  { object, remote, failure }: Aggregated,
  request: ApiRequest,
  { path }: RemotePath,
): Promise<Reply> {
  if (!isConditionTrue(object, 'Available')) return plainError('service unavailable', 503);
  if (!remote) return plainError(failure ?? '', 500);
  const { method, search } = request;
  const target = search === '' ? path : `${path}?${search}`;
  try {
    const headers = { ...proxiedHeaders(request), ...forwardedHeaders(request), ...bodyHeaders(request) };
    const body = hasBody(request) ? { send: (outgoing: ClientRequest) => sendBody(request, outgoing) } : {};
    const response = await remote.send({ method, path: target, headers, ...body });
    if (isRedirect(response)) {
      response.destroy();
      return redirectRefused();
    }
    if (!request.decoded) return streamed(response);
    return await decoded(response, queryFlag(queryOf(request), 'watch'));
  } catch (err) {
    if (err instanceof Unresolved || err instanceof Unreachable) return plainError(err.message, 503);
    throw err;
  }
}

async function upgrade(
  { object, remote }: Aggregated,
  request: ApiRequest,
  { path }: RemotePath,
  client: { readonly socket: Duplex; readonly head: Buffer },
): Promise<void> {
  const { method, search, headers } = request;
  const refuse = (status: number, text: string) =>
    client.socket.end(rawAnswer(status, 'text/plain; charset=utf-8', text));
  if (!isConditionTrue(object, 'Available') || !remote) {
    refuse(503, 'service unavailable\n');
    return;
  }
  const passed = {
    ...proxiedHeaders(request),
    ...forwardedHeaders(request),
    connection: 'Upgrade',
    upgrade: header(headers, 'upgrade'),
  };
  const abort = new AbortController();
  client.socket.once('close', () => abort.abort());
  try {
    const target = search === '' ? path : `${path}?${search}`;
    const answer = await remote.upgrade({ method, path: target, headers: passed, signal: abort.signal });
    if ('socket' in answer && 'response' in answer) {
      joinUpgraded(client, answer);
      return;
    }
    answer.on('error', () => client.socket.destroy());
    const { statusCode = 502, headers: answered } = answer;
    client.socket.write(rawHead(statusCode, answered['content-type'] ?? 'text/plain'));
    answer.pipe(client.socket);
  } catch (err) {
    if (client.socket.destroyed) return;
    if (!(err instanceof Unresolved || err instanceof Unreachable)) throw err;
    refuse(503, `${err.message}\n`);
  }
}

/** The answer ends with its connection. */
const rawHead = (status: number, type: string): string =>
  `HTTP/1.1 ${status} ${status === 503 ? 'Service Unavailable' : 'Answer'}\r\nContent-Type: ${type}\r\nConnection: close\r\n\r\n`;
const rawAnswer = (status: number, type: string, text: string): string => rawHead(status, type) + text;
