// Keeps this server's Lease and, with it, the addresses of all living servers behind Service default/kubernetes.
//
// 1. The Lease is renewed every renewMs; after a failure it is tried again every retryMs.
// 2. The address of a server that lives is added at once, that of a server that died within ttlMs of its last renewal.
// 3. Endpoints that another client changed or deleted are repaired within renewMs. Without a change nothing is written but the Lease.
// 4. A server that stops takes its own address out, unless it is the only one.
import { type Lease, leases } from '../../api/lease';
import type { Clock } from '../../base/clock';
import { isAlreadyExists, isConflict, isNotFound } from '../../base/errors';
import type { Logger } from '../../base/logger';
import type { Client } from '../../client/client';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';
import {
  identityLease,
  identityNamespace,
  isExpired,
  isIdentityLease,
  isLoopback,
  leaseName,
  type ServerIdentity,
} from './identity';
import { writeEndpoints } from './kubernetes-endpoints';
import { PeerLeases } from './peer-leases';

/** As upstream, for the Lease and for the endpoints. */
export const renewMs = 10_000;
/** Five more attempts before the other servers take this one for dead. */
export const retryMs = 1_000;
/** A sleep of retryMs that takes this long: the process stood still. */
const frozenMs = 5_000;
/** A server that stops does not wait longer for a store that may be lost: the others notice by themselves. */
const leaveMs = 2_000;

export interface PeersDeps {
  readonly client: Client;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly log: Logger;
  readonly identity: ServerIdentity;
  /** The port of the API; all servers of a cluster have the same. */
  readonly port: number;
}

export class Peers {
  private readonly leases: PeerLeases;
  private readonly name: string;
  private readonly stop = new AbortController();
  private held: Lease | undefined;
  private written = '';
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly deps: PeersDeps) {
    this.name = leaseName(deps.identity);
    this.leases = new PeerLeases(this.name);
  }

  /** Follows the Leases, and writes this server's Lease and address; then keeps them until `leave`. */
  async open(): Promise<void> {
    const { cache, clock } = this.deps;
    let isLoaded = false;
    const onChange = (previous: Lease | undefined, current: Lease | undefined) => {
      const before = previous && isIdentityLease(previous) ? previous : undefined;
      if (current && isIdentityLease(current)) this.leases.seen(current, clock.now(), isLoaded && !before);
      else if (before) this.leases.gone(before.metadata?.name ?? '');
      // A server that came or went may have written the endpoints, too.
      if (!before || !current) this.written = '';
    };
    await followKind(cache, leases, onChange, this.stop.signal);
    isLoaded = true;
    await this.renew();
    await this.reconcile();
    this.running = this.keep();
  }

  /** Ends the work; removes this server's Lease and address if there are other servers. Never rejects. */
  async leave(): Promise<void> {
    const { client, clock, log, port } = this.deps;
    this.stop.abort(new Error('the server stops'));
    await this.running;
    const held = this.held;
    const { alive, unknown } = this.leases.addresses(clock.now());
    if (!held || alive.length + unknown.length === 0) return;
    const limit = new AbortController();
    const cancel = clock.after(leaveMs, () => limit.abort(new Error(`not finished within ${leaveMs} ms`)));
    const { signal } = limit;
    try {
      // The Lease first: another server would add the address of a Lease that lives. Without it, each of them takes the address out.
      const { uid } = held.metadata ?? {};
      const key = `${identityNamespace}/${this.name}`;
      await client.delete(leases, key, { signal, ...(uid === undefined ? {} : { preconditions: { uid } }) });
      if (this.address !== undefined && alive.length > 0)
        await writeEndpoints(client, { own: undefined, alive, unknown }, port, signal);
    } catch (error) {
      log.warn('this server stops, but its address could not be taken out; other servers will do so', { error });
    } finally {
      cancel();
    }
  }

  private get address(): string | undefined {
    const { advertiseAddress } = this.deps.identity;
    return isLoopback(advertiseAddress) ? undefined : advertiseAddress;
  }

  /** Never rejects. */
  private async keep(): Promise<void> {
    const { clock, log } = this.deps;
    const { signal } = this.stop;
    let renewedMs = clock.now();
    let failures = 0;
    while (!signal.aborted) {
      const began = clock.now();
      await clock.sleep(retryMs, signal).catch(() => {});
      if (signal.aborted) return;
      const now = clock.now();
      const sleptMs = now - began;
      if (sleptMs < 0 || sleptMs > frozenMs) this.leases.doubt(now);
      const isDue = now >= renewedMs + renewMs || now < renewedMs;
      try {
        if (isDue) await this.renew();
        if (isDue || this.desiredNow() !== this.written) await this.reconcile();
        if (isDue) renewedMs = now;
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (failures++ === 0) log.warn('cannot renew the Lease of this server; trying again', { error });
        this.leases.doubt(clock.now());
        this.written = '';
      }
    }
  }

  private async renew(): Promise<void> {
    const { client, clock, identity } = this.deps;
    const { signal } = this.stop;
    const key = `${identityNamespace}/${this.name}`;
    for (let attempt = 1; ; attempt++) {
      const now = clock.now();
      try {
        this.held ??= await client.get(leases, key, signal);
        this.held = await client.update(leases, identityLease(identity, now, this.held), { signal });
        return;
      } catch (err) {
        this.held = undefined;
        if (!isNotFound(err) && !(isConflict(err) && attempt < 3)) throw err;
        if (!isNotFound(err)) continue;
      }
      try {
        this.held = await client.create(leases, identityLease(identity, now), { signal });
        return;
      } catch (err) {
        if (!isAlreadyExists(err) || attempt === 3) throw err;
      }
    }
  }

  private async reconcile(): Promise<void> {
    const { client, clock, port } = this.deps;
    const { signal } = this.stop;
    const own = this.address;
    // Before the write: what changes meanwhile is written next.
    this.written = this.desiredNow();
    // A server that has no address leaves those of the others to them.
    if (own !== undefined) await writeEndpoints(client, { own, ...this.leases.addresses(clock.now()) }, port, signal);
    const now = clock.now();
    for (const lease of this.leases.dead(now)) if (isExpired(lease, now)) await this.remove(lease, signal);
  }

  /** What the addresses are written from, as a text to compare. */
  private desiredNow(): string {
    const { alive, unknown } = this.leases.addresses(this.deps.clock.now());
    return `alive: ${[...alive].sort()} unknown: ${[...unknown].sort()}`;
  }

  private async remove({ metadata }: Lease, signal: AbortSignal): Promise<void> {
    const { uid, resourceVersion } = metadata ?? {};
    const preconditions = { uid: uid ?? '', resourceVersion: resourceVersion ?? '' };
    const key = `${identityNamespace}/${metadata?.name}`;
    await this.deps.client.delete(leases, key, { preconditions, signal }).catch((err: unknown) => {
      if (!isNotFound(err) && !isConflict(err)) throw err;
    });
  }
}
