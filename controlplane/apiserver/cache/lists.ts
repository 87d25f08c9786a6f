// Lists of one kind: of the present objects from memory, of an older revision from the store's history.
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import type { Store } from '../../store/store';
import type { CachedObject, ListOptions, ListResult } from './cache';
import type { Codec } from './encode';
import { testOf } from './filter';
import type { ObjectIndexes } from './object-index';
import { readable } from './readable';
import type { SortedKeys } from './sorted-keys';

/** The present objects of a kind. */
export interface View<T extends KubeObject> {
  readonly kind: Kind<T>;
  readonly objects: ReadonlyMap<string, CachedObject<T>>;
  readonly keys: SortedKeys;
  readonly indexes: ObjectIndexes<T>;
}

/** Objects read from the history at once when a filter selects only some. */
const historyPageSize = 500;

/** `revision` is that of the view. @throws BadRequest for an index that the kind does not declare */
export function listCurrent<T extends KubeObject>(
  { kind, objects, keys, indexes }: View<T>,
  options: ListOptions<T>,
  revision: number,
): ListResult<T> {
  const { limit, after, indexed, namespace, name, matches } = options;
  const candidates = indexed ? indexes.find(indexed.index, indexed.value) : keys.all();
  // Keys of one namespace are neighbours: "/" sorts directly before "0". So only an index needs a test of the namespace.
  const hasRange = !indexed && namespace !== undefined;
  let from = hasRange ? keys.indexOf(`${namespace}/`) : 0;
  const to = hasRange ? keys.indexOf(`${namespace}0`) : candidates.length;
  const { namespace: _, ...withoutNamespace } = options;
  const test = testOf(kind, hasRange ? withoutNamespace : options);
  // The smallest key that is greater than the last one returned.
  if (after && !indexed) from = Math.max(from, keys.indexOf(`${after.key}\0`));
  const items: CachedObject<T>[] = [];
  for (let i = from; i < to; i++) {
    const entry = objects.get(candidates[i]!)!;
    if (indexed && after && entry.key <= after.key) continue;
    if (test && !test(entry)) continue;
    if (limit !== undefined && limit > 0 && items.length === limit) {
      const next = items.at(-1)!.key;
      // With a selector the rest is not counted, as in kube-apiserver.
      return indexed || matches || name !== undefined
        ? { items, revision, next }
        : { items, revision, next, remaining: to - i };
    }
    items.push(entry);
  }
  return { items, revision };
}

/** Where older revisions are. */
export interface Past<T extends KubeObject> {
  readonly kind: Kind<T>;
  readonly codec: Codec<T>;
  readonly store: Pick<Store, 'range'>;
}

/** @throws Expired when the store has compacted the revision; Unsupported for a value that cannot be read */
export async function listHistory<T extends KubeObject>(
  { kind, codec, store }: Past<T>,
  options: ListOptions<T>,
  revision: number,
): Promise<ListResult<T>> {
  const { limit, namespace, after } = options;
  const test = testOf(kind, options);
  const prefix = namespace === undefined ? kind.prefix : `${kind.prefix}${namespace}/`;
  const items: CachedObject<T>[] = [];
  let cursor = after && kind.prefix + after.key;
  for (let more = true; more; ) {
    const page = await store.range(prefix, {
      revision,
      limit: historyPageSize,
      ...(cursor === undefined ? {} : { after: cursor }),
    });
    more = page.more;
    for (const stored of page.items) {
      cursor = stored.key;
      const key = stored.key.slice(kind.prefix.length);
      const entry = codec.decode(key, readable(codec, stored.key, stored.value), stored.modRevision);
      if (test && !test(entry)) continue;
      if (limit !== undefined && limit > 0 && items.length === limit) {
        return { items, revision, next: items.at(-1)!.key };
      }
      items.push(entry);
    }
  }
  return { items, revision };
}
