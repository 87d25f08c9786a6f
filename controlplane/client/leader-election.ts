// Leader election by a Lease (coordination.k8s.io/v1). It keeps two processes from doing the same work most of the time;
// it is no fence: every write carries the resourceVersion or uid of the object it was planned on.
import { type Lease, leases } from '../api/lease';
import { Backoff } from '../base/backoff';
import { type Clock, formatMicroTime, systemClock } from '../base/clock';
import { isAlreadyExists, isConflict, isNotFound, Unavailable } from '../base/errors';
import type { Logger } from '../base/logger';
import type { Client } from './client';
import { type Leadership, leadingClient } from './leading-client';

export interface LeaderElectionOptions {
  readonly client: Client;
  /** The Lease's namespace and name: kube-system/kube-scheduler. */
  readonly lease: string;
  /**
   * Unique among the processes that run at the same time, and the same after a restart: a process that finds its own
   * name in the Lease leads at once; every other process waits until the Lease has run out.
   */
  readonly identity: string;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly timing?: LeaderTiming;
}

export interface LeaderTiming {
  /** How long others wait without a renewal before they take over. */
  readonly leaseMs: number;
  /** How long the leader tries to renew before it stops leading; shorter than leaseMs. */
  readonly renewDeadlineMs: number;
  readonly retryMs: number;
}
/** The values of kube-controller-manager. */
export const defaultTiming: LeaderTiming = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };

/**
 * Waits until it leads, runs `lead`, and stops it (by its signal) when the Lease is lost; then competes again. The client of `lead` writes
 * only while this process is known to lead. Resolves when `signal` is aborted or `lead` returns by itself, and releases the Lease
 * then, so that another process can lead at once.
 */
export async function runWithLease(
  options: LeaderElectionOptions,
  signal: AbortSignal,
  lead: (signal: AbortSignal, client: Client) => Promise<void>,
): Promise<void> {
  const elector = new Elector(options);
  const client = leadingClient(options.client, elector);
  while (!signal.aborted) {
    if (!(await elector.acquire(signal))) return;
    options.log.debug('leading', { lease: options.lease, identity: options.identity });
    const term = new AbortController();
    const renewing = elector.renewUntilLost(AbortSignal.any([signal, term.signal])).then(() => {
      if (!signal.aborted && !term.signal.aborted) {
        elector.stop();
        options.log.warn('lost the lease; this process stops leading and tries again', { lease: options.lease });
      }
      term.abort(new Error(`lost the lease ${options.lease}`));
    });
    let finished = false;
    try {
      await lead(AbortSignal.any([signal, term.signal]), client);
      finished = !term.signal.aborted;
    } catch (err) {
      if (!term.signal.aborted && !signal.aborted) throw err;
    } finally {
      term.abort(new Error('stopped leading'));
      await renewing;
      elector.stop();
      await elector.release();
    }
    if (finished) return;
  }
}

/** A rejection without a write that waits is no fault. */
function pending(): PromiseWithResolvers<void> {
  const next = Promise.withResolvers<void>();
  next.promise.catch(() => {});
  return next;
}

/** A point in time by both clocks, in milliseconds. */
interface Moment {
  readonly now: number;
  readonly elapsed: number;
}

class Elector implements Leadership {
  private readonly clock: Clock;
  private readonly timing: LeaderTiming;
  /** The Lease as last seen, and when that state was first seen: other machines' clocks are not trusted. */
  private observed: { readonly version: string; readonly atMs: number } | undefined;
  private held: Lease | undefined;
  /** When the last renewal that succeeded was sent; undefined: this process does not lead. Another one leads leaseMs after it at the earliest. */
  private renewedAt: Moment | undefined;
  private next = pending();

  constructor(private readonly options: LeaderElectionOptions) {
    this.clock = options.clock ?? systemClock;
    this.timing = options.timing ?? defaultTiming;
  }

  /** True when the Lease is ours; false when the signal was aborted first. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    // A failed request is retried sooner than a Lease that another process holds: at a start the API may answer a moment later.
    const failures = new Backoff<string>({ initialMs: 50, maxMs: this.timing.retryMs });
    while (!signal.aborted) {
      let delay = this.timing.retryMs;
      try {
        if (await this.tryOnce(signal)) return true;
        failures.forget('');
      } catch (err) {
        if (signal.aborted) return false;
        delay = failures.next('');
        if (failures.count('') === 5)
          this.options.log.warn('cannot take or read the lease; trying again', {
            lease: this.options.lease,
            error: err,
          });
      }
      await this.pause(delay, signal);
    }
    return false;
  }

  /** The time between renewDeadlineMs and leaseMs is for writes that are on their way. */
  confirm(): undefined | Promise<void> {
    if (!this.renewedAt) return Promise.reject(new Unavailable(`lost the lease ${this.options.lease}`));
    const { renewDeadlineMs } = this.timing;
    const moment = this.moment();
    // A machine that slept shows it in the time of day alone.
    const ages = [moment.now - this.renewedAt.now, moment.elapsed - this.renewedAt.elapsed];
    return ages.every((ageMs) => ageMs >= 0 && ageMs < renewDeadlineMs) ? undefined : this.next.promise;
  }

  /** Resolves when the Lease could not be renewed in time, was taken by another, or the signal was aborted. */
  async renewUntilLost(signal: AbortSignal): Promise<void> {
    let renewedMs = this.renewedAt?.elapsed ?? this.clock.elapsed();
    while (!signal.aborted) {
      await this.pause(this.timing.retryMs, signal);
      if (signal.aborted) return;
      const deadline = new AbortController();
      const cancel = this.clock.after(renewedMs + this.timing.renewDeadlineMs - this.clock.elapsed(), () =>
        deadline.abort(),
      );
      try {
        if (!(await this.tryOnce(AbortSignal.any([signal, deadline.signal])))) return;
        renewedMs = this.renewedAt?.elapsed ?? renewedMs;
      } catch {
        // Every failure counts as not renewed; the deadline below decides.
        if (this.clock.elapsed() - renewedMs >= this.timing.renewDeadlineMs) return;
      } finally {
        cancel();
      }
    }
  }

  /** From now on every write is refused: another process may lead. */
  stop(): void {
    this.renewedAt = undefined;
    this.next.reject(new Unavailable(`lost the lease ${this.options.lease}`));
    this.next = pending();
  }

  /** Clears the holder, if it is still this process. Best effort: the Lease runs out by itself. */
  async release(): Promise<void> {
    const held = this.held;
    this.held = undefined;
    this.observed = undefined;
    if (!held) return;
    const spec = { ...held.spec, holderIdentity: '', leaseDurationSeconds: 1 };
    await this.options.client.update(leases, { ...held, spec }).catch((err: unknown) => {
      this.options.log.debug('lease not released; it expires by itself', { lease: this.options.lease, error: err });
    });
  }

  private async tryOnce(signal: AbortSignal): Promise<boolean> {
    const { client, lease: key, identity } = this.options;
    const sent = this.moment();
    const time = formatMicroTime(sent.now);
    try {
      let current = this.held;
      if (!current) {
        current = await client.get(leases, key, signal);
        if (!this.mayTake(current, sent.elapsed)) return false;
      }
      const spec = current.spec ?? {};
      const mine = spec.holderIdentity === identity;
      this.held = await client.update(
        leases,
        {
          ...current,
          spec: {
            ...spec,
            holderIdentity: identity,
            leaseDurationSeconds: this.timing.leaseMs / 1000,
            acquireTime: mine ? spec.acquireTime : time,
            renewTime: time,
            leaseTransitions: (spec.leaseTransitions ?? 0) + (mine ? 0 : 1),
          },
        } as Lease,
        { signal },
      );
      this.renewed(sent);
      return true;
    } catch (err) {
      if (isConflict(err)) {
        // Another process wrote the Lease: read it again.
        this.held = undefined;
        const current = await client.get(leases, key, signal);
        if (current.spec?.holderIdentity !== identity) return false;
        this.held = current;
        return this.tryOnce(signal);
      }
      if (!isNotFound(err)) throw err;
      this.held = undefined;
    }
    const [namespace, name] = key.split('/');
    try {
      this.held = await client.create(
        leases,
        {
          metadata: { namespace, name },
          spec: {
            holderIdentity: identity,
            leaseDurationSeconds: this.timing.leaseMs / 1000,
            acquireTime: time,
            renewTime: time,
            leaseTransitions: 0,
          },
        } as Lease,
        { signal },
      );
      this.renewed(sent);
      return true;
    } catch (err) {
      if (isAlreadyExists(err)) return false;
      throw err;
    }
  }

  private moment(): Moment {
    return { now: this.clock.now(), elapsed: this.clock.elapsed() };
  }

  private renewed(sent: Moment): void {
    this.renewedAt = sent;
    this.next.resolve();
    this.next = pending();
  }

  /** The Lease is free, ours, or unchanged for longer than its duration. */
  private mayTake(lease: Lease, now: number): boolean {
    const { holderIdentity, leaseDurationSeconds } = lease.spec ?? {};
    if (!holderIdentity || holderIdentity === this.options.identity) return true;
    const version = lease.metadata?.resourceVersion ?? '';
    if (this.observed?.version !== version) {
      this.observed = { version, atMs: now };
      return false;
    }
    return now >= this.observed.atMs + (leaseDurationSeconds ?? this.timing.leaseMs / 1000) * 1000;
  }

  private async pause(ms: number, signal: AbortSignal): Promise<void> {
    await this.clock.sleep(ms, signal).catch((err: unknown) => {
      if (!signal.aborted) throw err;
    });
  }
}
