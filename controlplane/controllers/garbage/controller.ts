// The garbage collector: deletes what its owners left behind, and works off the finalizers of foreground and orphaning
// deletion. It keeps no graph of its own: the informers' owner index is the graph.
import type { Kind } from '../../api/kind';
import { type KubeObject, type OwnerReference, objectKey } from '../../api/types';
import { isConflict, isNotFound } from '../../base/errors';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { byOwner } from '../shared/informers';
import { metaOf } from '../shared/owner';
import { controllerQueue, runWorkers } from '../shared/worker';
import { isDeletingForeground, type OwnerState, planGarbage } from './plan';

const workers = 20;

interface Source {
  readonly kind: Kind;
  readonly informer: TrackedInformer<KubeObject>;
}

export class GarbageCollector implements Controller {
  private readonly sources: readonly Source[];
  /** By `apiVersion/Kind`, as owner references name them, and by plural.group, as queue keys do. */
  private readonly byReference = new Map<string, Source>();
  private readonly byResource = new Map<string, Source>();
  private readonly queue: WorkQueue;

  constructor(
    private readonly deps: Deps,
    kinds: readonly Kind[],
  ) {
    this.sources = kinds.map((kind) => ({ kind, informer: deps.informers.of(kind) }));
    for (const source of this.sources) {
      this.byReference.set(`${source.kind.apiVersion}/${source.kind.kind}`, source);
      this.byResource.set(`${source.kind.plural}.${source.kind.group}`, source);
    }
    this.queue = controllerQueue(deps.log, deps.clock);
  }

  async run(signal: AbortSignal): Promise<void> {
    // Until every kind is listed, an owner that is not in the copies proves nothing and a dependent may be missing.
    await Promise.all(this.sources.map(({ informer }) => informer.synced(signal)));
    for (const { kind, informer } of this.sources) {
      informer.onChange(({ type, object }) => {
        if (type === 'deleted') {
          this.enqueueDependents(object);
          this.enqueueOwners(object);
        } else if (this.needsWork(object)) this.enqueue(kind, object);
      });
    }
    await runWorkers({ queue: this.queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const at = key.indexOf(' ');
    const source = this.byResource.get(key.slice(0, at));
    const object = source?.informer.get(key.slice(at + 1));
    if (!source || !object) return;
    const dependents = this.dependentsOf(object);
    const references = object.metadata?.ownerReferences ?? [];
    const owners = await Promise.all(references.map((reference) => this.ownerState(object, reference, signal)));
    const plan = planGarbage({ object, owners, dependents: dependents.map((dependent) => dependent.object) });
    const { client, log } = this.deps;
    const { uid, resourceVersion, finalizers = [] } = metaOf(object);
    const patch = (kind: Kind, target: KubeObject, metadata: object) =>
      client.patch(kind, objectKey(target), 'merge', { metadata }, { signal });
    try {
      switch (plan.action) {
        case 'keep':
          return;
        case 'drop-references':
          await patch(source.kind, object, { uid, resourceVersion, ownerReferences: plan.keep });
          return;
        case 'delete':
          log.debug('deleting', { kind: source.kind.plural, key: objectKey(object), propagation: plan.propagation });
          // The version as well: a reference added meanwhile must be looked at first.
          await client.delete(source.kind, objectKey(object), {
            propagationPolicy: plan.propagation,
            preconditions: { uid, resourceVersion },
            signal,
          });
          return;
        case 'remove-finalizer': {
          const left = finalizers.filter((name) => name !== plan.finalizer);
          await patch(source.kind, object, { uid, resourceVersion, finalizers: left.length > 0 ? left : null });
          return;
        }
        case 'wait-for-dependents':
          for (const dependent of dependents) this.enqueue(dependent.kind, dependent.object);
          return;
        case 'orphan-dependents':
          await Promise.all(
            dependents.map(({ kind, object: dependent }) => {
              const { uid: own, resourceVersion: version, ownerReferences = [] } = metaOf(dependent);
              const others = ownerReferences.filter((reference) => reference.uid !== uid);
              const ownerReferencesLeft = others.length > 0 ? others : null;
              return patch(kind, dependent, {
                uid: own,
                resourceVersion: version,
                ownerReferences: ownerReferencesLeft,
              });
            }),
          );
          // Their events show that nothing is left to orphan, and bring the object here again.
          this.queue.add(key);
          return;
      }
    } catch (err) {
      // Gone: what was wanted. A conflict means that the copy is behind: its event brings the object here again.
      if (isNotFound(err)) return;
      if (isConflict(err)) this.queue.addAfter(key, 50);
      else throw err;
    }
  }

  /** Only objects that an owner or a finalizer concerns are looked at. */
  private needsWork(object: KubeObject): boolean {
    const { finalizers = [], deletionTimestamp, ownerReferences = [] } = object.metadata ?? {};
    if (deletionTimestamp !== undefined) return finalizers.length > 0;
    return ownerReferences.some((reference) => {
      const owner = this.cachedOwner(object, reference);
      return owner === undefined || isDeletingForeground(owner);
    });
  }

  private enqueue(kind: Kind, object: KubeObject): void {
    this.queue.add(`${kind.plural}.${kind.group} ${objectKey(object)}`);
  }

  private enqueueDependents(owner: KubeObject): void {
    for (const { kind, object } of this.dependentsOf(owner)) this.enqueue(kind, object);
  }

  /** Owners that wait for this object in a foreground deletion. */
  private enqueueOwners(object: KubeObject): void {
    for (const reference of object.metadata?.ownerReferences ?? []) {
      const owner = this.cachedOwner(object, reference);
      const source = this.byReference.get(`${reference.apiVersion}/${reference.kind}`);
      if (owner && source && isDeletingForeground(owner)) this.enqueue(source.kind, owner);
    }
  }

  private dependentsOf(owner: KubeObject): { readonly kind: Kind; readonly object: KubeObject }[] {
    const { uid } = metaOf(owner);
    return this.sources.flatMap(({ kind, informer }) => informer.by(byOwner, uid).map((object) => ({ kind, object })));
  }

  /** The owner with this very uid, from the copies. */
  private cachedOwner(object: KubeObject, reference: OwnerReference): KubeObject | undefined {
    const source = this.byReference.get(`${reference.apiVersion}/${reference.kind}`);
    const owner = source?.informer.get(ownerKey(source.kind, object, reference));
    return owner?.metadata?.uid === reference.uid ? owner : undefined;
  }

  /** An owner that the copies lack is asked for: the copy may merely be behind. */
  private async ownerState(object: KubeObject, reference: OwnerReference, signal: AbortSignal): Promise<OwnerState> {
    const source = this.byReference.get(`${reference.apiVersion}/${reference.kind}`);
    // A kind we do not serve, or a namespaced owner of a cluster-wide object, can be neither found nor missed.
    if (!source || (source.kind.namespaced && object.metadata?.namespace === undefined)) return 'unknown';
    const cached = this.cachedOwner(object, reference);
    if (cached) return isDeletingForeground(cached) ? 'deleting-foreground' : 'present';
    try {
      const live = await this.deps.client.get(source.kind, ownerKey(source.kind, object, reference), signal);
      if (live.metadata?.uid !== reference.uid) return 'absent';
      return isDeletingForeground(live) ? 'deleting-foreground' : 'present';
    } catch (err) {
      if (isNotFound(err)) return 'absent';
      throw err;
    }
  }
}

/** An owner lives in its dependent's namespace or in none. */
function ownerKey(kind: Kind, object: KubeObject, { name }: OwnerReference): string {
  return kind.namespaced ? `${object.metadata?.namespace}/${name}` : name;
}
