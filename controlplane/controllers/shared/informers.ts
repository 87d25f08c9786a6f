// One informer per kind for all controllers of a process, with the indexes they share.
import type { KindRef } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import type { Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import type { Client } from '../../client/client';
import { createInformer, type Indexes, type TrackedInformer } from '../../client/informer';
import { controllerOf, metaOf } from './owner';

export interface InformerSetOptions {
  readonly client: Client;
  readonly log: Logger;
  readonly clock?: Clock;
}

/** The indexes every shared informer has. */
export const byNamespace = 'namespace';
/**
 * The owner with `controller: true`: look up controlledBy(owner). Objects without such an owner: look up orphansOf(namespace). A user
 * may write any text as the uid in a reference, also the uid of an owner in another namespace. So the value starts with the namespace,
 * which a slash ends (its name is a DNS label).
 */
export const byController = 'controller';
export const controlledBy = (owner: KubeObject): string =>
  controllerValue(owner.metadata?.namespace, metaOf(owner).uid);
export const controllerValue = (namespace: string | undefined, uid: string): string => `${namespace ?? ''}/${uid}`;
export const orphansOf = (namespace: string | undefined): string => namespace ?? '';

/** The uid of every owner, controller or not. It also finds references to owners of other namespaces: see GarbageCollector. */
export const byOwner = 'owner';

const sharedIndexes: Indexes<KubeObject> = {
  [byNamespace]: ({ metadata }) => [metadata?.namespace ?? ''],
  [byOwner]: ({ metadata }) => (metadata?.ownerReferences ?? []).map(({ uid }) => uid),
  [byController]: (object) => {
    const namespace = object.metadata?.namespace;
    const owner = controllerOf(object);
    return [owner ? controllerValue(namespace, owner.uid) : orphansOf(namespace)];
  },
};

interface Member {
  readonly informer: TrackedInformer<KubeObject>;
  readonly stop: AbortController;
}

/** of() creates an informer at its first call for a kind. The informer runs from then on, or from run() on. */
export class InformerSet {
  private readonly members = new Map<string, Member>();
  private readonly running = new Set<Promise<void>>();
  private signal: AbortSignal | undefined;

  constructor(private readonly options: InformerSetOptions) {}

  of<T extends KubeObject>(kind: KindRef<T>): TrackedInformer<T> {
    const id = idOf(kind);
    let member = this.members.get(id);
    if (!member) {
      const { client, log, clock } = this.options;
      const informer = createInformer<KubeObject>(client, kind, {
        indexes: sharedIndexes,
        log: log.child(kind.plural),
        clock,
      });
      member = { informer, stop: new AbortController() };
      this.members.set(id, member);
      if (this.signal) this.start(member, this.signal);
    }
    return member.informer as unknown as TrackedInformer<T>;
  }

  /** Stops the informer of a kind that is no longer served: its copy stays old and reports nothing. of() creates another one. */
  stop(kind: KindRef): void {
    const id = idOf(kind);
    this.members.get(id)?.stop.abort();
    this.members.delete(id);
  }

  /** Resolves after the signal is aborted and every informer has stopped. */
  async run(signal: AbortSignal): Promise<void> {
    this.signal = signal;
    for (const member of this.members.values()) this.start(member, signal);
    if (!signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    }
    await Promise.all(this.running);
  }

  private start({ informer, stop }: Member, signal: AbortSignal): void {
    const run = informer.run(AbortSignal.any([signal, stop.signal]));
    this.running.add(run);
    // A failure stays in the set, for run() to throw.
    run.then(
      () => this.running.delete(run),
      () => undefined,
    );
  }
}

const idOf = ({ group, version, plural }: KindRef): string => `${group}/${version}/${plural}`;
