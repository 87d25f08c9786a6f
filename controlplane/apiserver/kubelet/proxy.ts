// Requests that the kubelet answers: logs as a stream; exec, attach and port-forward as a raw byte tunnel after the kubelet
// accepted the upgrade.

import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Pod } from '../../api/index';
import { isTerminal } from '../../api/pods/facts';
import { BadRequest, describeError } from '../../base/errors';
import { streamed } from '../aggregator/answers';
import { forwardedHeaders, type OutgoingHeaders, passedHeaders as passedOn } from '../aggregator/proxied-headers';
import type { Cache } from '../cache/cache';
import { bodyHeaders, sendBody } from '../proxy/outgoing-body';
import { type ApiRequest, noContent, queryFlag, type Reply, type Sink } from '../request';
import type { RestRequest } from '../rest/context';
import type { SubresourceHandler, UpgradeHandler } from '../servers/kind-server';
import { StatusError } from '../status';
import { checkLogOptions } from './log-options';
import { cleanPath, kubeletPath } from './path';
import {
  containerOf,
  type KubeletClientOptions,
  type KubeletTarget,
  kubeletOf,
  kubeletOfId,
  kubeletOfNode,
  podOf,
} from './target';

const connectTimeoutMs = 10_000;
const maxErrorBytes = 64 * 1024;
/** Of a page that this server reads itself. */
const pageTimeoutMs = 10_000;
/** How soon the work for a client that has left ends. */
const goneCheckMs = 500;
/** Of work that a kubelet is asked for. */
const postTimeoutMs = 30_000;
const maxPageBytes = 4 * 1024 * 1024;
/** Query parameters of pods/log that the kubelet reads under the same name. */
const logParameters = [
  'follow',
  'previous',
  'sinceSeconds',
  'sinceTime',
  'timestamps',
  'tailLines',
  'limitBytes',
  'stream',
];
/** kubectl's name → the kubelet's name. */
const streamParameters = { stdin: 'input', stdout: 'output', stderr: 'error', tty: 'tty' } as const;

export class KubeletProxy {
  private readonly agent: Agent;

  constructor(
    private readonly cache: Cache,
    options: KubeletClientOptions,
  ) {
    const { certificate, key, ca } = options;
    this.agent = new Agent({ cert: certificate, key, ca, keepAlive: false });
  }

  close(): void {
    this.agent.destroy();
  }

  /** New connections use these certificates; open streams stay. */
  renew({ certificate, key, ca }: KubeletClientOptions): void {
    Object.assign(this.agent.options, { cert: certificate, key, ca });
  }

  /** GET pods/NAME/log */
  readonly log: SubresourceHandler = async (rest) => {
    const { namespace, name } = rest.route;
    checkLogOptions(rest.query, name);
    const pod = podOf(this.cache, namespace, name);
    const container = containerOf(pod, rest.query.get('container') ?? '');
    // As upstream: a pod without a node has an empty log, so that clients may follow it before it is scheduled.
    if (!pod.spec?.nodeName) return noContent;
    const target = kubeletOf(this.cache, pod);
    const query = new URLSearchParams();
    for (const parameter of logParameters) {
      const value = rest.query.get(parameter);
      if (value !== null) query.set(parameter, value);
    }
    return this.stream(target, withQuery(kubeletPath('containerLogs', namespace, name, container), query));
  };

  /** The text of a page of a node's kubelet. @throws StatusError when it does not answer in time or with another status than 200 */
  read(node: string, path: string): Promise<string> {
    return this.call(node, path, pageTimeoutMs);
  }

  /** Sends a JSON text and reads the answer; ends when the client of this server goes. @throws StatusError likewise */
  post(node: string, path: string, body: string, isGone?: () => boolean): Promise<string> {
    return this.call(node, path, postTimeoutMs, body, isGone);
  }

  private call(node: string, path: string, timeoutMs: number, body?: string, isGone?: () => boolean): Promise<string> {
    const target = kubeletOfNode(this.cache, node);
    const headers: OutgoingHeaders =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': `${Buffer.byteLength(body)}` };
    return new Promise((resolve, reject) => {
      const request = this.open(target, path, body === undefined ? 'GET' : 'POST', headers, reject);
      const late = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
      const left = setInterval(() => {
        if (isGone?.()) request.destroy(new Error('the client has left'));
      }, goneCheckMs);
      request.on('close', () => {
        clearTimeout(late);
        clearInterval(left);
      });
      request.on('response', (response) => {
        const status = response.statusCode ?? 500;
        readText(response, maxPageBytes, node).then(
          (text) =>
            status === 200 ? resolve(text) : reject(kubeletError(status, text.slice(0, maxErrorBytes).trim())),
          reject,
        );
      });
      request.end(body);
    });
  }

  /** nodes/NAME/proxy/PATH: any method. The kubelet's answer is passed on unchanged, an error too. */
  readonly node: SubresourceHandler = async (rest) => {
    const { request } = rest;
    const headers = { ...proxyHeaders(request), ...bodyHeaders(request) };
    const target = kubeletOfId(this.cache, rest.route.name);
    return new Promise((resolve, reject) => {
      const outgoing = this.open(target, nodePath(rest), request.method, headers, reject);
      outgoing.on('response', (response) => resolve(streamed(response)));
      sendBody(request, outgoing);
    });
  };

  /** The same for upgraded connections: exec and the like at the kubelet's own paths. */
  readonly nodeUpgrade: UpgradeHandler = async (rest, socket, head) => {
    const { request } = rest;
    const headers = { ...proxyHeaders(request), ...upgradeHeaders(request) };
    return this.tunnel(kubeletOfId(this.cache, rest.route.name), nodePath(rest), { ...request, headers }, socket, head);
  };

  /** Answers exec, attach or portforward without an Upgrade header. */
  readonly needsUpgrade: SubresourceHandler = async (rest) => {
    podOf(this.cache, rest.route.namespace, rest.route.name);
    throw new BadRequest('Upgrade request required');
  };

  readonly exec: UpgradeHandler = (rest, socket, head) => {
    const commands = rest.query.getAll('command');
    if (commands.length === 0) throw new BadRequest('you must specify at least one command for the container');
    return this.tunnelToContainer('exec', rest, socket, head, commands);
  };

  readonly attach: UpgradeHandler = (rest, socket, head) => this.tunnelToContainer('attach', rest, socket, head, []);

  readonly portForward: UpgradeHandler = (rest, socket, head) => {
    const { namespace, name } = rest.route;
    const pod = this.runningPod(namespace, name);
    const query = new URLSearchParams();
    for (const port of rest.query.getAll('ports')) query.append('ports', port);
    return this.tunnel(
      kubeletOf(this.cache, pod),
      withQuery(kubeletPath('portForward', namespace, name), query),
      negotiating(rest.request),
      socket,
      head,
    );
  };

  private tunnelToContainer(
    action: 'exec' | 'attach',
    rest: RestRequest,
    socket: Duplex,
    head: Buffer,
    commands: readonly string[],
  ): Promise<void> {
    const { namespace, name } = rest.route;
    const pod = this.runningPod(namespace, name);
    const container = containerOf(pod, rest.query.get('container') ?? '');
    const query = new URLSearchParams();
    for (const [parameter, theirs] of Object.entries(streamParameters)) {
      if (queryFlag(rest.query, parameter)) query.set(theirs, '1');
    }
    for (const command of commands) query.append('command', command);
    const path = withQuery(kubeletPath(action, namespace, name, container), query);
    return this.tunnel(kubeletOf(this.cache, pod), path, negotiating(rest.request), socket, head);
  }

  private runningPod(namespace: string, name: string): Pod {
    const pod = podOf(this.cache, namespace, name);
    if (isTerminal(pod)) {
      throw new BadRequest(`cannot exec into a container in a completed pod; current phase is ${pod.status?.phase}`);
    }
    return pod;
  }

  private stream(target: KubeletTarget, path: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const request = this.open(target, path, 'GET', {}, reject);
      request.on('response', (response) => {
        const status = response.statusCode ?? 500;
        if (status >= 400) {
          void readError(response).then((text) => reject(kubeletError(status, text)), reject);
          return;
        }
        resolve({
          status,
          type: response.headers['content-type'] ?? 'text/plain',
          start: (sink) => pipe(response, sink),
        });
      });
      request.end();
    });
  }

  private tunnel(
    target: KubeletTarget,
    path: string,
    from: Pick<ApiRequest, 'method' | 'headers'>,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = this.open(target, path, from.method, { ...from.headers } as OutgoingHeaders, reject);
      socket.once('close', () => request.destroy());
      request.on('upgrade', (response, kubelet, kubeletHead) => {
        socket.write(renderHead(response));
        if (kubeletHead.length > 0) socket.write(kubeletHead);
        if (head.length > 0) kubelet.write(head);
        join(socket, kubelet);
        resolve();
      });
      request.on('response', (response) => {
        void readError(response).then((text) => reject(kubeletError(response.statusCode ?? 500, text)), reject);
      });
      request.end();
    });
  }

  private open(
    { host, port, node }: KubeletTarget,
    path: string,
    method: string,
    headers: OutgoingHeaders,
    reject: (err: unknown) => void,
  ) {
    const request = httpsRequest({ host, port, path, method, headers, agent: this.agent });
    const slow = setTimeout(
      () => request.destroy(new Error(`no connection within ${connectTimeoutMs / 1000} s`)),
      connectTimeoutMs,
    );
    request.on('socket', (socket) => socket.once('secureConnect', () => clearTimeout(slow)));
    request.on('close', () => clearTimeout(slow));
    request.on('error', (err) => {
      reject(
        new StatusError(
          500,
          'InternalError',
          `error dialing backend: cannot reach the kubelet of node ${node} at ${host}:${port}: ${describeError(err)}`,
        ),
      );
    });
    return request;
  }
}

/** Only the headers that negotiate the stream: the kubelet needs no others. */
const negotiating = (request: ApiRequest) => ({ method: request.method, headers: upgradeHeaders(request) });

const proxyHeaders = (request: ApiRequest): OutgoingHeaders => ({
  ...passedOn(request),
  ...forwardedHeaders(request),
});

function nodePath({ route, request: { search } }: RestRequest): string {
  const path = cleanPath(route.rest);
  return search === '' ? path : `${path}?${search}`;
}

const withQuery = (path: string, query: URLSearchParams): string => (query.size === 0 ? path : `${path}?${query}`);

/** Headers that negotiate the stream; headers of identity and of the connection are not passed on. */
const passedHeaders = [
  'connection',
  'upgrade',
  'x-stream-protocol-version',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
];

function upgradeHeaders({ headers }: ApiRequest): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name of passedHeaders) {
    const value = headers[name];
    if (value !== undefined) passed[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return passed;
}

function renderHead(response: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${response.statusCode} ${response.statusMessage}`];
  for (let i = 0; i < response.rawHeaders.length; i += 2) {
    lines.push(`${response.rawHeaders[i]}: ${response.rawHeaders[i + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Copies bytes both ways until either side ends; a failure of one side ends the other. */
function join(a: Duplex, b: Duplex): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }
}

function pipe(response: IncomingMessage, sink: Sink): void {
  sink.onClose(() => response.destroy());
  sink.onDrain(() => response.resume());
  response.on('data', (chunk: Buffer) => {
    if (!sink.write(chunk)) response.pause();
  });
  response.on('end', () => sink.end());
  response.on('error', () => sink.end());
}

async function readText(response: IncomingMessage, maxBytes: number, node: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      const message = `the kubelet of node ${node} answered with more than ${maxBytes / 2 ** 20} MiB`;
      throw new StatusError(500, 'InternalError', message);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

async function readError(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) {
    text += String(chunk);
    if (text.length > maxErrorBytes) break;
  }
  return text.trim();
}

function kubeletError(status: number, text: string): StatusError {
  if (status === 400) return new StatusError(400, 'BadRequest', text);
  if (status === 404) return new StatusError(404, 'NotFound', text);
  return new StatusError(status, 'InternalError', text === '' ? `the kubelet answered with status ${status}` : text);
}
