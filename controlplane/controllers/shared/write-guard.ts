// Prevents a controller from acting on a copy older than its own last write. The guard remembers what was created or deleted for a key
// until the informer's copy shows it; until then the key is not reconciled. Nothing polls: the event that updates the copy adds the key
// again.
import type { KubeObject } from '../../api/types';
import type { TrackedInformer } from '../../client/informer';

interface Pending {
  /** The newest resourceVersion among the answers to our writes. */
  revision: number;
  /** Key → uid of each deleted object. */
  readonly deleted: Map<string, string>;
}

export class WriteGuard<T extends KubeObject> {
  private readonly pending = new Map<string, Pending>();

  constructor(private readonly informer: Pick<TrackedInformer<T>, 'get' | 'revision'>) {}

  /** Call with the answer to each create or update done for `key`. */
  wrote(key: string, answer: KubeObject): void {
    const pending = this.of(key);
    pending.revision = Math.max(pending.revision, Number(answer.metadata?.resourceVersion ?? 0));
  }

  /** Call after each delete done for `key`. */
  deleted(key: string, objectKey: string, uid: string): void {
    this.of(key).deleted.set(objectKey, uid);
  }

  /** True when the copy shows everything written for `key`. */
  isCurrent(key: string): boolean {
    const pending = this.pending.get(key);
    if (!pending) return true;
    for (const [objectKey, uid] of pending.deleted) {
      const { metadata } = this.informer.get(objectKey) ?? {};
      if (metadata?.uid === uid && metadata.deletionTimestamp === undefined) return false;
      pending.deleted.delete(objectKey);
    }
    if (this.informer.revision < pending.revision) return false;
    this.pending.delete(key);
    return true;
  }

  forget(key: string): void {
    this.pending.delete(key);
  }

  private of(key: string): Pending {
    const pending = this.pending.get(key) ?? { revision: 0, deleted: new Map<string, string>() };
    this.pending.set(key, pending);
    return pending;
  }
}
