// The kubelet's HTTPS server: logs, pods, statistics, metrics, and the streaming requests.
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { createServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../../../controlplane/base/clock';
import { AppError, describeError, type ErrorCode, NotFound, Unavailable } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import type { ServingCertificate } from '../certificates/serving-certificate';
import type { ContainerRuntime } from '../runtime/runtime';
import { metricsType } from '../stats/exposition';
import { parseRequestPath } from '../streaming/request-path';
import type { StreamingServer } from '../streaming/server';
import type { Access } from './access/access';
import { parseLogQuery } from './log-query';
import { logBytes } from './log-stream';
import { sendNodeLog } from './node-logs';
import type { PacketPath } from './packet-path';
import type { PodLookup } from './pod-lookup';
import type { StatsPages } from './stats-pages';
import type { Traffic } from './traffic';

export interface KubeletServerOptions {
  readonly host: string;
  readonly port: number;
  readonly certificate: Pick<ServingCertificate, 'current' | 'onChange'>;
  readonly access: Pick<Access, 'check'>;
  readonly runtime: ContainerRuntime;
  readonly lookup: PodLookup;
  readonly streaming: StreamingServer;
  readonly stats: StatsPages;
  readonly packetPath: Pick<PacketPath, 'answer'>;
  readonly traffic: Pick<Traffic, 'answer'>;
  /** The text of /metrics. */
  readonly metrics: () => string | Promise<string>;
  /** The text of /metrics/slis. */
  readonly slis: () => string;
  /** The configuration that this kubelet runs with. */
  readonly configz: () => object;
  readonly problem: () => string | undefined;
  /** The folder that /logs/ shows. */
  readonly logDir: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The command of an exec is part of the first line. The API server passes on what it accepts itself, 64 KiB, and adds to it. */
const maxHeaderBytes = 128 * 1024;

const statusOf: Partial<Record<ErrorCode, number>> = {
  NotFound: 404,
  BadRequest: 400,
  Forbidden: 403,
  Unauthorized: 401,
  Unavailable: 503,
};

/** Listens until the signal is aborted; resolves with the port once it listens. @throws Unavailable when it cannot bind */
export function serveKubelet(options: KubeletServerOptions, signal: AbortSignal): Promise<number> {
  const { host, port, certificate, streaming, log } = options;
  const server = createServer({
    ...certificate.current,
    requestCert: true,
    // Bearer tokens come without a certificate. `access` accepts only certificates that were verified.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    maxHeaderSize: maxHeaderBytes,
  });
  // Only new connections use the new pair; open ones, such as a followed log, continue.
  certificate.onChange((pair) => server.setSecureContext({ ...pair, minVersion: 'TLSv1.2' }));
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answer(options, request, response).catch((err: unknown) => fail(response, err, log));
  });
  server.on('upgrade', (request: IncomingMessage, socket, head: Buffer) => {
    upgrade(options, request, { socket, head }).catch((err: unknown) => refuse(socket, err, log));
  });
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(new Unavailable(`cannot listen on ${host}:${port}`, { cause })));
    server.listen(port, host, () => {
      signal.addEventListener('abort', () => {
        streaming.close();
        server.close();
        server.closeAllConnections();
      });
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

async function upgrade(
  { access, streaming }: KubeletServerOptions,
  request: IncomingMessage,
  { socket, head }: { readonly socket: Duplex; readonly head: Buffer },
): Promise<void> {
  // While the API server is asked, an error without a listener would end the process.
  const ignore = () => {};
  socket.on('error', ignore);
  await access.check(request);
  socket.off('error', ignore);
  if (!streaming.handleUpgrade(request, socket, head)) throw new NotFound(`no such path: ${request.url}`);
}

async function answer(
  options: KubeletServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  await options.access.check(request);
  const { pathname, segments, query } = parseRequestPath(request.url ?? '/');
  const [kind, ...parts] = segments;
  switch (kind) {
    case 'healthz': {
      const problem = options.problem();
      response.writeHead(problem ? 503 : 200, { 'content-type': 'text/plain' }).end(problem ?? 'ok');
      return;
    }
    case 'pods':
    case 'runningpods':
      return json(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: options.lookup.pods.list() });
    case 'stats':
      if (parts[0] === 'summary') {
        const few = query.get('only_cpu_and_memory') === 'true';
        return json(response, await options.stats.summary(few ? 'few' : 'all'));
      }
      break;
    case 'metrics':
      if (parts.length === 0) return metrics(response, await options.metrics());
      if (parts[0] === 'slis') return metrics(response, options.slis());
      if (parts[0] === 'resource') return metrics(response, await options.stats.resource());
      if (parts[0] === 'cadvisor') return metrics(response, await options.stats.cadvisor());
      if (parts[0] === 'probes') return metrics(response, options.stats.probes());
      break;
    case 'path':
      if (request.method === 'POST' && parts.length === 1 && (parts[0] === 'hops' || parts[0] === 'probe')) {
        const gone = new AbortController();
        response.once('close', () => gone.abort(new Error('the client has left')));
        const text = await options.packetPath.answer(parts[0], request, gone.signal);
        response.writeHead(200, { 'content-type': 'application/json' }).end(text);
        return;
      }
      if (request.method === 'POST' && parts.length === 1 && parts[0] === 'traffic') {
        // The question has no words: what a caller sends is not read.
        request.resume();
        const text = await options.traffic.answer();
        response.writeHead(200, { 'content-type': 'application/json' }).end(text);
        return;
      }
      break;
    case 'configz':
      return json(response, options.configz());
    case 'logs':
      return sendNodeLog(options.logDir, parts, response);
    case 'containerLogs':
      if (parts.length === 3) return sendLog(options, parts as [string, string, string], query, response);
      break;
    default:
  }
  throw new NotFound(`no such path: ${pathname}`);
}

function json(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function metrics(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': metricsType }).end(text);
}

async function sendLog(
  { runtime, lookup, clock }: KubeletServerOptions,
  [namespace, pod, container]: readonly [string, string, string],
  parameters: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const query = parseLogQuery(parameters, clock.now());
  const record = lookup.forLogs(namespace, pod, container, query.previous);
  const abort = new AbortController();
  response.once('close', () => abort.abort(new Error('the client has left')));
  const bytes = logBytes(runtime, record.id, query, abort.signal);
  // Waits for the first chunk of a log that is not followed, so that an early failure can still be answered with its status.
  const first = query.follow ? undefined : await bytes.next();
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.flushHeaders();
  if (first && !first.done) response.write(first.value);
  await pipeline(bytes, response).catch((err: unknown) => {
    if (!abort.signal.aborted) throw err;
  });
}

function fail(response: ServerResponse, err: unknown, log: Logger): void {
  const status = answerStatus(err, log);
  if (response.headersSent) response.destroy();
  else response.writeHead(status, { 'content-type': 'text/plain' }).end(describeError(err));
}

function refuse(socket: Duplex, err: unknown, log: Logger): void {
  const status = answerStatus(err, log);
  const text = describeError(err);
  socket.on('error', () => {});
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  );
}

function answerStatus(err: unknown, log: Logger): number {
  const status = (err instanceof AppError && statusOf[err.code]) || 500;
  if (status === 500) log.warn('request failed', { error: err });
  return status;
}
