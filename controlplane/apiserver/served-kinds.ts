// Adds kinds to a running server and removes them again. The cache and the catalog change together here: a path leads to a kind
// only while the cache has its objects.
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

  /** Resolves when the kind is served. A kind that is served already changes nothing. @throws AlreadyExists */
  add(kind: Kind): Promise<void> {
    return this.inTurn(async () => {
      if (this.catalog.byPath(kind.group, kind.version, kind.plural) === kind) return;
      this.catalog.checkFree(kind);
      if (isStored(kind)) await this.cache.addKind(kind);
      this.catalog.add(kind);
    });
  }

  /**
   * Resolves when the kind is served no more. Its watches end, writes that are under way get NotFound. Its objects stay in the
   * store. A kind that is not served changes nothing.
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
    // The caller of the change that failed hears of it; the next change does not.
    this.last = done.catch(() => undefined);
    return done;
  }
}
