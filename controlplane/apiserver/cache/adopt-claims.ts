// Objects stored by a version without claims hold none: when a server starts, it writes their claims. When none is missing, it
// writes nothing.
import type { KubeObject } from '../../api/types';
import { isConflict, isNotFound } from '../../base/errors';
import type { Logger } from '../../base/logger';
import type { Store } from '../../store/store';
import type { CachedObject } from './cache';
import type { StoreKindCache } from './kind-cache';

/** Writes sent together share one transaction of the store. */
const adoptedAtOnce = 500;

/**
 * When two objects use the same address or port, both keep it, since traffic reaches them already; a warning is logged. An
 * object that another server changes meanwhile is skipped: that server wrote the claims with it.
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
      log.warn('several objects have the same address, port or range; all keep it', {
        claim,
        objects: [...keys].join(', '),
      });
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
