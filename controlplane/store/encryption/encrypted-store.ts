// A store whose values are encrypted where the rules say so: readers and writers see plain values, the backend and its files only
// encrypted ones, its history and its log among them.
//
// A value that another provider wrote than the first one is stale: a write with the same content then stores it again.
import type {
  Claims,
  HeldClaim,
  RangeOptions,
  RangeResult,
  Store,
  StoredValue,
  StoreEvent,
  Together,
  WatchBatch,
} from '../store';
import type { EncryptionRules } from './rules';

/** Values that are read in one turn of the event loop. */
const pageSize = 200;

export class EncryptedStore implements Store {
  /** The plain value of each buffer that this process has written: its event needs no decryption, and has the same buffer. */
  private readonly own = new WeakMap<Buffer, Buffer>();
  /** Which provider wrote the present value of a key, by its prefix; plain values are absent. */
  private readonly writers = new Map<string, { readonly writer: string; readonly revision: number }>();

  constructor(
    private readonly store: Store,
    private rules: EncryptionRules,
  ) {}

  /** Reads and writes by other rules from now on, if they read every present value. @throws Unsupported, and nothing changes */
  async use(rules: EncryptionRules): Promise<void> {
    for (let after = ''; ; ) {
      const { items, more } = await this.store.range('/', { after, limit: pageSize });
      for (const { key, value } of items) rules.decrypt(key, value);
      if (!more) break;
      after = items.at(-1)!.key;
    }
    this.rules = rules;
  }

  get step(): number {
    return this.store.step;
  }

  get isShared(): boolean {
    return this.store.isShared;
  }

  isStale(key: string): boolean {
    return (this.writers.get(key)?.writer ?? '') !== this.rules.writer(key);
  }

  revision(): Promise<number> {
    return this.store.revision();
  }

  async get(key: string): Promise<StoredValue | undefined> {
    const found = await this.store.get(key);
    return found && this.plainValue(found);
  }

  async range(prefix: string, options?: RangeOptions): Promise<RangeResult> {
    const { items, ...result } = await this.store.range(prefix, options);
    return { ...result, items: items.map((item) => this.plainValue(item)) };
  }

  create(key: string, value: Buffer, claims?: Claims, together?: readonly Together[]): Promise<number> {
    return this.store.create(key, this.encrypted(key, value), claims, this.encryptedTogether(together));
  }

  update(
    key: string,
    value: Buffer,
    expectedRevision: number,
    claims?: Claims,
    together?: readonly Together[],
  ): Promise<number> {
    const stored = this.encrypted(key, value);
    return this.store.update(key, stored, expectedRevision, claims, this.encryptedTogether(together));
  }

  delete(key: string, expectedRevision?: number, together?: readonly Together[]): Promise<number> {
    return this.store.delete(key, expectedRevision, this.encryptedTogether(together));
  }

  adopt(key: string, claims: Claims, expectedRevision: number): Promise<void> {
    return this.store.adopt(key, claims, expectedRevision);
  }

  claims(revision?: number): Promise<readonly HeldClaim[]> {
    return this.store.claims(revision);
  }

  watch(prefix: string, afterRevision: number, signal: AbortSignal): AsyncIterable<WatchBatch> {
    // The subscription begins now, not at the first read.
    return this.plainBatches(this.store.watch(prefix, afterRevision, signal));
  }

  compact(revision: number): Promise<void> {
    return this.store.compact(revision);
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private async *plainBatches(batches: AsyncIterable<WatchBatch>): AsyncGenerator<WatchBatch> {
    for await (const { events, revision } of batches) {
      yield { events: events.map((event) => this.plainEvent(event)), revision };
    }
  }

  private encrypted(key: string, value: Buffer): Buffer {
    const stored = this.rules.encrypt(key, value);
    if (stored !== value) this.own.set(stored, value);
    return stored;
  }

  /** Decisions about further keys, which see plain values too. */
  private encryptedTogether(together: readonly Together[] | undefined): readonly Together[] | undefined {
    return together?.map((one): Together => {
      const { key } = one;
      if (one.action === 'create') return { ...one, value: this.encrypted(key, one.value) };
      if (one.action === 'delete') return { ...one, applies: (stored) => one.applies(this.plain(key, stored)) };
      return {
        ...one,
        change: (stored) => {
          const next = one.change(this.plain(key, stored));
          return next && this.encrypted(key, next);
        },
      };
    });
  }

  private plain(key: string, stored: Buffer): Buffer {
    return this.own.get(stored) ?? this.rules.decrypt(key, stored).value;
  }

  private plainValue(item: StoredValue): StoredValue {
    const { value, writer } = this.rules.decrypt(item.key, item.value);
    this.note(item.key, writer, item.modRevision);
    return value === item.value ? item : { ...item, value };
  }

  private plainEvent(event: StoreEvent): StoreEvent {
    const { type, key, value, revision } = event;
    if (type === 'delete') this.writers.delete(key);
    else this.note(key, writerOf(value), revision);
    return new PlainEvent(event, (stored) => this.plain(key, stored));
  }

  /** A read of an older revision changes nothing. */
  private note(key: string, writer: string, revision: number): void {
    if ((this.writers.get(key)?.revision ?? 0) > revision) return;
    if (writer === '') this.writers.delete(key);
    else this.writers.set(key, { writer, revision });
  }
}

/** The four parts and the colon after each: k8s:enc:aesgcm:v1:key1: */
function writerOf(stored: Buffer): string {
  let end = -1;
  for (let part = 0; part < prefixParts; part++) end = stored.indexOf(colon, end + 1);
  return stored[0] === firstByte && end > 0 ? stored.toString('latin1', 0, end + 1) : '';
}
const prefixParts = 5;
const colon = 0x3a;
const firstByte = 0x6b;

/** Decrypts what a reader asks for: most readers need no previous value. */
class PlainEvent implements StoreEvent {
  readonly type: StoreEvent['type'];
  readonly key: string;
  readonly revision: number;
  readonly isTogether?: true;

  constructor(
    private readonly event: StoreEvent,
    private readonly decrypt: (stored: Buffer) => Buffer,
  ) {
    this.type = event.type;
    this.key = event.key;
    this.revision = event.revision;
    if (event.isTogether) this.isTogether = true;
  }

  get value(): Buffer {
    return this.decrypt(this.event.value);
  }

  get previous(): Buffer | undefined {
    const { previous } = this.event;
    return previous && this.decrypt(previous);
  }
}
