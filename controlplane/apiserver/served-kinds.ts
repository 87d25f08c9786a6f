// Adds kinds to a running server, replaces and removes them. It changes the cache and the catalog together: the catalog has a kind
// only while the cache has its objects.
import type { KindCatalog } from '../api/catalog';
import { isStored, type Kind } from '../api/kind';
import { dns1035Label, dns1123Subdomain } from '../api/validation/names';
import { BadRequest } from '../base/errors';
import type { OpenCache } from './cache/open';

export class ServedKinds {
  /** Changes come one after another: no kind is removed while it is still being loaded. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly catalog: KindCatalog,
    private readonly cache: OpenCache,
  ) {}

  /** Resolves when the kind is served. Adding a served kind has no effect. @throws AlreadyExists, BadRequest for wrong names */
  add(kind: Kind): Promise<void> {
    return this.inTurn(async () => {
      if (this.catalog.byPath(kind.group, kind.version, kind.plural) === kind) return;
      checkNames(kind);
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

  /**
   * Serves `after` in place of `before`, both lists of versions of one kind: no request in between finds neither. A kind whose path is taken is
   * left out. Resolves with the kinds that are served now. @throws BadRequest for wrong names
   */
  async replace(before: readonly Kind[], after: readonly Kind[]): Promise<readonly Kind[]> {
    const free: Kind[] = [];
    await this.inTurn(async () => {
      after.forEach(checkNames);
      free.push(...after.filter((kind) => this.isFree(kind, before)));
      if (before.length > 0 && free.length > 0) {
        await this.cache.replaceKinds(before, free, () => this.catalog.replace(before, free));
        return;
      }
      for (const kind of free) await this.cache.addKind(kind);
      this.catalog.replace(before, free);
      for (const kind of before) this.cache.removeKind(kind);
    });
    return free;
  }

  /** Resolves when the changes that are under way have been made. */
  async settled(): Promise<void> {
    await this.last;
  }

  private isFree(kind: Kind, before: readonly Kind[]): boolean {
    const { group, version, plural, apiVersion, kind: name } = kind;
    const others = [this.catalog.byPath(group, version, plural), this.catalog.byKind(apiVersion, name)];
    return others.every((other) => !other || before.includes(other));
  }

  private inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.last.then(change);
    // Only the caller of the failed change gets the error, not the next change.
    this.last = done.catch(() => undefined);
    return done;
  }
}

/** Names are parts of paths and of store keys: a slash in one would reach the objects of another kind. @throws BadRequest */
function checkNames({ group, version, plural, kind }: Kind): void {
  const wrong = [
    ...(group === '' ? [] : dns1123Subdomain(group)),
    ...dns1035Label(version),
    ...dns1035Label(plural),
    ...dns1035Label(kind.toLowerCase()),
  ];
  if (wrong.length > 0) throw new BadRequest(`${group}/${version} ${plural} (${kind}) cannot be served: ${wrong[0]}`);
}
