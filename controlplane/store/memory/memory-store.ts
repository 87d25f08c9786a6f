// The store in memory: for tests and for clusters that need not outlive their server. It keeps the whole history as a
// list of events, which a compaction trims.
import { AlreadyClaimed, AlreadyExists, BadRequest, Conflict, Expired, NotFound, Unavailable } from '../../base/errors';
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
import { type HistoryPage, WatchHub } from '../watch-hub';
import { ClaimMap } from './claims';

/** One version of a key; no value means that this revision deleted it. */
interface Version {
  readonly revision: number;
  readonly value: Buffer | undefined;
}

/** The event of a second key before its revision is known. */
type TogetherEvent = Omit<StoreEvent, 'revision'>;

export class MemoryStore implements Store {
  readonly step = 1;
  /** Several servers of one process may share it, as tests do. */
  readonly isShared = true;
  /** Versions of each key, oldest first, never an empty list. */
  private readonly keys = new Map<string, Version[]>();
  private log: StoreEvent[] = [];
  private compacted = 0;
  private closed = false;
  private currentRevision = 0;
  /** All keys in order; undefined until a range needs it. */
  private sorted: string[] | undefined;
  private readonly claimMap = new ClaimMap();
  private readonly hub = new WatchHub((prefix, after, limit) => this.history(prefix, after, limit));

  async revision(): Promise<number> {
    return this.currentRevision;
  }

  async get(key: string): Promise<StoredValue | undefined> {
    this.checkOpen();
    return toStored(key, this.keys.get(key)?.at(-1));
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<RangeResult> {
    this.checkOpen();
    const { revision = this.currentRevision, limit = Number.POSITIVE_INFINITY, after = '' } = options;
    if (revision > this.currentRevision) throw new BadRequest(`revision ${revision} is in the future`);
    if (revision < this.compacted) throw new Expired(`revision ${revision} has been compacted`);
    this.sorted ??= [...this.keys.keys()].sort();
    const { sorted } = this;
    const items: StoredValue[] = [];
    for (let i = firstAfter(sorted, prefix, after); i < sorted.length; i++) {
      const key = sorted[i]!;
      if (!key.startsWith(prefix)) break;
      const item = toStored(
        key,
        this.keys.get(key)!.findLast((version) => version.revision <= revision),
      );
      if (!item) continue;
      if (items.length >= limit) return { items, revision, more: true };
      items.push(item);
    }
    return { items, revision, more: false };
  }

  async create(key: string, value: Buffer, claims?: Claims, together: readonly Together[] = []): Promise<number> {
    this.checkOpen();
    if (this.keys.get(key)?.at(-1)?.value) throw new AlreadyExists(`key ${key} already exists`);
    const changes = this.decide(together);
    if (claims) this.claimMap.hold(key, claims);
    const revision = this.currentRevision + 1;
    return this.append({ type: 'put', key, revision, value }, changes);
  }

  async update(
    key: string,
    value: Buffer,
    expectedRevision: number,
    claims?: Claims,
    together: readonly Together[] = [],
  ): Promise<number> {
    const current = this.expect(key, expectedRevision);
    const changes = this.decide(together);
    if (claims) this.claimMap.hold(key, claims);
    const revision = this.currentRevision + 1;
    return this.append({ type: 'put', key, revision, value, previous: current.value }, changes);
  }

  async delete(key: string, expectedRevision?: number, together: readonly Together[] = []): Promise<number> {
    const { value } = this.expect(key, expectedRevision);
    const changes = this.decide(together);
    this.claimMap.free(key);
    const revision = this.currentRevision + 1;
    return this.append({ type: 'delete', key, revision, value, previous: value }, changes);
  }

  async adopt(key: string, claims: Claims, expectedRevision: number): Promise<void> {
    this.expect(key, expectedRevision);
    this.claimMap.adopt(key, claims);
  }

  async claims(): Promise<readonly HeldClaim[]> {
    this.checkOpen();
    return this.claimMap.all();
  }

  watch(prefix: string, afterRevision: number, signal: AbortSignal): AsyncIterable<WatchBatch> {
    this.checkOpen();
    return this.hub.watch(prefix, afterRevision, signal);
  }

  async compact(revision: number): Promise<void> {
    this.checkOpen();
    const target = Math.min(revision, this.currentRevision);
    if (target <= this.compacted) return;
    this.compacted = target;
    this.log = this.log.filter((event) => event.revision > target);
    for (const [key, versions] of this.keys) {
      const keep = versions.findLastIndex((version) => version.revision <= target);
      const rest = versions.slice(keep < 0 ? 0 : versions[keep]!.value ? keep : keep + 1);
      if (rest.length === 0) {
        this.keys.delete(key);
        this.sorted = undefined;
      } else this.keys.set(key, rest);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private checkOpen(): void {
    if (this.closed) throw new Unavailable('the store is closed');
  }

  private expect(key: string, expectedRevision: number | undefined): Version & { readonly value: Buffer } {
    this.checkOpen();
    const current = this.keys.get(key)?.at(-1);
    if (!current?.value) throw new NotFound(`key ${key} not found`);
    if (expectedRevision !== undefined && current.revision !== expectedRevision) {
      throw new Conflict(`key ${key} is at revision ${current.revision}, not ${expectedRevision}`);
    }
    return { ...current, value: current.value };
  }

  /** What happens to other keys together with a write. Changes nothing. @throws AlreadyClaimed, what a change throws */
  private decide(together: readonly Together[]): readonly TogetherEvent[] {
    return together.flatMap((one): TogetherEvent | [] => {
      const { key } = one;
      const current = this.keys.get(key)?.at(-1);
      const previous = current?.value;
      const event = { key, isTogether: true } as const;
      if (one.action === 'create') {
        if (previous) throw new AlreadyClaimed(one.claim, key);
        return { ...event, type: 'put', value: one.value };
      }
      if (!previous) return [];
      if (one.action === 'delete') {
        return one.applies(previous) ? { ...event, type: 'delete', value: previous, previous } : [];
      }
      const value = one.change(previous);
      return value ? { ...event, type: 'put', value, previous } : [];
    });
  }

  /** All events of one write. Returns the revision of the first, which is the write itself. */
  private append(event: StoreEvent, more: readonly TogetherEvent[] = []): number {
    const events = [event];
    for (const other of more) {
      const revision = event.revision + events.length;
      events.push({ ...other, revision });
      if (other.type === 'delete') this.claimMap.free(other.key);
    }
    for (const each of events) this.record(each);
    this.hub.publish(events);
    return event.revision;
  }

  private record(event: StoreEvent): void {
    const { key, revision } = event;
    const version: Version = { revision, value: event.type === 'put' ? event.value : undefined };
    const versions = this.keys.get(key);
    if (versions) versions.push(version);
    else {
      this.keys.set(key, [version]);
      this.sorted = undefined;
    }
    this.currentRevision = revision;
    this.log.push(event);
  }

  private history(prefix: string, after: number, limit: number): HistoryPage {
    if (after < this.compacted) throw new Expired(`revision ${after} has been compacted`);
    // Revisions have no holes.
    const first = Math.max(0, after + 1 - (this.log[0]?.revision ?? 0));
    const events: StoreEvent[] = [];
    for (let i = first; i < this.log.length; i++) {
      const event = this.log[i]!;
      if (!event.key.startsWith(prefix)) continue;
      if (events.length === limit) return { events, upTo: events.at(-1)!.revision, more: true };
      events.push(event);
    }
    return { events, upTo: this.currentRevision, more: false };
  }
}

/** The index of the first key that is not below `prefix` and is greater than `after`. */
function firstAfter(sorted: readonly string[], prefix: string, after: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const key = sorted[middle]!;
    if (key < prefix || (after !== '' && key <= after)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function toStored(key: string, version: Version | undefined): StoredValue | undefined {
  if (!version?.value) return undefined;
  return { key, value: version.value, modRevision: version.revision };
}
