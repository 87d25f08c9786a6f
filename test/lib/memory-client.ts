// A Client on objects in memory, for tests of agents. Watches see every write in order; pods are deleted gracefully, as by the
// API server; patches merge conditions by type and addresses by address. No validation, no paging.
import {
  type KindRef,
  type KubeList,
  type KubeObject,
  objectKey,
  splitKey,
  type WatchEvent,
} from '../../controlplane/api';
import { AlreadyExists, Conflict, NotFound, Unavailable } from '../../controlplane/base/errors';
import type { Client, DeleteParams, ListParams, PatchType, WriteParams } from '../../controlplane/client/client';

/** Two groups may have the same plural. */
const resourceOf = ({ group, plural }: KindRef): string => `${group}/${plural}`;

interface Logged {
  readonly resource: string;
  readonly event: WatchEvent<KubeObject>;
}
type Fields = Record<string, unknown>;

export class MemoryClient implements Client {
  private readonly stores = new Map<string, Map<string, KubeObject>>();
  private readonly log: Logged[] = [];
  private wake = Promise.withResolvers<void>();
  private revision = 0;
  /** While set, every request fails with Unavailable. */
  down = false;
  /** All requests, for example `patch pods a/b status`. */
  readonly requests: string[] = [];

  async get<T extends KubeObject>(kind: KindRef<T>, key: string): Promise<T> {
    this.note('get', kind, key);
    const found = this.store(kind).get(key);
    if (!found) throw new NotFound(`${kind.plural} "${splitKey(key).name}" not found`);
    return structuredClone(found) as T;
  }

  async list<T extends KubeObject>(kind: KindRef<T>, params: ListParams = {}): Promise<KubeList<T>> {
    this.note('list', kind, params.fieldSelector ?? '');
    const items = [...this.store(kind).values()].filter((object) => selected(object, params));
    return { metadata: { resourceVersion: String(this.revision) }, items: structuredClone(items) as T[] };
  }

  async *watch<T extends KubeObject>(
    kind: KindRef<T>,
    params: ListParams,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>> {
    this.note('watch', kind, params.fieldSelector ?? '');
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    for (let next = Number(params.resourceVersion ?? 0); !signal.aborted; ) {
      const entry = this.log[next];
      if (!entry) {
        await Promise.race([this.wake.promise, aborted]);
        continue;
      }
      next++;
      if (entry.resource === resourceOf(kind) && selected(entry.event.object, params))
        yield entry.event as WatchEvent<T>;
    }
  }

  async create<T extends KubeObject>(kind: KindRef<T>, object: T, params: WriteParams = {}): Promise<T> {
    const named = structuredClone(object);
    named.metadata ??= {};
    const meta = named.metadata;
    meta.name ??= `${meta.generateName ?? ''}${this.revision}`;
    const key = objectKey(named);
    this.note('create', kind, `${key} ${params.subresource ?? ''}`);
    if (this.store(kind).has(key)) throw new AlreadyExists(`${kind.plural} "${meta.name}" already exists`);
    meta.uid ??= `uid-${this.revision + 1}`;
    meta.creationTimestamp ??= new Date().toISOString();
    return this.put(kind, named, 'ADDED');
  }

  async update<T extends KubeObject>(kind: KindRef<T>, object: T): Promise<T> {
    const key = objectKey(object);
    const current = await this.get(kind, key);
    const { resourceVersion } = object.metadata ?? {};
    if (resourceVersion && resourceVersion !== current.metadata?.resourceVersion)
      throw new Conflict('object was modified');
    return this.put(kind, structuredClone(object), 'MODIFIED');
  }

  async patch<T extends KubeObject>(
    kind: KindRef<T>,
    key: string,
    type: PatchType,
    patch: unknown,
    params: WriteParams = {},
  ): Promise<T> {
    this.note('patch', kind, `${key} ${params.subresource ?? ''}`);
    const current = this.store(kind).get(key);
    if (!current) throw new NotFound(`${kind.plural} "${splitKey(key).name}" not found`);
    const uid = (patch as KubeObject).metadata?.uid;
    if (uid && uid !== current.metadata?.uid) throw new Conflict(`uid ${uid} is not ${current.metadata?.uid}`);
    const merged = merge(structuredClone(current) as Fields, structuredClone(patch) as Fields, type === 'strategic');
    if (JSON.stringify(merged) === JSON.stringify(current)) return structuredClone(current) as T;
    return this.put(kind, merged as T, 'MODIFIED');
  }

  async delete<T extends KubeObject>(kind: KindRef<T>, key: string, params: DeleteParams = {}): Promise<void> {
    this.note('delete', kind, key);
    const current = this.store(kind).get(key);
    if (!current) throw new NotFound(`${kind.plural} "${splitKey(key).name}" not found`);
    const { uid } = params.preconditions ?? {};
    if (uid && uid !== current.metadata?.uid) throw new Conflict(`the UID in the precondition (${uid}) does not match`);
    const spec = (current as { spec?: { terminationGracePeriodSeconds?: number; nodeName?: string } }).spec;
    const grace = params.gracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 30;
    if (kind.plural === 'pods' && spec?.nodeName && grace > 0) {
      const metadata = {
        ...current.metadata,
        deletionTimestamp: new Date(Date.now() + grace * 1000).toISOString(),
        deletionGracePeriodSeconds: grace,
      };
      this.put(kind, { ...structuredClone(current), metadata } as T, 'MODIFIED');
      return;
    }
    this.store(kind).delete(key);
    this.append(kind, 'DELETED', current);
  }

  async post<A>(kind: KindRef, key: string, subresource: string, body: unknown): Promise<A> {
    this.note('post', kind, `${key} ${subresource}`);
    const seconds = (body as { spec?: { expirationSeconds?: number } }).spec?.expirationSeconds ?? 3600;
    const expirationTimestamp = new Date(Date.now() + seconds * 1000).toISOString();
    return { status: { token: `token-of-${key}-${this.requests.length}`, expirationTimestamp } } as A;
  }

  /** Resolves with the first version of the object, from the current one on, for which `test` holds; undefined means no object. */
  async until<T extends KubeObject>(
    kind: KindRef<T>,
    key: string,
    test: (object: T | undefined) => boolean,
  ): Promise<T | undefined> {
    for (;;) {
      const found = this.store(kind).get(key) as T | undefined;
      if (test(found)) return structuredClone(found);
      await this.wake.promise;
    }
  }

  private store(kind: KindRef): Map<string, KubeObject> {
    const resource = resourceOf(kind);
    const store = this.stores.get(resource) ?? new Map<string, KubeObject>();
    this.stores.set(resource, store);
    return store;
  }

  private put<T extends KubeObject>(kind: KindRef<T>, object: T, type: 'ADDED' | 'MODIFIED'): T {
    this.store(kind).set(objectKey(object), object);
    this.append(kind, type, object);
    return structuredClone(object);
  }

  private append(kind: KindRef, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): void {
    this.revision++;
    object.metadata = { ...object.metadata, resourceVersion: String(this.revision) };
    this.log.push({ resource: resourceOf(kind), event: { type, object: structuredClone(object) } });
    this.wake.resolve();
    this.wake = Promise.withResolvers<void>();
  }

  private note(verb: string, kind: KindRef, what: string): void {
    this.requests.push(`${verb} ${kind.plural} ${what}`.trim());
    if (this.down) throw new Unavailable('the API is down');
  }
}

function selected(object: KubeObject, { namespace, fieldSelector }: ListParams): boolean {
  if (namespace && object.metadata?.namespace !== namespace) return false;
  return (fieldSelector ?? '')
    .split(',')
    .filter((term) => term !== '')
    .every((term) => {
      const [path = '', value] = term.split('=');
      return (
        String(path.split('.').reduce<unknown>((at, name) => (at as Fields | undefined)?.[name], object) ?? '') ===
        value
      );
    });
}

/** List fields that a strategic patch merges by a key. */
const mergeKeys: Readonly<Record<string, string>> = {
  conditions: 'type',
  podIPs: 'ip',
  hostIPs: 'ip',
  addresses: 'type',
};

function merge(target: Fields, patch: Fields, strategic: boolean): Fields {
  for (const [name, value] of Object.entries(patch)) {
    const key = mergeKeys[name];
    if (value === null) delete target[name];
    else if (strategic && key && Array.isArray(value))
      target[name] = mergeList((target[name] ?? []) as Fields[], value, key);
    else if (typeof value === 'object' && !Array.isArray(value)) {
      target[name] = merge((target[name] ?? {}) as Fields, value as Fields, strategic);
    } else target[name] = value;
  }
  return target;
}

function mergeList(target: readonly Fields[], patch: readonly Fields[], key: string): Fields[] {
  if (patch.some((item) => item['$patch'] === 'replace')) return patch.filter((item) => item['$patch'] === undefined);
  const merged = new Map(target.map((item) => [item[key], item]));
  for (const item of patch) {
    if (item['$patch'] === 'delete') merged.delete(item[key]);
    else merged.set(item[key], { ...merged.get(item[key]), ...item });
  }
  return [...merged.values()];
}
