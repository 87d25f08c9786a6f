// Deletes the content of namespaces that are being deleted, then removes their finalizer.
import type { Catalog } from '../../api/catalog';
import { events } from '../../api/event';
import type { Kind } from '../../api/kind';
import { type Namespace, namespaces } from '../../api/namespace';
import { type KubeObject, objectKey } from '../../api/types';
import { describeError, isConflict, isNotFound } from '../../base/errors';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import { followDeletable } from '../shared/deletable';
import type { Controller, Deps } from '../shared/deps';
import { isDeleting, metaOf } from '../shared/owner';
import { controllerQueue, runWorkers } from '../shared/worker';
import { planConditions, planDeletions, type Remaining } from './plan';

const workers = 5;
const finalizer = 'kubernetes';
/** Objects of one kind deleted at the same time. */
const parallel = 50;
/** Passes in one reconcile: pods, then the other objects, then objects created meanwhile. */
const maxRounds = 4;
const retryMs = 1_000;

export class NamespaceController implements Controller {
  private readonly namespaces: TrackedInformer<Namespace>;
  /** The kinds that are deleted with a namespace, except Events. */
  private kinds: readonly Kind[] = [];
  private readonly queue: WorkQueue;

  constructor(
    private readonly deps: Deps,
    private readonly catalog: Catalog,
  ) {
    this.namespaces = deps.informers.of(namespaces);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.namespaces.onChange(({ type, key, object }) => {
      if (type !== 'deleted' && isDeleting(object)) this.queue.add(key);
    });
    const removed = (kind: Kind) => {
      this.kinds = this.kinds.filter((other) => other !== kind);
    };
    followDeletable(this.catalog, this.deps.informers, { added: (kind) => this.add(kind), removed }, signal);
    await this.namespaces.synced(signal);
    await runWorkers({ queue: this.queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  private add(kind: Kind): void {
    if (!kind.namespaced) return;
    this.kinds = [...this.kinds, kind];
    // Each deleted object may be the last one.
    this.deps.informers.of(kind).onChange(({ type, object }) => {
      const namespace = this.namespaces.get(object.metadata?.namespace ?? '');
      if (type === 'deleted' && namespace && isDeleting(namespace)) this.queue.add(objectKey(namespace));
    });
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const namespace = this.namespaces.get(key);
    if (!namespace || !isDeleting(namespace) || !namespace.spec?.finalizers?.includes(finalizer)) return;
    const unlisted = new Set(this.kinds.filter((kind) => !this.deps.informers.of(kind).hasSynced).map(resourceOf));
    let remaining = await this.remaining(key, signal);
    const failures: string[] = [];
    // Most objects are deleted at once. The next pass lists what is left, until only slow deletions remain.
    for (let round = 0; round < maxRounds && failures.length === 0; round++) {
      const deletions = planDeletions(remaining);
      if (deletions.length === 0) break;
      for (const { resource, objects } of deletions) {
        const kind = this.kinds.find((candidate) => resourceOf(candidate) === resource);
        // Removed since its objects were listed.
        if (!kind) continue;
        failures.push(...(await this.delete(kind, objects, signal)));
      }
      remaining = await this.remaining(key, signal);
    }
    if (remaining.every(({ objects }) => objects.length === 0)) {
      await this.deleteEvents(key, signal);
      await this.finalize(namespace, signal);
      return;
    }
    const failure = failures.length > 0 ? failures.join('; ') : undefined;
    const status = planConditions(namespace, remaining, failure, this.deps.clock.now());
    if (status) await this.deps.client.update(namespaces, { ...namespace, status }, { subresource: 'status', signal });
    if (failure !== undefined) throw new Error(failure);
    // Another process keeps creating objects: try again, but not in a tight loop.
    const more = planDeletions(remaining).length > 0;
    // A copy that was not complete before this pass does not report the end of an object that is gone before its first list.
    const unheard = remaining.some(({ resource, objects }) => objects.length > 0 && unlisted.has(resource));
    if (more || unheard) this.queue.addAfter(key, retryMs);
  }

  /** Reads from the API: the copies may lack new objects. */
  private async remaining(namespace: string, signal: AbortSignal): Promise<Remaining[]> {
    const { kinds } = this;
    const lists = await Promise.all(kinds.map((kind) => this.deps.client.list(kind, { namespace }, signal)));
    return kinds.map((kind, i) => ({ resource: resourceOf(kind), objects: lists[i]!.items }));
  }

  /** Deleted last, and not watched. A later namespace of the same name must not show these Events. */
  private async deleteEvents(namespace: string, signal: AbortSignal): Promise<void> {
    const { items } = await this.deps.client.list(events, { namespace }, signal);
    const failures = await this.delete(events, items, signal);
    if (failures.length > 0) throw new Error(failures.join('; '));
  }

  private async delete<T extends KubeObject>(
    kind: Kind<T>,
    objects: readonly T[],
    signal: AbortSignal,
  ): Promise<string[]> {
    const failures: string[] = [];
    const left = [...objects];
    const work = async () => {
      for (let object = left.pop(); object; object = left.pop()) {
        const { uid } = metaOf(object);
        try {
          await this.deps.client.delete(kind, objectKey(object), {
            propagationPolicy: 'Background',
            preconditions: { uid },
            signal,
          });
        } catch (err) {
          if (!isNotFound(err) && !isConflict(err)) failures.push(describeError(err));
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(parallel, left.length) }, work));
    return failures;
  }

  private async finalize(namespace: Namespace, signal: AbortSignal): Promise<void> {
    const finalizers = (namespace.spec?.finalizers ?? []).filter((name) => name !== finalizer);
    await this.deps.client
      .update(
        namespaces,
        { ...namespace, spec: { ...namespace.spec, finalizers } },
        { subresource: 'finalize', signal },
      )
      .catch((err: unknown) => {
        if (!isNotFound(err)) throw err;
      });
  }
}

const resourceOf = ({ plural, group }: Kind): string => (group === '' ? plural : `${plural}.${group}`);
