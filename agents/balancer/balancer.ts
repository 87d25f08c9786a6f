// Listens, gives each connection a server, and checks the servers.
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../controlplane/base/clock';
import { Unavailable } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import { type Address, formatAddress, parseAddress } from './address';
import type { BalancerMetrics } from './metrics';
import { Pool } from './pool';
import { Probe } from './probe';
import { connected, dial, relay } from './relay';

/**
 * A frozen server is noticed after two silent checks: at most one interval until the next check begins, then two time limits, so within
 * 3 s. A busy server answers /readyz in milliseconds, and its event loop is held for 200 ms at most (README, Security), so a second without an
 * answer is not load.
 */
export const defaultTiming = {
  checkIntervalMs: 1_000,
  checkTimeoutMs: 1_000,
  /** Spares are needed only when the others are down, and may be addresses that no machine has. */
  spareIntervalMs: 5_000,
  /** A machine that is cut off does not answer; the next server is tried after this long. */
  connectTimeoutMs: 1_000,
};

/** One address may have this part of all connections: one fourth. */
const shareOfClient = 4;

export interface BalancerOptions {
  /** PEM of the cluster's authority, by which servers show who they are when they are checked. */
  readonly ca: string;
  readonly maxConnections: number;
  readonly timing?: Partial<typeof defaultTiming>;
}
export interface BalancerDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: BalancerMetrics;
}

export class Balancer {
  private readonly pool: Pool;
  private readonly checks = new Map<string, AbortController>();
  private readonly open = new Set<Socket>();
  /** Connections by the address of the client. */
  private readonly openOf = new Map<string, number>();
  private readonly naps = new Set<AbortController>();
  private readonly timing: typeof defaultTiming;

  constructor(
    private readonly options: BalancerOptions,
    private readonly deps: BalancerDeps,
  ) {
    const { log, metrics } = deps;
    this.timing = { ...defaultTiming, ...options.timing };
    this.pool = new Pool(
      {
        added: (name, isSpare) => this.startChecks(name, isSpare),
        removed: (name) => this.stopChecks(name),
        changed: () => this.hurry(),
        closed: (name, count) => metrics.closed(name, count),
      },
      log,
    );
  }

  /** True if a server is known to be ready. */
  get isServing(): boolean {
    return this.pool.isServing;
  }

  /** The servers with their state, for metrics. */
  servers(): ReturnType<Pool['all']> {
    return this.pool.all();
  }

  /** Uses these servers from now on; true: a spare. */
  use(servers: ReadonlyMap<string, boolean>): void {
    this.pool.replace(servers);
  }

  /** Listens; resolves with the port. The signal closes the socket and all connections. @throws Unavailable */
  listen(address: Address, signal: AbortSignal): Promise<number> {
    // A client is read only when its server is connected.
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) =>
      this.accept(client),
    );
    return new Promise((resolve, reject) => {
      const text = formatAddress(address);
      server.once('error', (cause) => reject(new Unavailable(`cannot listen on ${text}`, { cause })));
      server.listen(address.port, address.host, () => {
        server.on('error', (error) => this.deps.log.warn('a connection was not accepted', { address: text, error }));
        signal.addEventListener('abort', () => this.end(server), { once: true });
        const bound = server.address();
        resolve(typeof bound === 'object' && bound ? bound.port : address.port);
      });
    });
  }

  /** Ends the checks. */
  close(): void {
    for (const name of [...this.checks.keys()]) this.stopChecks(name);
  }

  private end(server: Server): void {
    server.close();
    for (const client of this.open) client.resetAndDestroy();
  }

  private accept(client: Socket): void {
    const { metrics } = this.deps;
    // A reset before the relay begins; later ones reach the relay.
    client.on('error', () => {});
    const address = client.remoteAddress ?? '';
    const reason = this.refusal(address);
    if (reason) {
      metrics.refused(reason);
      client.resetAndDestroy();
      return;
    }
    this.open.add(client);
    this.openOf.set(address, (this.openOf.get(address) ?? 0) + 1);
    client.once('close', () => {
      this.open.delete(client);
      const left = this.openOf.get(address)! - 1;
      if (left === 0) this.openOf.delete(address);
      else this.openOf.set(address, left);
    });
    void this.serve(client);
  }

  /** A client that opens more and more connections must not lock out those at other addresses. */
  private refusal(address: string): 'limit' | 'client_limit' | undefined {
    const { maxConnections } = this.options;
    if (this.open.size >= maxConnections) return 'limit';
    return (this.openOf.get(address) ?? 0) >= Math.ceil(maxConnections / shareOfClient) ? 'client_limit' : undefined;
  }

  /** Never rejects. */
  private async serve(client: Socket): Promise<void> {
    const { log, metrics } = this.deps;
    for (const name of this.pool.candidates()) {
      if (client.destroyed) return;
      if (await this.connect(name, client)) return;
    }
    if (client.destroyed) return;
    metrics.refused('no_server');
    log.warn('connection refused: no server could be reached');
    client.resetAndDestroy();
  }

  /** False when the server did not accept. Resolves at the end of the connection. */
  private async connect(name: string, client: Socket): Promise<boolean> {
    const { log, metrics } = this.deps;
    const server = dial(parseAddress(name), client);
    let isRelaying = false;
    const abort = () => {
      server.resetAndDestroy();
      // Before that, the next server gets the client.
      if (isRelaying) client.resetAndDestroy();
    };
    const detach = this.pool.attach(name, { abort });
    try {
      await connected(server, this.timing.connectTimeoutMs);
      if (client.destroyed) {
        server.destroy();
        return true;
      }
      isRelaying = true;
      metrics.connected(name);
      metrics.moved(await relay(client, server));
      return true;
    } catch (error) {
      metrics.failed(name);
      log.debug('server did not accept a connection', { server: name, error });
      return false;
    } finally {
      detach();
    }
  }

  private startChecks(name: string, isSpare: boolean): void {
    const stop = new AbortController();
    this.checks.set(name, stop);
    void this.check(name, isSpare ? this.timing.spareIntervalMs : this.timing.checkIntervalMs, stop.signal);
  }

  private stopChecks(name: string): void {
    this.checks.get(name)?.abort();
    this.checks.delete(name);
  }

  /** Never rejects. */
  private async check(name: string, intervalMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.deps;
    const probe = new Probe({
      address: parseAddress(name),
      ca: this.options.ca,
      timeoutMs: this.timing.checkTimeoutMs,
    });
    signal.addEventListener('abort', () => probe.close(), { once: true });
    while (!signal.aborted) {
      const began = clock.now();
      const beganAt = this.pool.begin();
      const checked = await probe.check();
      if (signal.aborted) return;
      this.pool.note(name, checked, beganAt);
      await this.nap(Math.min(intervalMs, Math.max(0, began + intervalMs - clock.now())), signal);
    }
  }

  /** Ends early when another server comes up or goes down. */
  private async nap(ms: number, signal: AbortSignal): Promise<void> {
    const end = new AbortController();
    this.naps.add(end);
    await this.deps.clock.sleep(ms, AbortSignal.any([signal, end.signal])).catch(() => {});
    this.naps.delete(end);
  }

  private hurry(): void {
    for (const end of this.naps) end.abort();
  }
}
