// Keeps condition Available of each APIService: checks it when the APIService, its Service or its endpoints change, and every 30 seconds,
// since a server can fail without any change. A failed check is repeated sooner.
//
// 1. No two checks of one APIService run at the same time; a change during a check causes one more.
// 2. A condition that would not change is not written.
// 3. Services and endpoints are followed only for APIServices that name them.
import { type APIService, apiServices, localCondition } from '../../api/api-service';
import { conditionOf, withCondition } from '../../api/conditions';
import { endpointSlices } from '../../api/endpoint-slice';
import { services } from '../../api/service';
import { serviceNameLabel } from '../../api/slices/facts';
import { Backoff } from '../../base/backoff';
import { type Clock, formatTime } from '../../base/clock';
import { isConflict, isNotFound } from '../../base/errors';
import type { Logger } from '../../base/logger';
import type { Client } from '../../client/client';
import type { Cache } from '../cache/cache';
import type { Aggregated, Aggregator } from './aggregator';
import { checkService, probe, type Verdict } from './availability';
import type { AggregatorMetrics } from './metrics';

const resyncMs = 30_000;
const firstRetryMs = 250;

export interface AvailabilityDeps {
  readonly aggregator: Aggregator;
  readonly cache: Cache;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly metrics: Pick<AggregatorMetrics, 'unavailable'>;
}

/** The checks of one APIService. */
interface Followed {
  readonly stop: AbortController;
  readonly service: string;
  running: boolean;
  again: boolean;
  cancel: () => void;
}

export class AvailabilityLoop {
  private readonly followed = new Map<string, Followed>();
  private readonly backoff = new Backoff<string>({ initialMs: firstRetryMs, maxMs: resyncMs });

  constructor(private readonly deps: AvailabilityDeps) {}

  start(): void {
    const { aggregator, signal } = this.deps;
    aggregator.onChange((name) => this.changed(name));
    for (const name of aggregator.all().keys()) this.changed(name);
    const stop = () => {
      for (const name of [...this.followed.keys()]) this.forget(name);
    };
    signal.addEventListener('abort', stop, { once: true });
  }

  private changed(name: string): void {
    const service = serviceOf(this.deps.aggregator.all().get(name));
    const known = this.followed.get(name);
    if (known && known.service !== service) this.forget(name);
    if (service === undefined) {
      void this.makeLocal(name);
      return;
    }
    if (!this.followed.has(name) && !this.deps.signal.aborted) this.follow(name, service);
    void this.check(name);
  }

  private follow(name: string, service: string): void {
    const stop = new AbortController();
    this.followed.set(name, { stop, service, running: false, again: false, cancel: () => undefined });
    const [namespace = '', serviceName = ''] = service.split('/');
    const again = () => void this.check(name);
    const lost = () => setImmediate(() => this.followed.has(name) && this.refollow(name, service));
    const options = { namespace, afterRevision: this.deps.cache.revision(), signal: stop.signal };
    const named = ({ metadata }: { metadata?: { name?: string } }) => metadata?.name === serviceName;
    this.deps.cache.kind(services).watch({ ...options, matches: named }, again, lost);
    this.deps.cache
      .kind(endpointSlices)
      .watch(
        { ...options, matches: ({ metadata }) => metadata?.labels?.[serviceNameLabel] === serviceName },
        again,
        lost,
      );
  }

  /** The history no longer reaches back to the last event. */
  private refollow(name: string, service: string): void {
    this.forget(name);
    if (this.deps.signal.aborted) return;
    this.follow(name, service);
    void this.check(name);
  }

  private forget(name: string): void {
    const known = this.followed.get(name);
    known?.cancel();
    known?.stop.abort();
    this.followed.delete(name);
    this.backoff.forget(name);
  }

  private async check(name: string): Promise<void> {
    const known = this.followed.get(name);
    if (!known) return;
    known.again = true;
    if (known.running) return;
    known.running = true;
    known.cancel();
    let good = true;
    while (known.again && !known.stop.signal.aborted) {
      known.again = false;
      good = await this.checkOnce(name).catch((error: unknown) => {
        if (!this.deps.signal.aborted) this.deps.log.warn('cannot check an APIService; trying again', { name, error });
        return false;
      });
    }
    known.running = false;
    if (known.stop.signal.aborted) return;
    if (good) this.backoff.forget(name);
    const delay = good ? resyncMs : this.backoff.next(name);
    known.cancel = this.deps.clock.after(delay, () => void this.check(name));
  }

  /** Resolves with false when the server must be asked again soon. */
  private async checkOnce(name: string): Promise<boolean> {
    const found = this.deps.aggregator.all().get(name);
    if (!found) return true;
    const verdict = await this.verdictOf(found);
    const current = this.deps.aggregator.all().get(name);
    // The answer of a server that the APIService no longer names.
    if (!current || serviceOf(current) !== serviceOf(found)) return true;
    await this.write(current.object, verdict);
    return verdict.reason !== 'FailedDiscoveryCheck';
  }

  private async verdictOf({ object, remote, failure = '' }: Aggregated): Promise<Verdict> {
    const { cache } = this.deps;
    const { namespace = '', name = '' } = object.spec?.service ?? {};
    const service = cache.kind(services).get(`${namespace}/${name}`)?.object;
    const slices = cache.kind(endpointSlices).current({
      namespace,
      matches: ({ metadata }) => metadata?.labels?.[serviceNameLabel] === name,
    });
    const verdict = checkService(
      object,
      service,
      slices.map((slice) => slice.object),
    );
    if (verdict) return verdict;
    if (!remote) return { status: 'False', reason: 'FailedDiscoveryCheck', message: failure };
    const { group = '', version = '' } = object.spec ?? {};
    return probe(remote, group === '' ? `/api/${version}` : `/apis/${group}/${version}`);
  }

  /** An APIService that had a Service. */
  private async makeLocal(name: string): Promise<void> {
    const { cache, clock, log, signal } = this.deps;
    const object = cache.kind(apiServices).get(name)?.object;
    if (!object || object.spec?.service) return;
    const { status, reason = '', message = '' } = localCondition(formatTime(clock.now()));
    await this.write(object, { status, reason, message }).catch((error: unknown) => {
      if (!signal.aborted) log.warn('cannot write the condition of an APIService', { name, error });
    });
  }

  private async write(object: APIService, verdict: Verdict): Promise<void> {
    const { client, clock, metrics } = this.deps;
    const before = conditionOf(object, 'Available');
    const same = before?.status === verdict.status && before.reason === verdict.reason;
    if (same && before.message === verdict.message) return;
    const became = before === undefined || before.status === 'True';
    if (verdict.status !== 'True' && became) metrics.unavailable(object.metadata?.name ?? '', verdict.reason ?? '');
    const conditions = [...withCondition(object.status?.conditions, { type: 'Available', ...verdict }, clock.now())];
    try {
      await client.update(
        apiServices,
        { ...object, status: { ...object.status, conditions } },
        { subresource: 'status' },
      );
    } catch (err) {
      // The change causes another check.
      if (!isConflict(err) && !isNotFound(err)) throw err;
    }
  }
}

function serviceOf(found: Aggregated | undefined): string | undefined {
  const service = found?.object.spec?.service;
  // Namespaces and names never contain a slash or a colon.
  return service && `${service.namespace}/${service.name}/${service.port}`;
}
