// Follows the CustomResourceDefinitions and serves the kinds that they define. Its promises:
//   1  a definition is Established only when its kinds are served
//   2  after its deletion its kinds are not served, and its objects were deleted before
//   3  after start() every definition that was Established is served
//   4  servers on one store write the same status: each computes it from the definitions alone
import { isDeepStrictEqual } from 'node:util';
import { isConditionTrue } from '../../api/conditions';
import { kindsOf, type OpenConversion, storedKindOf } from '../../api/crd/kinds-of';
import type { CrdStatus, CustomResourceDefinition } from '../../api/crd/types';
import { cleanupFinalizer, customResourceDefinitions } from '../../api/custom-resource-definition';
import type { Kind } from '../../api/kind';
import { storageKind } from '../../api/storage';
import type { Clock } from '../../base/clock';
import { isConflict, isNotFound } from '../../base/errors';
import type { Logger } from '../../base/logger';
import { WorkQueue } from '../../client/work-queue';
import type { OpenCache } from '../cache/open';
import { followKind } from '../follow';
import type { ServedKinds } from '../served-kinds';
import { deleteObjects } from './delete-objects';
import { planStatus } from './status';

export interface CustomKindsDeps {
  readonly cache: OpenCache;
  readonly kinds: ServedKinds;
  readonly clock: Clock;
  readonly log: Logger;
  /** How objects of a definition with several versions are converted. */
  readonly conversion: OpenConversion;
  /** Called when a definition is deleted. */
  readonly onForget?: (name: string) => void;
}

/** The kinds of one definition, and what they were computed from. */
interface Serving {
  readonly kinds: readonly Kind[];
  readonly source: unknown;
  readonly isServed: boolean;
  /** False when a kind of the server has a path or a name that it needs. */
  readonly isComplete: boolean;
}

interface Pending {
  readonly group: string;
  readonly done: PromiseWithResolvers<void>;
}

export class CustomKinds {
  private readonly queue: WorkQueue;
  private readonly serving = new Map<string, Serving>();
  private definitions: ReadonlyMap<string, CustomResourceDefinition> = new Map();
  private readonly pending = new Map<string, Pending>();
  private following: Promise<void> = Promise.resolve();
  private isRunning = false;

  constructor(private readonly deps: CustomKindsDeps) {
    const { clock, log } = deps;
    this.queue = new WorkQueue({
      name: 'crd_naming_condition_controller',
      clock,
      onRetry: (name, error, delayMs) =>
        log.warn('CustomResourceDefinition not served, tried again later', { name, error, delayMs }),
    });
  }

  /** Resolves when the kinds of all definitions are served. Follows changes until the signal is aborted. */
  async start(signal: AbortSignal): Promise<void> {
    const { cache } = this.deps;
    this.definitions = await followKind(
      cache,
      customResourceDefinitions,
      (previous, current) => this.changed(previous, current),
      signal,
    );
    for (const name of [...this.definitions.keys()].sort()) {
      await this.reconcile(name, signal).catch((error: unknown) => {
        // One wrong definition must not keep the server from starting: the worker tries again.
        this.queue.done(name, error);
      });
    }
    this.isRunning = true;
    this.following = this.run(signal);
  }

  /** Resolves when the worker has ended, after the signal of start(). */
  async closed(): Promise<void> {
    await this.following;
    this.queue.close();
  }

  /**
   * Defined while the kinds of the path are about to change: the definition is Established or deleted, as its readers see already, but
   * this server has yet to act on it.
   */
  settling(path: string): Promise<void> | undefined {
    if (this.pending.size === 0 || !(path.startsWith('/apis') || path.startsWith('/openapi'))) return undefined;
    const group = path.split('/', 3)[2] ?? '';
    const concerned = [...this.pending.values()].filter(
      (change) => path.startsWith('/openapi') || group === '' || group === change.group,
    );
    return concerned.length === 0
      ? undefined
      : Promise.all(concerned.map(({ done }) => done.promise)).then(() => undefined);
  }

  private async run(signal: AbortSignal): Promise<void> {
    for await (const name of this.queue.keys(signal)) {
      const change = this.pending.get(name);
      await this.reconcile(name, signal).then(
        () => this.queue.done(name),
        (error: unknown) => this.queue.done(name, error),
      );
      this.settle(name, change);
    }
    for (const [name, change] of this.pending) this.settle(name, change);
  }

  /** A later change of the same definition stays pending. */
  private settle(name: string, change: Pending | undefined): void {
    if (!change) return;
    if (this.pending.get(name) === change) this.pending.delete(name);
    change.done.resolve();
  }

  private changed(previous: CustomResourceDefinition | undefined, current: CustomResourceDefinition | undefined): void {
    const name = (current ?? previous)?.metadata?.name ?? '';
    if (this.isRunning) this.expect(name, previous, current);
    this.queue.add(name);
    if (isDeepStrictEqual(previous?.status?.acceptedNames, current?.status?.acceptedNames)) return;
    // Names were taken or released: other definitions of the group may get them now, or may not have them.
    for (const other of this.others(name, (current ?? previous)!.spec.group)) this.queue.add(other.metadata!.name!);
  }

  private expect(
    name: string,
    previous: CustomResourceDefinition | undefined,
    current: CustomResourceDefinition | undefined,
  ): void {
    const isPromised = current ? isConditionTrue(current, 'Established') : true;
    if (!isPromised || (current && isDeepStrictEqual(current.spec, previous?.spec) && this.serving.get(name)?.isServed))
      return;
    // The promise of an earlier change of the definition is kept by the change that follows it.
    const done = this.pending.get(name)?.done ?? Promise.withResolvers<void>();
    this.pending.set(name, { group: (current ?? previous)!.spec.group, done });
  }

  private others(name: string, group: string): CustomResourceDefinition[] {
    return [...this.definitions.values()].filter(
      ({ metadata, spec }) => metadata?.name !== name && spec.group === group,
    );
  }

  private async reconcile(name: string, signal: AbortSignal): Promise<void> {
    const definition = this.definitions.get(name);
    if (!definition) return this.forget(name);
    const { clock } = this.deps;
    const plan = planStatus(definition, this.others(name, definition.spec.group), clock.now());
    const { acceptedNames } = plan.status;
    const isDeleted = definition.metadata?.deletionTimestamp !== undefined;
    const source = [definition.spec, acceptedNames, plan.established];
    const kinds = plan.established ? kindsOf(definition, acceptedNames, this.deps.conversion) : [];
    await this.serve(name, kinds, source);
    if (plan.changed) await this.writeStatus(definition, plan.status);
    if (isDeleted && definition.metadata?.finalizers?.includes(cleanupFinalizer))
      await this.cleanUp(name, definition, signal);
  }

  private async forget(name: string): Promise<void> {
    await this.serve(name, [], undefined);
    this.serving.delete(name);
    this.deps.onForget?.(name);
  }

  private async serve(name: string, kinds: readonly Kind[], source: unknown): Promise<void> {
    const before = this.serving.get(name);
    if (before?.isComplete && isDeepStrictEqual(before.source, source)) return;
    const served = await this.deps.kinds.replace(before?.kinds ?? [], kinds);
    const isComplete = served.length === kinds.length;
    this.serving.set(name, { kinds: served, source, isServed: kinds.length > 0, isComplete });
    if (!isComplete) {
      this.deps.log.warn(
        'versions of a CustomResourceDefinition are not served: a kind of the server has their paths',
        { name },
      );
    }
  }

  /** Of this version of the definition: the status must not promise kinds that a newer version has. */
  private async writeStatus(definition: CustomResourceDefinition, status: CrdStatus): Promise<void> {
    const revision = Number(definition.metadata?.resourceVersion);
    try {
      await this.deps.cache.kind(customResourceDefinitions).update({ ...definition, status }, revision);
    } catch (error) {
      // The newer version is in the queue.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  /** Deletes the objects of a deleted definition; when none is left, the definition itself. */
  private async cleanUp(name: string, definition: CustomResourceDefinition, signal: AbortSignal): Promise<void> {
    const { cache, clock } = this.deps;
    const served = this.serving.get(name)?.kinds[0];
    // In the versions in which they are stored: no webhook can keep objects from being deleted.
    const kind = served ? storageKind(served) : storedKindOf(definition);
    const isEmpty = !kind || (await deleteObjects(cache, kind, clock, signal, () => this.queue.add(name)));
    if (!isEmpty) return;
    const definitions = cache.kind(customResourceDefinitions);
    try {
      const left = await definitions.modify(name, ({ object }) => {
        const finalizers = object.metadata?.finalizers?.filter((one) => one !== cleanupFinalizer) ?? [];
        return { ...object, metadata: { ...object.metadata, finalizers } };
      });
      if ((left.object.metadata?.finalizers ?? []).length === 0) await definitions.delete(name, left.revision);
    } catch (error) {
      // Another server was faster.
      if (!isNotFound(error)) throw error;
    }
    // Now, because the next definition in the queue may get its names.
    if (!this.definitions.has(name)) await this.forget(name);
  }
}
