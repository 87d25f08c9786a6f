// The servers with their health and their open connections. It decides; probe.ts checks the servers and relay.ts moves the bytes.
import type { Logger } from '../../controlplane/base/logger';
import { abandoned, type Candidate, candidatesFor } from './choose';
import { type Health, judge, unjudged } from './health';
import type { Checked } from './probe';

/** A connection through the balancer. */
export interface Connection {
  /** Breaks both sides at once. */
  readonly abort: () => void;
}

export interface PoolEvents {
  /** A server came, or is not a server any more. */
  readonly added: (name: string, isSpare: boolean) => void;
  readonly removed: (name: string) => void;
  /** A server came up or went down: the others must be checked now. */
  readonly changed: (name: string) => void;
  /** Connections were closed because their server is down. */
  readonly closed: (name: string, count: number) => void;
}

interface Entry {
  isSpare: boolean;
  health: Health;
  readonly connections: Set<Connection>;
  changedAt: number;
  goodAt: number;
  badAt: number;
}

export class Pool {
  private readonly servers = new Map<string, Entry>();
  private turn = 0;
  private moment = 0;

  constructor(
    private readonly events: PoolEvents,
    private readonly log: Logger,
  ) {}

  /** Sets which servers there are. Connections to others stay until they end: the server answers, or its machine resets them. */
  replace(servers: ReadonlyMap<string, boolean>): void {
    for (const name of [...this.servers.keys()]) {
      if (servers.has(name)) continue;
      this.servers.delete(name);
      this.log.info('server removed', { server: name });
      this.events.removed(name);
    }
    for (const [name, isSpare] of servers) {
      const entry = this.servers.get(name);
      if (entry && entry.isSpare === isSpare) continue;
      if (entry) entry.isSpare = isSpare;
      else
        this.servers.set(name, {
          isSpare,
          health: unjudged,
          connections: new Set(),
          ...{ changedAt: 0, goodAt: 0, badAt: 0 },
        });
      this.log.info(isSpare ? 'server is a spare' : 'server is used', { server: name });
      if (entry) this.events.removed(name);
      this.events.added(name, isSpare);
    }
  }

  /** A check begins; its moment is an argument of `note`. */
  begin(): number {
    return ++this.moment;
  }

  note(name: string, { finding, why }: Checked, beganAt: number): void {
    const entry = this.servers.get(name);
    if (!entry) return;
    const before = entry.health.state;
    entry.health = judge(entry.health, finding);
    entry[finding === 'ready' ? 'goodAt' : 'badAt'] = beganAt;
    const { state } = entry.health;
    if (state !== before) {
      entry.changedAt = ++this.moment;
      if (state === 'down') this.log.warn('server is down', { server: name, finding, why });
      else this.log.info(`server is ${state}`, { server: name });
      this.events.changed(name);
    }
    this.closeAbandoned();
  }

  /** The servers that a new connection tries, in this order. */
  candidates(): readonly string[] {
    return candidatesFor(this.all(), this.turn++);
  }

  /** Counts a connection, from before it is opened. Returns the end of it. */
  attach(name: string, connection: Connection): () => void {
    const entry = this.servers.get(name);
    entry?.connections.add(connection);
    return () => entry?.connections.delete(connection);
  }

  /** True if a server is known to be ready. */
  get isServing(): boolean {
    return this.all().some(({ state }) => state === 'up');
  }

  all(): readonly Candidate[] {
    return [...this.servers].map(([name, { health, connections, ...rest }]) => ({
      name,
      ...rest,
      state: health.state,
      connections: connections.size,
    }));
  }

  /** Also when a server comes back: connections of the others that are down were kept for lack of a better one. */
  private closeAbandoned(): void {
    for (const name of abandoned(this.all())) {
      const open = this.servers.get(name)?.connections;
      const connections = [...(open ?? [])];
      if (connections.length === 0) continue;
      // They end a moment later; a check meanwhile must not count them again.
      open?.clear();
      for (const { abort } of connections) abort();
      this.log.info('connections closed: their server is down', { server: name, count: connections.length });
      this.events.closed(name, connections.length);
    }
  }
}
