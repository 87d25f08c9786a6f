// Which resources the aggregated API servers have: reads their discovery when an APIService changes and every minute, and keeps the last
// good answer while a server does not answer.
import type { APIService } from '../../api/api-service';
import { KindCatalog } from '../../api/catalog';
import type { Kind } from '../../api/kind';
import { Backoff } from '../../base/backoff';
import type { Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import type { RemoteVersion } from '../discovery/resources';
import type { UserInfo } from '../request';
import type { Aggregated, Aggregator } from './aggregator';
import { readAll } from './answers';
import { aggregatorUser } from './availability';
import { userHeaders } from './proxied-headers';
import type { Remote } from './remote';
import { kindsOf, type RemoteResource, readAggregated, readLegacy } from './remote-resources';

const refreshMs = 60_000;
const firstRetryMs = 500;
const timeoutMs = 5_000;
const maxDocumentBytes = 3 * 1024 * 1024;
const aggregatedForm = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

/** As the controllers call the API. */
const controllerManager: UserInfo = { name: 'system:kube-controller-manager', groups: ['system:authenticated'] };

export interface RemoteDiscoveryDeps {
  readonly aggregator: Aggregator;
  readonly clock: Pick<Clock, 'after'>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

interface Known {
  readonly version: RemoteVersion;
  /** Reads that have begun; only the last one counts. */
  reads: number;
  cancel: () => void;
}

export class RemoteDiscovery {
  /** The resources that can be listed, watched and deleted, as kinds: for the deletion of namespaces and garbage collection. */
  readonly kinds = new KindCatalog([]);
  private readonly known = new Map<string, Known>();
  private readonly backoff = new Backoff<string>({ initialMs: firstRetryMs, maxMs: refreshMs });

  constructor(private readonly deps: RemoteDiscoveryDeps) {}

  start(): void {
    const { aggregator, signal } = this.deps;
    const changed = (name: string) => void this.refresh(name);
    aggregator.onChange(changed);
    for (const name of aggregator.all().keys()) changed(name);
    const stop = () => {
      for (const { cancel } of this.known.values()) cancel();
      this.known.clear();
    };
    signal.addEventListener('abort', stop, { once: true });
  }

  versions(): readonly RemoteVersion[] {
    return [...this.known.values()].map(({ version }) => version);
  }

  private async refresh(name: string): Promise<void> {
    const { aggregator, clock, log, signal } = this.deps;
    const found = aggregator.all().get(name);
    if (signal.aborted) return;
    if (!found) {
      this.forget(name);
      return;
    }
    const before = this.known.get(name);
    before?.cancel();
    const reads = (before?.reads ?? 0) + 1;
    // Listed at once, as upstream: without resources until the server has answered.
    this.set(name, found.object, before?.version.resources ?? [], 'Stale', reads);
    const resources =
      found.remote &&
      (await read(found.remote, found.object).catch((error: unknown) => {
        log.debug('cannot read the discovery of an APIService; trying again', { name, error });
        return undefined;
      }));
    if (this.known.get(name)?.reads !== reads || signal.aborted) return;
    const listable = resources && (await this.listable(found, resources));
    if (this.known.get(name)?.reads !== reads || signal.aborted) return;
    if (resources && listable) {
      this.backoff.forget(name);
      this.set(name, found.object, resources, 'Current', reads);
      this.replaceKinds(found.object.spec ?? {}, listable);
    }
    const delay = resources ? refreshMs : this.backoff.next(name);
    this.known.get(name)!.cancel = clock.after(delay, () => void this.refresh(name));
  }

  private set(
    name: string,
    { spec }: APIService,
    resources: readonly RemoteResource[],
    freshness: RemoteVersion['freshness'],
    reads: number,
  ): void {
    const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0 } = spec ?? {};
    const before = this.known.get(name)?.version;
    // A server that has answered before stays current while it is asked again.
    const shown =
      freshness === 'Stale' && before && reads > 1 && before.freshness === 'Current' ? 'Current' : freshness;
    const next = { group, version, groupPriority: groupPriorityMinimum, versionPriority, resources, freshness: shown };
    this.known.set(name, { version: next, reads, cancel: () => undefined });
  }

  private forget(name: string): void {
    const known = this.known.get(name);
    if (!known) return;
    known.cancel();
    this.known.delete(name);
    this.backoff.forget(name);
    this.replaceKinds(known.version, []);
  }

  /**
   * The kinds whose lists the controllers can read. Garbage collection waits until it has listed all of its kinds: one that it cannot
   * list would stop it for all others.
   */
  private async listable({ object, remote }: Aggregated, resources: readonly RemoteResource[]): Promise<Kind[]> {
    const { group = '', version = '' } = object.spec ?? {};
    const kinds = kindsOf(group, version, resources);
    const answers = await Promise.all(
      kinds.map((kind) => {
        const path = `${group === '' ? '/api' : `/apis/${group}`}/${version}/${kind.plural}?limit=1`;
        const list = remote && get(remote, path, 'application/json', controllerManager);
        return list?.then(
          (answer) => answer !== undefined,
          () => false,
        );
      }),
    );
    return kinds.filter((_, i) => answers[i]);
  }

  /** Kinds that did not change stay: their informers go on. */
  private replaceKinds(
    { group = '', version = '' }: { group?: string; version?: string },
    next: readonly Kind[],
  ): void {
    const before = this.kinds.kinds().filter((kind) => kind.group === group && kind.version === version);
    const same = (a: Kind, b: Kind) => a.plural === b.plural && a.kind === b.kind && a.namespaced === b.namespaced;
    for (const kind of before) if (!next.some((one) => same(one, kind))) this.kinds.remove(kind);
    for (const kind of next) if (!before.some((one) => same(one, kind))) this.kinds.add(kind);
  }
}

/** @throws Error when the server has no usable answer */
async function read(remote: Remote, { spec }: APIService): Promise<readonly RemoteResource[]> {
  const { group = '', version = '' } = spec ?? {};
  const aggregated = await get(remote, group === '' ? '/api' : '/apis', aggregatedForm);
  const found = aggregated === undefined ? undefined : readAggregated(aggregated, group, version);
  if (found) return found;
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const legacy = await get(remote, path, 'application/json');
  if (!legacy) throw new Error(`no discovery at ${path}`);
  return readLegacy(legacy, group, version);
}

/** Undefined for an answer other than 200. */
async function get(remote: Remote, path: string, accept: string, user = aggregatorUser): Promise<unknown> {
  const headers = { ...userHeaders(user), accept };
  const response = await remote.send({ method: 'GET', path, headers, signal: AbortSignal.timeout(timeoutMs) });
  const body = await readAll(response, maxDocumentBytes);
  if (response.statusCode !== 200) return undefined;
  return JSON.parse(body.toString());
}
