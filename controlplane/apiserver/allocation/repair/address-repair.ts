// Keeps Services and IPAddresses in agreement. Promises: (1) after open() each cluster IP in a range has its IPAddress, also of Services
// that an older version wrote; (2) an IPAddress that a user deletes or changes is written again; (3) one without a Service is deleted.
import {
  type IPAddress,
  ipAddresses,
  objectKey,
  type Service,
  type ServiceCIDR,
  serviceCidrs,
  services,
} from '../../../api/index';
import { addressOfService, clusterIpsOf } from '../../../api/ip-addresses/facts';
import { cidrsWith } from '../../../api/service-cidrs/facts';
import type { Clock } from '../../../base/clock';
import { isAlreadyExists, isNotFound } from '../../../base/errors';
import type { Logger } from '../../../base/logger';
import type { Client } from '../../../client/client';
import type { EventRecorder } from '../../../client/event-recorder';
import { WorkQueue } from '../../../client/work-queue';
import type { Cache } from '../../cache/cache';
import { followKind } from '../../follow';
import { planRepair, type Step } from './plan';

/** As upstream: so often all addresses are looked at, whatever has changed. */
const sweepMs = 3 * 60_000;
/** The key in the queue for a look at all addresses; no address is empty. */
const everything = '';
/** Addresses that are planned in one turn of the event loop. */
const plannedAtOnce = 500;
/** Writes that are under way at the start; they share transactions of the store. */
const writtenAtOnce = 100;

export interface RepairDeps {
  readonly cache: Cache;
  readonly client: Client;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export class AddressRepair {
  private readonly queue: WorkQueue;
  /** The keys of the Services that have an address: nearly always one. */
  private readonly holders = new Map<string, readonly string[]>();
  private cidrs: ReadonlyMap<string, ServiceCIDR> = new Map();

  constructor(private readonly deps: RepairDeps) {
    const { clock, log } = deps;
    this.queue = new WorkQueue({
      clock,
      onRetry: (address, error) => log.warn('the repair of an IPAddress failed', { address, error }),
    });
  }

  /** Resolves when each cluster IP has its IPAddress. */
  async open(): Promise<void> {
    const { cache, signal, log } = this.deps;
    this.cidrs = await followKind(cache, serviceCidrs, () => undefined, signal);
    await followKind(cache, services, (previous, current) => this.follow(previous, current), signal);
    await this.sweep(async (addresses) => {
      const missing = addresses.filter((address) => !cache.kind(ipAddresses).has(address));
      for (let at = 0; at < missing.length; at += writtenAtOnce) {
        const some = missing.slice(at, at + writtenAtOnce);
        // No event for each: an older version wrote none of them.
        await Promise.all(some.map((address) => this.repair(address, { silent: true })));
      }
      if (missing.length > 0) log.info('wrote missing IPAddresses', { count: missing.length });
    });
  }

  /** Until the signal is aborted. Never rejects. */
  async run(): Promise<void> {
    const { cache, signal } = this.deps;
    await followKind(cache, ipAddresses, (before, now) => this.queue.add(objectKey((now ?? before)!)), signal);
    await followKind(cache, serviceCidrs, () => this.queue.add(everything), signal);
    for await (const key of this.queue.keys(signal)) {
      await this.reconcile(key).then(
        () => this.queue.done(key),
        (err: unknown) => this.queue.done(key, signal.aborted ? undefined : err),
      );
    }
  }

  private async reconcile(key: string): Promise<void> {
    if (key !== everything) return this.repair(key, { silent: false });
    await this.sweep(async (addresses) => {
      for (const address of addresses) this.queue.add(address);
    });
    this.queue.addAfter(everything, sweepMs);
  }

  /** Calls `found` with addresses that need a step, some at a time. */
  private async sweep(found: (addresses: readonly string[]) => Promise<void>): Promise<void> {
    const { cache, signal } = this.deps;
    const all = new Set(this.holders.keys());
    for (const { key } of cache.kind(ipAddresses).current({})) all.add(key);
    const addresses = [...all];
    for (let at = 0; at < addresses.length && !signal.aborted; at += plannedAtOnce) {
      await found(addresses.slice(at, at + plannedAtOnce).filter((address) => this.plan(address).length > 0));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** An IPAddress arrives with its Service in one batch of events, so it is here by now. */
  private follow(previous: Service | undefined, current: Service | undefined): void {
    const before = previous ? clusterIpsOf(previous) : [];
    const after = current ? clusterIpsOf(current) : [];
    const key = objectKey((current ?? previous)!);
    for (const address of before) {
      if (after.includes(address)) continue;
      const rest = (this.holders.get(address) ?? []).filter((other) => other !== key);
      if (rest.length > 0) this.holders.set(address, rest);
      else this.holders.delete(address);
    }
    for (const address of after) {
      const known = this.holders.get(address) ?? [];
      if (!known.includes(key)) this.holders.set(address, [...known, key]);
      if (!this.deps.cache.kind(ipAddresses).has(address)) this.queue.add(address);
    }
  }

  private plan(address: string): readonly Step[] {
    const { cache, clock } = this.deps;
    const object = cache.kind(ipAddresses).get(address)?.object;
    const { namespace, name } = object?.spec?.parentRef ?? {};
    const serviceOf = (key: string) => cache.kind(services).get(key)?.object;
    const holders = (this.holders.get(address) ?? []).flatMap((key) => serviceOf(key) ?? []);
    return planRepair({
      address,
      object,
      holders: holders.filter((service) => clusterIpsOf(service).includes(address)),
      parent: object && serviceOf(`${namespace}/${name}`),
      inRange: cidrsWith(address, this.cidrs.values()).length > 0,
      now: clock.now(),
    });
  }

  private async repair(address: string, { silent }: { readonly silent: boolean }): Promise<void> {
    for (const step of this.plan(address)) {
      if (step.action === 'wait') this.queue.addAfter(address, step.ms);
      else if (step.action !== 'report') await this.write(address, step);
      else if (!silent) this.deps.recorder.record(step.about, 'Warning', step.reason, step.message);
    }
  }

  private async write(address: string, step: Exclude<Step, { action: 'wait' | 'report' }>): Promise<void> {
    const { client, signal } = this.deps;
    if (step.action !== 'create') {
      await client.delete(ipAddresses, address, { signal }).catch((err: unknown) => {
        if (!isNotFound(err)) throw err;
      });
    }
    if (step.action === 'delete') return;
    const { labels, spec } = addressOfService(address, step.service.metadata ?? {});
    const object: IPAddress = { metadata: { name: address, labels }, spec };
    await client.create(ipAddresses, object, { signal }).catch((err: unknown) => {
      // Another server was faster, or a user: its event comes here.
      if (!isAlreadyExists(err)) throw err;
    });
  }
}
