// A store whose revisions are counted 1, 2, 3 from its opening, around one whose revisions have holes: so one contract serves both.
import type {
  Claims,
  HeldClaim,
  RangeOptions,
  RangeResult,
  Store,
  StoredValue,
  Together,
  WatchBatch,
} from '../../controlplane/store/store';

export class OrdinalStore implements Store {
  readonly step = 1;
  /** Revisions of all events since the opening. */
  private readonly revisions: number[] = [];
  private seen: number;
  private waiters: (() => void)[] = [];
  private readonly stop = new AbortController();

  private constructor(
    private readonly inner: Store,
    private readonly observer: Store,
    private readonly base: number,
  ) {
    this.seen = base;
    void this.pump();
  }

  /** `observer`: the same data, by a connection that learns of events after `inner` was closed. close() closes both. */
  static async open(inner: Store, observer: Store): Promise<OrdinalStore> {
    return new OrdinalStore(inner, observer, await inner.revision());
  }

  get isShared(): boolean {
    return this.inner.isShared;
  }

  async revision(): Promise<number> {
    return this.ordinal(await this.inner.revision());
  }

  async get(key: string): Promise<StoredValue | undefined> {
    const found = await this.inner.get(key);
    return found && { ...found, modRevision: await this.ordinal(found.modRevision) };
  }

  async range(prefix: string, { revision, ...options }: RangeOptions = {}): Promise<RangeResult> {
    const given = revision === undefined ? {} : { revision: this.actual(revision) };
    const result = await this.inner.range(prefix, { ...options, ...given });
    const items = await Promise.all(
      result.items.map(async (item) => ({ ...item, modRevision: await this.ordinal(item.modRevision) })),
    );
    return { ...result, items, revision: revision ?? (await this.ordinal(result.revision)) };
  }

  async create(key: string, value: Buffer, claims?: Claims, together?: readonly Together[]): Promise<number> {
    return this.ordinal(await this.inner.create(key, value, claims, together));
  }

  async update(
    key: string,
    value: Buffer,
    expected: number,
    claims?: Claims,
    together?: readonly Together[],
  ): Promise<number> {
    return this.ordinal(await this.inner.update(key, value, this.actual(expected), claims, together));
  }

  async delete(key: string, expected?: number, together?: readonly Together[]): Promise<number> {
    const revision = expected === undefined ? undefined : this.actual(expected);
    return this.ordinal(await this.inner.delete(key, revision, together));
  }

  adopt(key: string, claims: Claims, expected: number): Promise<void> {
    return this.inner.adopt(key, claims, this.actual(expected));
  }

  claims(): Promise<readonly HeldClaim[]> {
    return this.inner.claims();
  }

  watch(prefix: string, after: number, signal: AbortSignal): AsyncIterable<WatchBatch> {
    return this.ordinals(this.inner.watch(prefix, this.actual(after), signal));
  }

  compact(revision: number): Promise<void> {
    return this.inner.compact(this.actual(revision));
  }

  async close(): Promise<void> {
    await this.inner.close();
    if (this.stop.signal.aborted) return;
    await this.ordinal(await this.observer.revision());
    this.stop.abort();
    await this.observer.close();
  }

  private async *ordinals(batches: AsyncIterable<WatchBatch>): AsyncGenerator<WatchBatch> {
    for await (const { events, revision } of batches) {
      const counted = await Promise.all(
        events.map(async (event) => ({ ...event, revision: await this.ordinal(event.revision) })),
      );
      yield { events: counted, revision: await this.ordinal(revision) };
    }
  }

  private async pump(): Promise<void> {
    for await (const { events, revision } of this.observer.watch('', this.base, this.stop.signal)) {
      this.revisions.push(...events.map((event) => event.revision));
      this.seen = revision;
      const waiters = this.waiters;
      this.waiters = [];
      for (const wake of waiters) wake();
    }
  }

  private async ordinal(revision: number): Promise<number> {
    while (this.seen < revision) await new Promise<void>((resolve) => this.waiters.push(resolve));
    const first = this.revisions.findIndex((known) => known > revision);
    return first === -1 ? this.revisions.length : first;
  }

  private actual(ordinal: number): number {
    if (ordinal < 1) return this.base;
    return this.revisions[ordinal - 1] ?? this.seen + 1_000 * this.inner.step;
  }
}
