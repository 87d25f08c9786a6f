// The garbage collector: deletes objects whose owners no longer exist, and handles the finalizers of foreground and orphaning
// deletion. It keeps no graph of its own: the informers' owner index is the graph.
import type { Catalog } from '../../api/catalog';
import type { Kind } from '../../api/kind';
import { type KubeObject, type OwnerReference, objectKey } from '../../api/types';
import { isNotFound } from '../../base/errors';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import { type DeletableHandlers, followDeletable } from '../shared/deletable';
import type { Controller, Deps } from '../shared/deps';
import { byOwner } from '../shared/informers';
import { isDeleting, metaOf } from '../shared/owner';
import { controllerQueue, runWorkers } from '../shared/worker';
import { circularOwners } from './circle';
import { isDeletingForeground, type OwnerState, planGarbage, releasedReferences, waitsForDependents } from './plan';

const workers = 20;

interface Source {
  readonly kind: Kind;
  readonly informer: TrackedInformer<KubeObject>;
  /** Aborted when the kind is no longer served. */
  readonly removed: AbortController;
}
interface Member {
  readonly kind: Kind;
  readonly object: KubeObject;
}

export class GarbageCollector implements Controller {
  private sources: readonly Source[] = [];
  /** Sources without their first list; each promise resolves when the list is complete or no longer needed. */
  private readonly unlisted = new Map<Source, Promise<void>>();
  private started = false;
  /** By the prefix of the kind, which kinds of the same objects share, and by plural.group, with which queue keys begin. */
  private readonly byPrefix = new Map<string, Source>();
  private readonly byResource = new Map<string, Source>();
  private readonly queue: WorkQueue;

  constructor(
    private readonly deps: Deps,
    private readonly catalog: Catalog,
  ) {
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    const handlers: DeletableHandlers = {
      added: (kind) => this.add(kind, signal),
      removed: (kind) => this.remove(kind),
      // References that name this form of the objects are understood from now on.
      alsoNamed: ({ prefix }) => this.enqueueReferring(this.byPrefix.get(prefix)),
    };
    followDeletable(this.catalog, this.deps.informers, handlers, signal);
    this.started = true;
    await this.complete();
    await runWorkers({ queue: this.queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  private add(kind: Kind, signal: AbortSignal): void {
    const source: Source = { kind, informer: this.deps.informers.of(kind), removed: new AbortController() };
    this.sources = [...this.sources, source];
    this.byPrefix.set(kind.prefix, source);
    this.byResource.set(resourceOf(kind), source);
    const isLate = this.started;
    const end = AbortSignal.any([signal, source.removed.signal]);
    // It rejects only when the signal is aborted.
    const listed = source.informer.synced(end).then(
      () => void this.unlisted.delete(source),
      () => void this.unlisted.delete(source),
    );
    this.unlisted.set(source, listed);
    void this.complete().then(() => {
      if (end.aborted) return;
      this.observe(source);
      if (isLate) this.enqueueReferring(source);
    });
  }

  /** A reference to a kind that is not served proves nothing: its dependents stay. */
  private remove(kind: Kind): void {
    const source = this.byPrefix.get(kind.prefix);
    if (!source) return;
    source.removed.abort();
    this.sources = this.sources.filter((other) => other !== source);
    this.byPrefix.delete(kind.prefix);
    this.byResource.delete(resourceOf(kind));
  }

  /** Until every kind is listed, an owner missing in the copies proves nothing, and a dependent may be missing. */
  private async complete(): Promise<void> {
    while (this.unlisted.size > 0) await Promise.all(this.unlisted.values());
  }

  private observe({ kind, informer }: Source): void {
    informer.onChange((change) => {
      const { object } = change;
      if (change.type === 'deleted') {
        this.enqueueDependents(object);
        this.enqueueWaitingOwners(object, object.metadata?.ownerReferences ?? []);
        return;
      }
      if (change.type === 'updated') this.enqueueWaitingOwners(object, releasedReferences(change.previous, object));
      if (this.needsWork(object)) this.enqueue(kind, object);
    });
  }

  /** Adds objects with owners of a kind that was not served until now: their references proved nothing before. */
  private enqueueReferring(owners: Source | undefined): void {
    if (!owners) return;
    for (const { kind, informer } of this.sources) {
      for (const object of informer.list()) {
        const refers = (object.metadata?.ownerReferences ?? []).some((one) => this.sourceOf(one) === owners);
        if (refers && this.needsWork(object)) this.enqueue(kind, object);
      }
    }
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    if (this.unlisted.size > 0) await this.complete();
    const at = key.indexOf(' ');
    const source = this.byResource.get(key.slice(0, at));
    const object = source?.informer.get(key.slice(at + 1));
    if (!source || !object) return;
    const dependents = this.dependentsOf(object);
    const references = object.metadata?.ownerReferences ?? [];
    const owners = await Promise.all(references.map((reference) => this.ownerState(object, reference, signal)));
    const plan = planGarbage({
      object,
      owners,
      dependents: dependents.map((dependent) => dependent.object),
      circular: isDeletingForeground(object)
        ? circularOwners(object, (one) => this.waitingOwners(one))
        : new Set<string>(),
    });
    const { client, log } = this.deps;
    const { uid, resourceVersion, finalizers = [] } = metaOf(object);
    try {
      switch (plan.action) {
        case 'keep':
          return;
        case 'drop-references':
          await this.patch(source.kind, object, { ownerReferences: plan.keep }, signal);
          return;
        case 'delete':
          log.debug('deleting', { kind: source.kind.plural, key: objectKey(object), propagation: plan.propagation });
          // With the resourceVersion: a reference added meanwhile must be checked first.
          await client.delete(source.kind, objectKey(object), {
            propagationPolicy: plan.propagation,
            preconditions: { uid, resourceVersion },
            signal,
          });
          return;
        case 'remove-finalizer': {
          const left = finalizers.filter((name) => name !== plan.finalizer);
          await this.patch(source.kind, object, { finalizers: left.length > 0 ? left : null }, signal);
          return;
        }
        case 'wait-for-dependents':
          // Dependents that are being deleted have events of their own, and the end of each adds this object again.
          for (const { kind, object: each } of dependents) if (!isDeleting(each)) this.enqueue(kind, each);
          return;
        case 'unblock':
          log.debug('owner references form a circle; they no longer block the deletion', {
            kind: source.kind.plural,
            key: objectKey(object),
          });
          await this.patch(source.kind, object, { ownerReferences: plan.references }, signal);
          return;
        case 'orphan-dependents':
          await this.orphan(uid, dependents, signal);
          return;
      }
    } catch (err) {
      // Not found: nothing is left to do. A conflict means that the copy is old: its next event or the queue's retry adds the object again.
      if (!isNotFound(err)) throw err;
    }
  }

  /** Removes the references of the dependents to their owner. The dependents' events add the owner again. */
  private async orphan(ownerUid: string, dependents: readonly Member[], signal: AbortSignal): Promise<void> {
    const patches = dependents.map(async ({ kind, object }) => {
      const others = (object.metadata?.ownerReferences ?? []).filter((reference) => reference.uid !== ownerUid);
      await this.patch(kind, object, { ownerReferences: others.length > 0 ? others : null }, signal).catch(
        (err: unknown) => {
          if (!isNotFound(err)) throw err;
        },
      );
    });
    const failed = (await Promise.allSettled(patches)).find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** With the uid and resourceVersion as preconditions. */
  private async patch(kind: Kind, object: KubeObject, change: object, signal: AbortSignal): Promise<void> {
    const { uid, resourceVersion } = metaOf(object);
    const metadata = { uid, resourceVersion, ...change };
    await this.deps.client.patch(kind, objectKey(object), 'merge', { metadata }, { signal });
  }

  /** Adds only objects with an owner or with a finalizer of the collector. */
  private needsWork(object: KubeObject): boolean {
    const { finalizers = [], deletionTimestamp, ownerReferences = [] } = object.metadata ?? {};
    if (deletionTimestamp !== undefined) return finalizers.length > 0;
    return ownerReferences.some((reference) => {
      const owner = this.cachedOwner(object, reference);
      return owner === undefined || isDeletingForeground(owner);
    });
  }

  private enqueue(kind: Kind, object: KubeObject): void {
    this.queue.add(`${resourceOf(kind)} ${objectKey(object)}`);
  }

  private enqueueDependents(owner: KubeObject): void {
    for (const { kind, object } of this.dependentsOf(owner)) this.enqueue(kind, object);
  }

  /** Adds owners that wait for this dependent, when it is deleted or no longer names them. */
  private enqueueWaitingOwners(object: KubeObject, references: readonly OwnerReference[]): void {
    for (const reference of references) {
      const owner = this.cachedOwner(object, reference);
      const source = this.sourceOf(reference);
      if (owner && source && waitsForDependents(owner)) this.enqueue(source.kind, owner);
    }
  }

  /** The owners that are deleted in the foreground and wait for this object. */
  private waitingOwners(object: KubeObject): readonly KubeObject[] {
    return (object.metadata?.ownerReferences ?? [])
      .filter(({ blockOwnerDeletion }) => blockOwnerDeletion === true)
      .flatMap((reference) => this.cachedOwner(object, reference) ?? [])
      .filter(isDeletingForeground);
  }

  /** An owner with a namespace has no dependents in other namespaces: an object there only names its uid. */
  private dependentsOf(owner: KubeObject): Member[] {
    const { uid, namespace } = metaOf(owner);
    return this.sources.flatMap(({ kind, informer }) =>
      informer
        .by(byOwner, uid)
        .filter(({ metadata }) => namespace === undefined || metadata?.namespace === namespace)
        .map((object) => ({ kind, object })),
    );
  }

  private sourceOf(reference: OwnerReference): Source | undefined {
    const kind = this.catalog.byKind(reference.apiVersion, reference.kind);
    return kind && this.byPrefix.get(kind.prefix);
  }

  /** The owner with exactly this uid, from the copies. */
  private cachedOwner(object: KubeObject, reference: OwnerReference): KubeObject | undefined {
    const source = this.sourceOf(reference);
    const owner = source?.informer.get(ownerKey(source.kind, object, reference));
    return owner?.metadata?.uid === reference.uid ? owner : undefined;
  }

  /** Reads an owner that the copies lack from the API: the copy may be old. */
  private async ownerState(object: KubeObject, reference: OwnerReference, signal: AbortSignal): Promise<OwnerState> {
    const source = this.sourceOf(reference);
    // Nothing is known of an owner of a kind that is not served, or of a namespaced owner of a cluster-wide object.
    if (!source || (source.kind.namespaced && object.metadata?.namespace === undefined)) return 'unknown';
    const cached = this.cachedOwner(object, reference);
    if (cached) return isDeletingForeground(cached) ? 'deleting-foreground' : 'present';
    try {
      const live = await this.deps.client.get(source.kind, ownerKey(source.kind, object, reference), signal);
      if (live.metadata?.uid !== reference.uid) return 'absent';
      return isDeletingForeground(live) ? 'deleting-foreground' : 'present';
    } catch (err) {
      if (!isNotFound(err)) throw err;
      // So is every object of a kind that was removed meanwhile.
      return this.sourceOf(reference) === source ? 'absent' : 'unknown';
    }
  }
}

/** An owner has its dependent's namespace or none. */
function ownerKey(kind: Kind, object: KubeObject, { name }: OwnerReference): string {
  return kind.namespaced ? `${object.metadata?.namespace}/${name}` : name;
}

const resourceOf = ({ plural, group }: Kind): string => `${plural}.${group}`;
