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
import { readEntry } from './remote-openapi';
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

type Answer = Pick<RemoteVersion, 'resources' | 'openapi' | 'freshness'>;
const unanswered: Answer = { resources: [], freshness: 'Stale' };

interface Known {
  version: RemoteVersion;
  /** Reads that have begun; only the last one counts. */
  readonly reads: number;
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
    const { aggregator, clock, signal } = this.deps;
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
    const version = versionOf(found.object, before?.version ?? unanswered);
    this.known.set(name, { version, reads, cancel: () => undefined });
    const answer = await this.ask(name, found);
    const known = this.known.get(name);
    if (known?.reads !== reads || signal.aborted) return;
    if (answer) this.backoff.forget(name);
    known.version = answer ? versionOf(found.object, answer) : { ...known.version, freshness: 'Stale' };
    if (answer) this.replaceKinds(found.object.spec ?? {}, answer.kinds);
    known.cancel = clock.after(answer ? refreshMs : this.backoff.next(name), () => void this.refresh(name));
  }

  /** Undefined when the server does not answer. */
  private async ask(
    name: string,
    found: Aggregated,
  ): Promise<(Answer & { readonly kinds: readonly Kind[] }) | undefined> {
    const { remote, object } = found;
    if (!remote) return undefined;
    try {
      const resources = await read(remote, object);
      const { group = '', version = '' } = object.spec ?? {};
      const openapi = await readEntry(remote, group === '' ? `api/${version}` : `apis/${group}/${version}`);
      return { resources, openapi, freshness: 'Current', kinds: await this.listable(found, resources) };
    } catch (error) {
      this.deps.log.debug('cannot read the discovery of an APIService; trying again', { name, error });
      return undefined;
    }
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

function versionOf({ spec }: APIService, { resources, openapi, freshness }: Answer): RemoteVersion {
  const { group = '', version = '', groupPriorityMinimum: groupPriority = 0, versionPriority = 0 } = spec ?? {};
  return { group, version, groupPriority, versionPriority, resources, openapi, freshness };
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
