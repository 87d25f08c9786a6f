// The client of a run, a process of its own, so that neither the faults nor kubectl delay it: sends requests at a steady rate over
// its lanes and prints the end of each one as a line of JSON. Started by the run with its lanes as JSON in the first argument; it
// runs on the host or inside the network namespace of a pod. Ends at the end of standard input or after SIGTERM.
import { Resolver } from 'node:dns/promises';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome, RequestEnd, Way } from './accounts';
import { Closed, exchange, type Reply } from './exchange';

export interface Lane {
  readonly way: Way;
  readonly via?: string;
  readonly connection: 'new' | 'kept';
  /** The address to connect to; for names, the name server. */
  readonly address: string;
  readonly port: number;
  /** The host of the request; for names, the name to look up. */
  readonly host: string;
  /** For names of one address: the address. */
  readonly expected?: string;
}
export interface ClientOptions {
  /** Milliseconds since the epoch at the begin of the run. */
  readonly began: number;
  readonly from: 'host' | 'pod';
  readonly lanes: readonly Lane[];
  /** Requests per second and lane. */
  readonly rate: number;
  readonly timeoutMs: number;
  /** In every right answer. */
  readonly namespace: string;
}
/** A line of the client's output. */
export interface ClientLine {
  readonly end: RequestEnd;
  /** The connection as the client sees it, to find where NAT sent it; only for lost requests. */
  readonly flow?: { readonly address: string; readonly port: number; readonly localPort: number };
}

/** A resolver's defaults: five seconds, two attempts (resolv.conf(5)). */
const lookUp = { timeout: 5_000, tries: 2 } as const;
/** More requests of one lane are not under way at the same time; the rate times the time limit is less. */
const mostUnderWay = 400;

interface Result {
  readonly outcome: Outcome;
  readonly detail?: string;
  readonly pod?: string;
  readonly target?: string;
  readonly localPort?: number;
  readonly sentAgain?: true;
}

class LaneClient {
  private serial = 0;
  private kept: { readonly socket: Socket; readonly pod: string; readonly localPort: number | undefined } | undefined;

  constructor(
    private readonly lane: Lane,
    private readonly index: number,
    private readonly options: ClientOptions,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    const { connection } = this.lane;
    const periodMs = 1000 / this.options.rate;
    const underWay = new Set<Promise<void>>();
    // Lanes do not send at the same moment.
    let next = Date.now() + (periodMs * (this.index % 10)) / 10;
    while (!signal.aborted) {
      await sleep(Math.max(0, next - Date.now()), undefined, { signal }).catch(() => {});
      if (signal.aborted) break;
      next = Math.max(next + periodMs, Date.now() - periodMs);
      const request = this.request();
      if (connection === 'kept') await request;
      else {
        underWay.add(request);
        void request.finally(() => underWay.delete(request));
        if (underWay.size >= mostUnderWay) await Promise.race(underWay);
      }
    }
    await Promise.all(underWay);
    this.kept?.socket.destroy();
  }

  private async request(): Promise<void> {
    const { way, via, connection } = this.lane;
    const { began, from, timeoutMs } = this.options;
    const start = Date.now();
    const clock = performance.now();
    const signal = AbortSignal.timeout(timeoutMs);
    const path = `/lane-${from}-${this.index}/${this.serial++}`;
    const result = await this.ask(path, signal).catch((err: unknown): Result => failureOf(err));
    const { localPort, ...rest } = result;
    const end: RequestEnd = {
      at: start - began,
      tookMs: Math.round((performance.now() - clock) * 10) / 10,
      way,
      from,
      ...(via === undefined ? {} : { via }),
      connection,
      ...rest,
    };
    const { address, port } = this.lane;
    const hasFlow = localPort !== undefined && end.outcome !== 'ok' && way !== 'headless name';
    const line: ClientLine = { end, ...(hasFlow ? { flow: { address, port, localPort } } : {}) };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }

  private async ask(path: string, signal: AbortSignal): Promise<Result> {
    const { way, connection, address, port, host, expected } = this.lane;
    if (way === 'DNS' || way === 'headless name') {
      const resolver = new Resolver(lookUp);
      resolver.setServers([address]);
      const found = await resolver.resolve4(host);
      if (way === 'DNS') {
        return found.length === 1 && found[0] === expected
          ? { outcome: 'ok' }
          : { outcome: 'wrong answer', detail: `addresses ${found.join(' ')}` };
      }
      // Without NAT the looked up address is the pod's.
      const { result } = await this.onNewConnection(found[0]!, port, host, path, false, signal);
      return { ...result, target: found[0]! };
    }
    if (connection === 'new') {
      return (await this.onNewConnection(address, port, host, path, false, signal)).result;
    }
    return this.onKeptConnection(path, signal);
  }

  private async onKeptConnection(path: string, signal: AbortSignal): Promise<Result> {
    const { address, port, host } = this.lane;
    const kept = this.kept;
    this.kept = undefined;
    // The server may have closed it since the last request: then the client opens another one before it sends, as all clients do.
    let again: Pick<Result, 'sentAgain' | 'detail' | 'pod'> = {};
    if (kept && !kept.socket.destroyed && !kept.socket.readableEnded) {
      try {
        const reply = await exchange(kept.socket, host, path, false, signal);
        const result = this.check(reply, path);
        if (!reply.last) this.kept = { ...kept, pod: result.pod ?? kept.pod };
        else kept.socket.destroy();
        return result.outcome === 'ok' ? result : { ...result, pod: kept.pod, ...portOf(kept) };
      } catch (err) {
        kept.socket.destroy();
        const isUnanswered = err instanceof Closed && err.bytes === 0;
        if (!isUnanswered) return { ...failureOf(err), pod: kept.pod, ...portOf(kept) };
        again = { sentAgain: true, detail: err.message, pod: kept.pod };
      }
    } else kept?.socket.destroy();
    const { result, socket, last, localPort } = await this.onNewConnection(address, port, host, path, true, signal);
    if (socket && result.outcome === 'ok' && !last) this.kept = { socket, pod: result.pod ?? '', localPort };
    else socket?.destroy();
    return { ...result, ...again };
  }

  /** With `keep` the connection stays open and belongs to the caller. */
  private async onNewConnection(
    address: string,
    port: number,
    host: string,
    path: string,
    keep: boolean,
    signal: AbortSignal,
  ): Promise<{
    readonly result: Result;
    readonly socket?: Socket;
    readonly last: boolean;
    readonly localPort: number | undefined;
  }> {
    const socket = connect({ host: address, port, noDelay: true });
    let localPort: number | undefined;
    // After this turn the kernel has chosen the port, and knows it until the socket is closed.
    process.nextTick(() => {
      localPort = socket.localPort;
    });
    const connected = new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    try {
      await connected;
      // A later error ends the exchange; an error between two exchanges shows in the next one.
      socket.on('error', () => {});
      const reply = await exchange(socket, host, path, !keep, signal);
      if (!keep) socket.destroy();
      return { result: { ...this.check(reply, path), ...portOf({ localPort }) }, socket, last: reply.last, localPort };
    } catch (err) {
      socket.on('error', () => {}).destroy();
      return { result: { ...failureOf(err), ...portOf({ localPort }) }, last: true, localPort };
    }
  }

  /** The server answers with the request, its pod and its namespace. */
  private check({ status, body, headers }: Reply, path: string): Result {
    const pod = headers['x-pod'];
    if (status !== 200) return { outcome: 'wrong answer', detail: `status ${status} ${body.trim().slice(0, 120)}` };
    try {
      const answer = JSON.parse(body) as { path?: string; namespace?: string; pod?: string };
      if (answer.path === path && answer.namespace === this.options.namespace && answer.pod === pod) {
        return { outcome: 'ok', ...(pod === undefined ? {} : { pod }) };
      }
      return { outcome: 'wrong answer', detail: `answer of ${answer.namespace}/${answer.pod} to ${answer.path}` };
    } catch {
      return { outcome: 'wrong answer', detail: 'no JSON' };
    }
  }
}

const portOf = ({ localPort }: { readonly localPort: number | undefined }): { localPort?: number } =>
  localPort === undefined ? {} : { localPort };

const outcomeOfCode: Readonly<Record<string, Outcome>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ETIMEDOUT: 'timed out',
  // Of the resolver.
  ETIMEOUT: 'timed out',
  ECANCELLED: 'timed out',
};

/** An error that is none of these is a wrong answer: NXDOMAIN, SERVFAIL. */
export function failureOf(err: unknown): Result {
  const { name, code = '', message = String(err) } = err as { name?: string; code?: string; message?: string };
  if (name === 'TimeoutError' || name === 'AbortError') return { outcome: 'timed out', detail: 'no answer in time' };
  return { outcome: outcomeOfCode[code] ?? 'wrong answer', detail: code === '' ? message : `${code} ${message}` };
}

async function main(text: string): Promise<void> {
  const options = JSON.parse(text) as ClientOptions;
  const abort = new AbortController();
  process.once('SIGTERM', () => abort.abort());
  // The run may be killed: its end closes this pipe or file.
  process.stdout.on('error', () => process.exit(1));
  await Promise.all(options.lanes.map((lane, i) => new LaneClient(lane, i, options).run(abort.signal)));
}

if (require.main === module) void main(process.argv[2] ?? '{}').then(() => process.exit(0));
