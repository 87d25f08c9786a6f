// The endpoints behind each Service port, and one connection pool per endpoint, shared by all that use it. Endpoints come
// and go without a new route table; a pool nobody names any more finishes its requests and closes.
import { type Dispatcher, H2CClient, Pool } from 'undici';
import type { BackendId } from './routes';

export interface Endpoint {
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
}

export interface Upstream {
  readonly address: string;
  readonly port: number;
  readonly dispatcher: Dispatcher;
  /** Set when a connection attempt failed: passed over until then while others are there. */
  avoidUntilMs: number;
}

const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 30_000;
const MAX_CONNECTIONS_PER_ENDPOINT = 256;
/** How long an endpoint that refused a connection is passed over; readiness takes over after that. */
const AVOID_MS = 1_000;
const H2_STREAMS = 100;

interface Backend {
  readonly upstreams: readonly Upstream[];
  turn: number;
}

export class Backends {
  private readonly backends = new Map<BackendId, Backend>();
  private pools = new Map<string, Upstream>();

  constructor(private readonly now: () => number = Date.now) {}

  /** Replaces all backends; pools of endpoints that stay are kept with their connections. */
  replace(inputs: readonly BackendInput[]): void {
    const pools = new Map<string, Upstream>();
    for (const id of [...this.backends.keys()]) if (!inputs.some((input) => input.id === id)) this.backends.delete(id);
    for (const { id, protocol, endpoints } of inputs) {
      const upstreams = endpoints.map((endpoint) => {
        const host = endpoint.address.includes(':') ? `[${endpoint.address}]` : endpoint.address;
        const key = `${protocol}://${host}:${endpoint.port}`;
        const upstream =
          pools.get(key) ?? this.pools.get(key) ?? open(endpoint, protocol, `http://${host}:${endpoint.port}`);
        pools.set(key, upstream);
        return upstream;
      });
      this.backends.set(id, { upstreams, turn: this.backends.get(id)?.turn ?? 0 });
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

  refused(upstream: Upstream): void {
    upstream.avoidUntilMs = this.now() + AVOID_MS;
  }

  /** Waits for requests under way. */
  async close(): Promise<void> {
    const pools = [...this.pools.values()];
    this.backends.clear();
    this.pools = new Map();
    await Promise.all(pools.map((upstream) => upstream.dispatcher.close()));
  }
}

function open({ address, port }: Endpoint, protocol: BackendProtocol, origin: string): Upstream {
  const dispatcher =
    protocol === 'h2c'
      ? new H2CClient(origin, { maxConcurrentStreams: H2_STREAMS, pipelining: H2_STREAMS })
      : new Pool(origin, {
          connections: MAX_CONNECTIONS_PER_ENDPOINT,
          keepAliveTimeout: KEEP_ALIVE_MS,
          connect: { timeout: CONNECT_TIMEOUT_MS },
        });
  return { address, port, dispatcher, avoidUntilMs: 0 };
}

function closeQuietly(upstream: Upstream): void {
  // A pool closes after its last request; a failure then concerns that request, which has its own handler.
  upstream.dispatcher.close().catch(() => upstream.dispatcher.destroy());
}
