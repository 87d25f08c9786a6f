// The endpoints behind each Service port, and one connection pool per endpoint, shared by all that use it. Endpoints come
// and go without a new route table; a pool that no backend names any more finishes its requests and closes.
import { Agent } from 'node:http';
import { isIP } from 'node:net';
import { type Dispatcher, H2CClient, Pool } from 'undici';
import { refusedName } from './destination';
import { type Dialing, lookupFor } from './dial';
import { lenientConnector } from './lenient';
import type { BackendId } from './routes';

export interface Endpoint {
  /** An address, which the caller has checked; or a name, whose addresses are checked one by one (dial.ts). */
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
  /** Why there are none, where it is not that none is ready. */
  readonly problem?: BackendProblem;
}
export type BackendProblem = 'ServiceNotFound' | 'ServicePortNotFound' | 'BackendRefused';

export interface Upstream {
  readonly address: string;
  readonly port: number;
  readonly dispatcher: Dispatcher;
  /** For upgrades: opens a connection in the same way, for one request each. */
  readonly agent: Agent;
  /** Set when a connection attempt failed: passed over until then while others are there. */
  avoidUntilMs: number;
}

const connectTimeoutMs = 5_000;
const keepAliveMs = 30_000;
const maxConnectionsPerEndpoint = 256;
/** How long an endpoint that refused a connection is passed over; readiness takes over after that. */
const avoidMs = 1_000;
const maxHttp2Streams = 100;

export interface BackendsOptions {
  readonly dialing: Dialing;
  /** Of an answer's head. */
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

  /** Replaces all backends; pools of endpoints that stay are kept with their connections. */
  replace(inputs: readonly BackendInput[]): void {
    const pools = new Map<string, Upstream>();
    const ids = new Set(inputs.map(({ id }) => id));
    for (const id of [...this.backends.keys()]) if (!ids.has(id)) this.backends.delete(id);
    for (const { id, protocol, endpoints, problem } of inputs) {
      // Before it becomes part of a URL: `new URL` turns 0x7f.1 into 127.0.0.1, which is connected to without a look-up.
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

  /** The next endpoint in turn, passing over those that just refused and those in `tried`; undefined when none is left. */
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

  /** Why the backend has no endpoints; undefined when it has some, or none of them is ready. */
  problem(id: BackendId): BackendProblem | undefined {
    return this.backends.get(id)?.problem;
  }

  refused(upstream: Upstream): void {
    upstream.avoidUntilMs = this.now() + avoidMs;
  }

  /** Waits for requests under way. */
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
  // A pool closes after its last request; a failure then concerns that request, which has its own handler.
  upstream.dispatcher.close().catch(() => upstream.dispatcher.destroy());
}
