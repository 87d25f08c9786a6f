// What a store contains, as one sequence that backup, migrate and their checks read; and a store that is filled from one.
import { createHash } from 'node:crypto';
import { isAlreadyClaimed, isAlreadyExists, isUnavailable, Unavailable } from '../../base/errors';
import type { Claims, Store } from '../store';
import type { Entry } from './backup-format';

/** Every key of the API. */
export const rootPrefix = '/registry/';
/** Keys that are read at once. */
const pageSize = 500;
/** Writes under way at once: they share transactions. */
const writesAtOnce = 256;
const maxTries = 5;

export interface Contents {
  readonly revision: number;
  /** In the order of their keys. */
  readonly entries: AsyncIterable<Entry>;
}

/** All keys as of the present revision. A store of one process must have no writer: its claims have no history. */
export async function contentsOf(store: Store): Promise<Contents> {
  const revision = await store.revision();
  const held = new Map<string, string[]>();
  for (const { claim, owner } of await store.claims(revision)) {
    const claims = held.get(owner);
    if (claims) claims.push(claim);
    else held.set(owner, [claim]);
  }
  return { revision, entries: entriesOf(store, revision, held) };
}

async function* entriesOf(store: Store, revision: number, held: ReadonlyMap<string, Claims>): AsyncGenerator<Entry> {
  for (let after = ''; ; ) {
    const { items, more } = await store.range(rootPrefix, { revision, limit: pageSize, after });
    for (const item of items) yield { ...item, claims: [...(held.get(item.key) ?? [])].sort() };
    if (!more) return;
    after = items.at(-1)!.key;
  }
}

/** Number and hash of all keys with their values and claims; revisions do not count. */
export interface Digest {
  readonly count: number;
  readonly hash: string;
}

/** Passes the entries on and sums them up: the digest is complete when they have ended. */
export class Digesting {
  private readonly hash = createHash('sha256');
  private count = 0;

  async *through(entries: AsyncIterable<Entry>): AsyncGenerator<Entry> {
    for await (const entry of entries) {
      const { key, value, claims } = entry;
      this.hash.update(`${JSON.stringify([key, value.length, claims])}\n`).update(value);
      this.count++;
      yield entry;
    }
  }

  async drain(entries: AsyncIterable<Entry>): Promise<this> {
    for await (const _ of this.through(entries));
    return this;
  }

  digest(): Digest {
    return { count: this.count, hash: this.hash.copy().digest('hex') };
  }
}

/**
 * Creates all entries in a store without keys. Their revisions are new ones. Resolves with the last of them, and with the history
 * compacted up to it: a watch from before gets Expired. Two keys that hold the same claim both keep it.
 * @throws Unavailable for a store that has keys, errors of the store
 */
export async function fill(store: Store, entries: AsyncIterable<Entry>): Promise<number> {
  const { items } = await store.range('', { limit: 1 });
  if (items[0]) throw new Unavailable(`the store is not empty: it has ${items[0].key}`);
  let group: Promise<void>[] = [];
  for await (const entry of entries) {
    group.push(create(store, entry));
    if (group.length < writesAtOnce) continue;
    await Promise.all(group);
    group = [];
  }
  await Promise.all(group);
  const revision = await store.revision();
  await store.compact(revision);
  return revision;
}

/** A store that does not answer for a while, or loses an answer, does not end a long run. */
async function create(store: Store, entry: Entry): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await createOnce(store, entry);
    } catch (error) {
      // An earlier try was stored, with its claims, though its answer was lost.
      if (isAlreadyExists(error) && tries > 1) return;
      if (!isUnavailable(error) || tries === maxTries) throw error;
    }
  }
}

async function createOnce(store: Store, { key, value, claims }: Entry): Promise<void> {
  try {
    await store.create(key, value, claims);
  } catch (error) {
    if (!isAlreadyClaimed(error)) throw error;
    await store.adopt(key, claims, await store.create(key, value));
  }
}
