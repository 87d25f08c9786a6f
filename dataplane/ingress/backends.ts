// The endpoints of each Service port, and one connection pool per endpoint, shared by all Service ports that have it. Endpoints
// change without a new route table. A pool that no backend uses any more finishes its requests and closes.
import { Agent } from 'node:http';
import { isIP } from 'node:net';
import { type Dispatcher, H2CClient, Pool } from 'undici';
import { refusedName } from './destination';
import { type Dialing, lookupFor } from './dial';
import { lenientConnector } from './lenient';
import type { BackendId } from './routes';

export interface Endpoint {
  /** An address, which the caller has checked; or a name, whose addresses are checked at each connection (dial.ts). */
  readonly address: string;
  readonly port: number;
}
/** `h2c` is HTTP/2 without TLS by prior knowledge (appProtocol kubernetes.io/h2c or grpc). */
export type BackendProtocol = 'http' | 'h2c';
export interface BackendInput {
  readonly id: BackendId;
  readonly protocol: BackendProtocol;
  /** Ready endpoints only. */
  readonly endpoints: readonly Endpoint[];
  /** Why there are no endpoints; absent when none is ready. */
  readonly problem?: BackendProblem;
}
export type BackendProblem = 'ServiceNotFound' | 'ServicePortNotFound' | 'BackendRefused';

export interface Upstream {
  readonly address: string;
  readonly port: number;
  readonly dispatcher: Dispatcher;
  /** For upgrades: connects in the same way, with one connection per request. */
  readonly agent: Agent;
  /** Set when a connection attempt failed: until then other endpoints are preferred. */
  avoidUntilMs: number;
}

const connectTimeoutMs = 5_000;
const keepAliveMs = 30_000;
const maxConnectionsPerEndpoint = 256;
/** How long an endpoint that refused a connection is avoided; after that, readiness decides. */
const avoidMs = 1_000;
const maxHttp2Streams = 100;

export interface BackendsOptions {
  readonly dialing: Dialing;
  /** Limit for the head of an answer. */
  readonly maxHeaderBytes: number;
}

interface Backend {
  readonly problem: BackendProblem | undefined;
  readonly upstreams: readonly Upstream[];
  turn: number;
}

export class Backends {
  private readonly backends = new Map<BackendId, Backend>();
  private pools = new Map<string, Upstream>();

  constructor(
    private readonly options: BackendsOptions,
    private readonly now: () => number = Date.now,
  ) {}

  /** Replaces all backends. Pools of endpoints that remain keep their connections. */
  replace(inputs: readonly BackendInput[]): void {
    const pools = new Map<string, Upstream>();
    const ids = new Set(inputs.map(({ id }) => id));
    for (const id of [...this.backends.keys()]) if (!ids.has(id)) this.backends.delete(id);
    for (const { id, protocol, endpoints, problem } of inputs) {
      // Checked before it becomes part of a URL: `new URL` turns 0x7f.1 into 127.0.0.1, and no look-up checks that address.
      const usable = endpoints.filter(({ address }) => isIP(address) !== 0 || refusedName(address) === undefined);
      const upstreams = usable.map((endpoint) => {
        const host = endpoint.address.includes(':') ? `[${endpoint.address}]` : endpoint.address;
        const key = `${protocol}://${host}:${endpoint.port}`;
        const upstream =
          pools.get(key) ??
          this.pools.get(key) ??
          open(endpoint, protocol, `http://${host}:${endpoint.port}`, this.options);
        pools.set(key, upstream);
        return upstream;
      });
      const why = problem ?? (usable.length < endpoints.length ? 'BackendRefused' : undefined);
      this.backends.set(id, { upstreams, problem: why, turn: this.backends.get(id)?.turn ?? 0 });
    }
    const unused = [...this.pools].filter(([key]) => !pools.has(key));
    this.pools = pools;
    for (const [, upstream] of unused) closeQuietly(upstream);
  }

  /**
   * The next endpoint in turn. It avoids endpoints that just refused a connection and skips those in `tried`; undefined when
   * none remains.
   */
  next(id: BackendId, tried: readonly Upstream[] = []): Upstream | undefined {
    const backend = this.backends.get(id);
    if (!backend) return undefined;
    const { upstreams } = backend;
    const start = backend.turn++;
    let second: Upstream | undefined;
    for (let i = 0; i < upstreams.length; i++) {
      const upstream = upstreams[(start + i) % upstreams.length]!;
      if (tried.includes(upstream)) continue;
      if (upstream.avoidUntilMs === 0 || upstream.avoidUntilMs <= this.now()) return upstream;
      second ??= upstream;
    }
    return second;
  }

  /** Why the backend has no endpoints; undefined when it has some, or when none of them is ready. */
  problem(id: BackendId): BackendProblem | undefined {
    return this.backends.get(id)?.problem;
  }

  refused(upstream: Upstream): void {
    upstream.avoidUntilMs = this.now() + avoidMs;
  }

  /** Waits for the running requests. */
  async close(): Promise<void> {
    const pools = [...this.pools.values()];
    this.backends.clear();
    this.pools = new Map();
    await Promise.all(pools.map((upstream) => upstream.dispatcher.close()));
  }
}

function open(
  { address, port }: Endpoint,
  protocol: BackendProtocol,
  origin: string,
  options: BackendsOptions,
): Upstream {
  const { dialing, maxHeaderBytes: maxHeaderSize } = options;
  const lookup = lookupFor(port, dialing);
  const connect = { timeout: connectTimeoutMs, lookup, port };
  const dispatcher =
    protocol === 'h2c'
      ? new H2CClient(origin, {
          maxConcurrentStreams: maxHttp2Streams,
          pipelining: maxHttp2Streams,
          maxHeaderSize,
          connect,
        })
      : new Pool(origin, {
          connections: maxConnectionsPerEndpoint,
          keepAliveTimeout: keepAliveMs,
          maxHeaderSize,
          connect: lenientConnector(connect),
        });
  return { address, port, dispatcher, agent: new Agent({ lookup }), avoidUntilMs: 0 };
}

function closeQuietly(upstream: Upstream): void {
  // A pool closes after its last request; an error then belongs to that request, whose own handler reports it.
  upstream.dispatcher.close().catch(() => upstream.dispatcher.destroy());
}
