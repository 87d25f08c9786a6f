// Adds kinds to a running server and removes them again. It changes the cache and the catalog together: the catalog has a kind only
// while the cache has its objects.
import type { KindCatalog } from '../api/catalog';
import { isStored, type Kind } from '../api/kind';
import type { OpenCache } from './cache/open';

export class ServedKinds {
  /** Changes come one after another: no kind is removed while it is still being loaded. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly catalog: KindCatalog,
    private readonly cache: OpenCache,
  ) {}

  /** Resolves when the kind is served. Adding a served kind has no effect. @throws AlreadyExists */
  add(kind: Kind): Promise<void> {
    return this.inTurn(async () => {
      if (this.catalog.byPath(kind.group, kind.version, kind.plural) === kind) return;
      this.catalog.checkFree(kind);
      if (isStored(kind)) await this.cache.addKind(kind);
      this.catalog.add(kind);
    });
  }

  /**
   * Resolves when the kind is no longer served. Its watches end, unfinished writes get NotFound. Its objects stay in the store.
   * Removing a kind that is not served has no effect.
   */
  remove(kind: Kind): Promise<void> {
    return this.inTurn(async () => {
      if (this.catalog.byPath(kind.group, kind.version, kind.plural) !== kind) return;
      this.catalog.remove(kind);
      if (isStored(kind)) this.cache.removeKind(kind);
    });
  }

  private inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.last.then(change);
    // Only the caller of the failed change gets the error, not the next change.
    this.last = done.catch(() => undefined);
    return done;
  }
}
