// The health and metrics endpoint of an agent: /healthz (and /livez, /readyz) answers 200 or 503 with the reason, /metrics
// answers the agent's counters and those of each process: CPU, memory, requests to the API server, how long its event loop was held.
// In the Prometheus text format.
import { createServer } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { renderBuildInfo } from '../base/build-info';
import { Unavailable } from '../base/errors';
import { eventLoop } from '../base/event-loop';
import { processMetrics } from '../base/process-metrics';
import { renderProcessValues } from '../base/process-values';
import { versionInfo } from '../base/version';

export interface HealthOptions {
  readonly host: string;
  readonly port: number;
  /** Returns the fault, or undefined when the agent is healthy. */
  readonly check: () => string | undefined;
  readonly metrics?: () => string;
  /** The body of /healthz as JSON; absent: ok, or the fault. /livez and /readyz always have the text. */
  readonly report?: (problem: string | undefined) => object;
  /** Further paths with their texts. */
  readonly texts?: Readonly<Record<string, string>>;
  /** Further paths with long answers, in parts of any length, which are made while the client reads. */
  readonly streams?: Readonly<Record<string, () => Iterable<string> | AsyncIterable<string>>>;
}

/** What each process of k8ts reports. */
export function renderProcess(): string {
  const lines = [...renderProcessValues(), ...renderBuildInfo(versionInfo), ...processMetrics.render()];
  return `${lines.join('\n')}\n${eventLoop.turns.render()}`;
}

/** About as much as a socket takes at once. */
const portionLength = 64 * 1024;

/** Joins short texts. Between two portions the process does its other work. */
async function* inPortions(texts: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string> {
  let portion = '';
  for await (const text of texts) {
    portion += text;
    if (portion.length < portionLength) continue;
    yield portion;
    portion = '';
    await nextTurn();
  }
  if (portion !== '') yield portion;
}

/** Listens until the signal is aborted; resolves with the port once it listens. @throws Unavailable when it cannot bind */
export function serveHealth(options: HealthOptions, signal: AbortSignal): Promise<number> {
  const { host, port, check, metrics, report, texts = {}, streams = {} } = options;
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/metrics') {
      response.setHeader('content-type', 'text/plain; version=0.0.4');
      response.end(`${metrics?.() ?? ''}${renderProcess()}`);
    } else if (path === '/healthz' || path === '/livez' || path === '/readyz') {
      const problem = check();
      response.statusCode = problem === undefined ? 200 : 503;
      if (report && path === '/healthz') {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(report(problem)));
      } else response.end(problem ?? 'ok');
    } else if (path !== undefined && Object.hasOwn(texts, path)) {
      response.setHeader('content-type', 'text/plain; charset=utf-8');
      response.end(texts[path]);
    } else if (path !== undefined && Object.hasOwn(streams, path)) {
      response.setHeader('content-type', 'application/x-ndjson');
      // A client that goes away ends it: no one is left to tell.
      pipeline(inPortions(streams[path]!()), response).catch(() => undefined);
    } else {
      response.statusCode = 404;
      response.end('not found; this port answers /healthz and /metrics\n');
    }
  });
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(new Unavailable(`cannot listen on ${host}:${port}`, { cause })));
    server.listen(port, host, () => {
      signal.addEventListener('abort', () => {
        server.close();
        server.closeAllConnections();
      });
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}
