// Objects that were stored before the store knew claims hold none: at the start of a server they get what they claim. Where all
// is in order nothing is written.
import type { KubeObject } from '../../api/types';
import { isConflict, isNotFound } from '../../base/errors';
import type { Logger } from '../../base/logger';
import type { Store } from '../../store/store';
import type { CachedObject } from './cache';
import type { StoreKindCache } from './kind-cache';

/** What goes to the store together shares a transaction there. */
const adoptedAtOnce = 500;

/**
 * Two objects that hold the same keep it, since traffic goes to them already; that is logged. An object that another server
 * changes meanwhile is left alone: that server wrote its claims with it.
 */
export async function adoptClaims(
  store: Store,
  kinds: Iterable<StoreKindCache<KubeObject>>,
  log: Logger,
): Promise<void> {
  const claiming = [...kinds].filter(({ kind }) => kind.options.claims);
  if (claiming.length === 0) return;
  const held = new Map<string, Set<string>>();
  for (const { claim, owner } of await store.claims()) add(held, owner, claim);
  const owners = new Map<string, Set<string>>();
  let adopting: Promise<void>[] = [];
  for (const cache of claiming) {
    const { prefix, options } = cache.kind;
    for (const entry of cache.current({})) {
      const key = prefix + entry.key;
      const claims = new Set(options.claims?.(entry.object));
      for (const claim of claims) add(owners, claim, key);
      if (equal(claims, held.get(key))) continue;
      adopting.push(adopt(store, key, entry, [...claims]));
      if (adopting.length < adoptedAtOnce) continue;
      await Promise.all(adopting);
      adopting = [];
    }
  }
  await Promise.all(adopting);
  for (const [claim, keys] of owners) {
    if (keys.size > 1)
      log.warn('several objects hold what may be given once', { claim, objects: [...keys].join(', ') });
  }
}

async function adopt(store: Store, key: string, { revision }: CachedObject, claims: readonly string[]): Promise<void> {
  try {
    await store.adopt(key, claims, revision);
  } catch (error) {
    if (!isConflict(error) && !isNotFound(error)) throw error;
  }
}

function add(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key);
  if (set) set.add(value);
  else sets.set(key, new Set([value]));
}

const equal = (a: ReadonlySet<string>, b: ReadonlySet<string> = new Set()): boolean =>
  a.size === b.size && [...a].every((value) => b.has(value));
