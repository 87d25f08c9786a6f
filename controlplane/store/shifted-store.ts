// A store whose revisions are greater than those of its backend by a constant. etcd always begins at 1; a
// restored or migrated store must begin after all revisions that clients may know.
import { Expired, Unsupported } from '../base/errors';
import type { Claims, HeldClaim, RangeOptions, RangeResult, Store, StoredValue, Together, WatchBatch } from './store';

/** The constant, as decimal digits. Absent: 0. Not a key of the API: no range or watch of values has it. */
export const shiftKey = 'k8ts/revision-shift';
/** Exists while a restore or a migration fills the store: until then it is only a part of what it should be. */
export const fillingKey = 'k8ts/filling';

/**
 * The store with the revisions that its keys ask for. @throws Unsupported while it is being filled, and after a restore that was cut off;
 * the store is closed then
 */
export async function openShifted(store: Store): Promise<Store> {
  try {
    if (await store.get(fillingKey)) {
      throw new Unsupported('a restore or a migration into this store has not ended: wait for it, or run it again');
    }
    const shift = await shiftOf(store);
    return shift === 0 ? store : new ShiftedStore(store, shift);
  } catch (error) {
    await store.close();
    throw error;
  }
}

export const shiftOf = async (store: Store): Promise<number> => Number((await store.get(shiftKey))?.value ?? 0);

const never = new AbortController().signal;

export class ShiftedStore implements Store {
  /** `shift` is a multiple of the store's step. */
  constructor(
    private readonly store: Store,
    private readonly shift: number,
  ) {}

  get step(): number {
    return this.store.step;
  }

  get ended(): AbortSignal {
    return this.store.ended ?? never;
  }

  get isShared(): boolean {
    return this.store.isShared;
  }

  async revision(): Promise<number> {
    return this.out(await this.store.revision());
  }

  async get(key: string): Promise<StoredValue | undefined> {
    const found = await this.store.get(key);
    return found && this.outValue(found);
  }

  async range(prefix: string, { revision, ...options }: RangeOptions = {}): Promise<RangeResult> {
    const given = revision === undefined ? {} : { revision: this.within(revision) };
    const { items, revision: seen, more } = await this.store.range(prefix, { ...options, ...given });
    return { items: items.map((item) => this.outValue(item)), revision: this.out(seen), more };
  }

  async create(key: string, value: Buffer, claims?: Claims, together?: readonly Together[]): Promise<number> {
    return this.out(await this.store.create(key, value, claims, together));
  }

  async update(
    key: string,
    value: Buffer,
    expectedRevision: number,
    claims?: Claims,
    together?: readonly Together[],
  ): Promise<number> {
    return this.out(await this.store.update(key, value, this.expected(expectedRevision), claims, together));
  }

  async delete(key: string, expectedRevision?: number, together?: readonly Together[]): Promise<number> {
    const expected = expectedRevision === undefined ? undefined : this.expected(expectedRevision);
    return this.out(await this.store.delete(key, expected, together));
  }

  adopt(key: string, claims: Claims, expectedRevision: number): Promise<void> {
    return this.store.adopt(key, claims, this.expected(expectedRevision));
  }

  async claims(revision?: number): Promise<readonly HeldClaim[]> {
    return revision === undefined ? this.store.claims() : this.store.claims(this.within(revision));
  }

  watch(prefix: string, afterRevision: number, signal: AbortSignal): AsyncIterable<WatchBatch> {
    const { shift } = this;
    // The watch begins now, not at the first read.
    const batches = afterRevision < shift ? undefined : this.store.watch(prefix, afterRevision - shift, signal);
    const out = (revision: number) => this.out(revision);
    return (async function* () {
      if (!batches) throw compactedAway(afterRevision);
      for await (const { events, revision } of batches) {
        yield { events: events.map((event) => ({ ...event, revision: out(event.revision) })), revision: out(revision) };
      }
    })();
  }

  async compact(revision: number): Promise<void> {
    if (revision > this.shift) await this.store.compact(revision - this.shift);
  }

  problem(): string | undefined {
    return this.store.problem?.();
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private out(revision: number): number {
    return revision + this.shift;
  }

  private outValue(found: StoredValue): StoredValue {
    return { ...found, modRevision: this.out(found.modRevision) };
  }

  /** A revision from before the store was made is that of no value. */
  private expected(revision: number): number {
    return Math.max(0, revision - this.shift);
  }

  private within(revision: number): number {
    if (revision < this.shift) throw compactedAway(revision);
    return revision - this.shift;
  }
}

const compactedAway = (revision: number) => new Expired(`revision ${revision} has been compacted`);
