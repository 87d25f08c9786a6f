// pods/NAME/proxy and services/NAME/proxy: passes requests of any method, and upgraded connections, on to a pod. The certificate of a pod
// is not checked, as upstream: no authority is known for it.
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { joinUpgraded } from '../aggregator/answers';
import { forwardedHeaders, type OutgoingHeaders, passedHeaders } from '../aggregator/proxied-headers';
import type { Cache } from '../cache/cache';
import { cleanPath } from '../kubelet/path';
import { type FullReply, header, type Reply } from '../request';
import type { RestRequest } from '../rest/context';
import type { SubresourceHandler, UpgradeHandler } from '../servers/kind-server';
import { StatusError } from '../status';
import { dialFailure } from '../webhooks/call-errors';
import type { Address } from '../webhooks/service-address';
import { bodyHeaders, sendBody } from './outgoing-body';
import { answerOf } from './page-answer';
import type { ProxiedPage } from './rewrite-links';
import { type ProxyTarget, podTarget, serviceTarget } from './target';

const connectTimeoutMs = 10_000;
/** Of an answer; Node.js' default is 16 KiB. Clients in Go read much more. */
const maxAnswerHeaderBytes = 256 * 1024;

export interface BackendProxyOptions {
  readonly random: () => number;
  /** Where the address of a pod is reached; default: at the address. */
  readonly route?: (address: Address) => Address;
}

export class BackendProxy {
  private readonly agents = {
    http: new HttpAgent({ keepAlive: false }),
    https: new HttpsAgent({ keepAlive: false, rejectUnauthorized: false }),
  };

  constructor(
    private readonly cache: Cache,
    private readonly options: BackendProxyOptions,
  ) {}

  close(): void {
    this.agents.http.destroy();
    this.agents.https.destroy();
  }

  readonly handle: SubresourceHandler = async (rest) => {
    const target = this.target(rest);
    return withoutPath(rest) ?? this.pass(target, rest);
  };

  readonly upgrade: UpgradeHandler = async (rest, socket, head) => {
    const target = this.target(rest);
    const { request } = rest;
    const headers = {
      ...passedHeaders(request),
      ...forwardedHeaders(request),
      connection: 'Upgrade',
      upgrade: header(request.headers, 'upgrade'),
    };
    return new Promise((resolve, reject) => {
      const outgoing = this.open(target, rest, headers, reject);
      socket.once('close', () => outgoing.destroy());
      outgoing.on('upgrade', (response: IncomingMessage, backend, backendHead) => {
        joinUpgraded({ socket, head }, { response, socket: backend, head: backendHead });
        resolve();
      });
      outgoing.on('response', (response: IncomingMessage) => {
        response.resume();
        const status = response.statusCode ?? 502;
        reject(new StatusError(status, 'BadRequest', `the pod did not upgrade the connection: status ${status}`));
      });
      outgoing.end();
    });
  };

  private target({ route: { kind, namespace, name } }: RestRequest): ProxyTarget {
    return kind.plural === 'services'
      ? serviceTarget(this.cache, namespace, name, this.options.random)
      : podTarget(this.cache, namespace, name);
  }

  private async pass(target: ProxyTarget, rest: RestRequest): Promise<Reply> {
    const { request } = rest;
    const headers = { ...passedHeaders(request), ...forwardedHeaders(request), ...bodyHeaders(request) };
    return new Promise((resolve, reject) => {
      const outgoing = this.open(target, rest, headers, reject);
      outgoing.on('response', (response: IncomingMessage) => resolve(answerOf(response, pageOf(target, rest))));
      sendBody(request, outgoing);
    });
  }

  private open(
    target: ProxyTarget,
    { request }: RestRequest,
    headers: OutgoingHeaders,
    reject: (err: unknown) => void,
  ) {
    const { scheme, host, port } = target;
    const address = this.options.route?.({ host, port }) ?? { host, port };
    const options: RequestOptions = {
      ...address,
      method: request.method,
      path: pathOf(request.path, request.search),
      headers: { ...headers, host: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}` },
      agent: this.agents[scheme],
      maxHeaderSize: maxAnswerHeaderBytes,
    };
    const outgoing = scheme === 'https' ? httpsRequest(options) : httpRequest(options);
    const slow = setTimeout(() => outgoing.destroy(new Error('i/o timeout')), connectTimeoutMs);
    outgoing.on('socket', (socket) => socket.once('connect', () => clearTimeout(slow)));
    outgoing.on('close', () => clearTimeout(slow));
    outgoing.on('error', (err) => {
      const text = `error trying to reach service: ${dialFailure(err, { host, port })}`;
      reject(new StatusError(503, 'ServiceUnavailable', text));
    });
    return outgoing;
  }
}

/** What follows `/proxy`, as sent. The names before it contain no slash. */
const restOf = (path: string): string =>
  /^(?:\/[^/]+){2}\/namespaces\/[^/]+\/[^/]+\/[^/]+\/proxy(.*)$/s.exec(path)?.[1] ?? '';

function pathOf(path: string, search: string): string {
  const clean = cleanPath(restOf(path));
  return search === '' ? clean : `${clean}?${search}`;
}

function pageOf({ host, port }: ProxyTarget, { request }: RestRequest): ProxiedPage {
  const { path } = request;
  return {
    prefix: path.slice(0, path.length - restOf(path).length),
    clientHost: header(request.headers, 'host'),
    podHost: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
  };
}

/** Relative links of a page would lead out of the proxy if its path did not end with a slash. Other methods get no page. */
function withoutPath({ request }: RestRequest): FullReply | undefined {
  if (restOf(request.path) !== '' || (request.method !== 'GET' && request.method !== 'HEAD')) return undefined;
  const location = `${request.path}/${request.search === '' ? '' : `?${request.search}`}`;
  return { status: 301, type: 'text/plain; charset=utf-8', headers: { location }, body: Buffer.alloc(0) };
}
