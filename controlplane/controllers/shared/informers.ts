// One informer per kind for all controllers of a process, with the indexes they share.
import type { KindRef } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import type { Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import type { Client } from '../../client/client';
import { createInformer, type Indexes, type TrackedInformer } from '../../client/informer';
import { controllerOf } from './owner';

export interface InformerSetOptions {
  readonly client: Client;
  readonly log: Logger;
  readonly clock?: Clock;
}

/** The indexes every shared informer has. */
export const byNamespace = 'namespace';
/** The uid of the owner with `controller: true`; objects without one are found under orphansOf(their namespace). */
export const byController = 'controller';
export const orphansOf = (namespace: string | undefined): string => `orphans of ${namespace ?? ''}`;

/** The uid of every owner, controller or not. */
export const byOwner = 'owner';

const sharedIndexes: Indexes<KubeObject> = {
  [byNamespace]: ({ metadata }) => [metadata?.namespace ?? ''],
  [byOwner]: ({ metadata }) => (metadata?.ownerReferences ?? []).map(({ uid }) => uid),
  [byController]: (object) => {
    return [controllerOf(object)?.uid ?? orphansOf(object.metadata?.namespace)];
  },
};

/** Informers are made when first asked for and run from then on, or from run() on. */
export class InformerSet {
  private readonly informers = new Map<string, TrackedInformer<KubeObject>>();
  private readonly running: Promise<void>[] = [];
  private signal: AbortSignal | undefined;

  constructor(private readonly options: InformerSetOptions) {}

  of<T extends KubeObject>(kind: KindRef<T>): TrackedInformer<T> {
    const id = `${kind.group}/${kind.plural}`;
    let informer = this.informers.get(id);
    if (!informer) {
      const { client, log, clock } = this.options;
      informer = createInformer<KubeObject>(client, kind, {
        indexes: sharedIndexes,
        log: log.child(kind.plural),
        clock,
      });
      this.informers.set(id, informer);
      if (this.signal) this.running.push(informer.run(this.signal));
    }
    return informer as unknown as TrackedInformer<T>;
  }

  /** Resolves after the signal is aborted and every informer has stopped. */
  async run(signal: AbortSignal): Promise<void> {
    this.signal = signal;
    for (const informer of this.informers.values()) this.running.push(informer.run(signal));
    if (!signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    }
    await Promise.all(this.running);
  }
}
