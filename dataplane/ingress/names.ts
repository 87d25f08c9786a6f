// Resolves names of backends to addresses and caches them for their TTLs. Each look-up checks whether the addresses are allowed,
// also one from the cache, because the addresses of this node change too.
import { Resolver } from 'node:dns/promises';
import { Unavailable } from '../../controlplane/base/errors';

export interface Found {
  readonly address: string;
  readonly ttlSeconds: number;
}
/** All addresses of a name, without a search list. Empty or rejected when there is none. */
export type ResolveName = (name: string) => Promise<readonly Found[]>;

/** A TTL of 0 would cost a query per connection, and a TTL of a day would outlast every change of address. */
const minTtlSeconds = 1;
const maxTtlSeconds = 300;
/** How long the absence of a name is cached. */
const failureSeconds = 2;
const maxRemembered = 1_000;
/** Maximum of concurrent queries. Users choose the names, so slow name servers must not let work pile up here. */
const maxInFlight = 100;

interface Entry {
  readonly untilMs: number;
  readonly addresses: readonly string[];
  readonly failure?: Error;
}

export class Names {
  private readonly entries = new Map<string, Entry>();
  private readonly inFlight = new Map<string, Promise<readonly string[]>>();

  constructor(
    private readonly resolve: ResolveName,
    private readonly now: () => number = Date.now,
  ) {}

  /** At least one address. Equal concurrent queries share one answer. @throws the resolver's error, Unavailable */
  async lookup(text: string): Promise<readonly string[]> {
    const name = text.toLowerCase().replace(/\.$/, '');
    const entry = this.entries.get(name);
    if (entry && entry.untilMs > this.now()) {
      if (entry.failure) throw entry.failure;
      return entry.addresses;
    }
    const running = this.inFlight.get(name);
    if (running) return running;
    if (this.inFlight.size >= maxInFlight) throw new Unavailable(`${maxInFlight} names are being looked up already`);
    const asked = this.ask(name).finally(() => this.inFlight.delete(name));
    this.inFlight.set(name, asked);
    return asked;
  }

  private async ask(name: string): Promise<readonly string[]> {
    try {
      const found = await this.resolve(name);
      if (found.length === 0) throw new Unavailable(`${name} has no address`);
      const addresses = found.map(({ address }) => address);
      const ttl = Math.min(maxTtlSeconds, ...found.map(({ ttlSeconds }) => ttlSeconds));
      this.remember(name, { addresses, untilMs: this.now() + 1_000 * Math.max(minTtlSeconds, ttl) });
      return addresses;
    } catch (err) {
      const failure = err instanceof Error ? err : new Error(String(err));
      this.remember(name, { addresses: [], failure, untilMs: this.now() + 1_000 * failureSeconds });
      throw failure;
    }
  }

  private remember(name: string, entry: Entry): void {
    this.entries.delete(name);
    if (this.entries.size >= maxRemembered) this.entries.delete(this.entries.keys().next().value!);
    this.entries.set(name, entry);
  }
}

/** The time for one server's answer, and the number of tries. */
const timeoutMs = 2_000;
const tries = 2;

/** Queries these name servers, `ADDRESS` or `ADDRESS:PORT`, for both families. Names are absolute. */
export function resolveBy(servers: readonly string[]): ResolveName {
  const resolver = new Resolver({ timeout: timeoutMs, tries });
  resolver.setServers(servers);
  return async (name) => {
    const asked = await Promise.allSettled([
      resolver.resolve4(name, { ttl: true }),
      resolver.resolve6(name, { ttl: true }),
    ]);
    const found = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    if (found.length > 0) return found.map(({ address, ttl }) => ({ address, ttlSeconds: ttl }));
    // It is no failure when one family has no addresses. When both failed, the error of a server says more than a missing family.
    const reasons = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason as NodeJS.ErrnoException] : []));
    throw reasons.find(({ code }) => code !== 'ENODATA') ?? reasons[0]!;
  };
}
