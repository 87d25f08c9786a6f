// From the answers of a watch of all keys to the store's events. Every revision of etcd changes at least one key, so in a watch of all keys
// the revisions have no holes: a hole means that etcd has lost events, and is reported instead of being passed on. Pure.
import { Expired, Unavailable } from '../../base/errors';
import type { StoreEvent, WatchBatch } from '../store';
import { decodeValue, endOf, isReplacement, isValueKey, mainOf, revisionAt } from './layout';
import { eventType, type WatchEvent, type WatchResponse } from './protocol';

const empty = Buffer.alloc(0);
/** The first revision with a change: an empty etcd is at 1. */
const firstMain = 2;

/** The store was emptied, restored or filled again while it was open: its revisions mean something else now. */
export class Replaced extends Unavailable {}

export class EventFeed {
  /** The newest revision of etcd with an event. */
  private main: number;
  /** Events of values that this revision had so far. */
  private index = 0;

  /** The feed reports what is newer than the revision `after` of the store. `opened`: the revision of etcd at which the store was opened. */
  constructor(
    private readonly prefix: string,
    private after: number,
    private readonly opened = 0,
  ) {
    this.main = this.startRevision - 1;
  }

  /** Where the watch of etcd must begin. */
  get startRevision(): number {
    const main = mainOf(this.after);
    return Math.max(firstMain, endOf(main) === this.after ? main + 1 : main);
  }

  /**
   * Undefined when the answer has nothing for the reader. @throws Expired, Replaced, Unavailable for lost events and for the end of
   * the watch
   */
  next({ canceled, compactRevision, cancelReason, events, fragment }: WatchResponse): WatchBatch | undefined {
    if (compactRevision > 0) throw new Expired(`revision ${this.after} has been compacted`);
    if (canceled) throw new Unavailable(`etcd has ended the watch: ${cancelReason || 'no reason given'}`);
    const result = events.flatMap((event) => this.toEvent(event) ?? []);
    if (events.length === 0) return undefined;
    this.after = Math.max(this.after, fragment ? this.complete() : endOf(this.main));
    return { events: result, revision: this.after };
  }

  private hole(main: number): Expired | Unavailable {
    // The rest of a transaction is gone with its revision.
    if (this.main < mainOf(this.after)) return new Expired(`revision ${this.after} has been compacted`);
    return new Unavailable(`etcd left out revisions: after ${this.main} came ${main}`);
  }

  /** A part of an answer may end in the middle of a transaction. */
  private complete(): number {
    return this.index === 0 ? endOf(this.main - 1) : revisionAt(this.main, this.index - 1);
  }

  private toEvent({ type, kv, prevKv }: WatchEvent): StoreEvent | undefined {
    const main = kv.modRevision;
    if (main !== this.main) {
      if (main !== this.main + 1) throw this.hole(main);
      this.main = main;
      this.index = 0;
    }
    if (!isValueKey(kv.key)) {
      if (main > this.opened && isReplacement(kv.key, type === eventType.delete)) {
        throw new Replaced('the data in etcd was removed or replaced while this server used it');
      }
      return undefined;
    }
    const index = this.index++;
    const revision = revisionAt(main, index);
    const key = kv.key.toString();
    if (revision <= this.after || !key.startsWith(this.prefix)) return undefined;
    const previous = prevKv ? decodeValue(prevKv.value).value : undefined;
    const isTogether = index > 0 ? { isTogether: true as const } : {};
    if (type === eventType.delete) {
      return {
        type: 'delete',
        key,
        revision,
        value: previous ?? empty,
        ...(previous ? { previous } : {}),
        ...isTogether,
      };
    }
    const { value } = decodeValue(kv.value);
    return { type: 'put', key, revision, value, ...(previous ? { previous } : {}), ...isTogether };
  }
}
