// The bytes of an object. Stored bytes begin with kind, apiVersion and metadata and carry no resourceVersion, because the
// revision is known only at the commit; the served bytes are the same with the revision put in right after the opening
// brace of metadata, whose place is the same for all objects of a kind.
import { parseStored } from '../../api/json-text';
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import type { CachedObject, CacheEvent } from './cache';

const slotStart = Buffer.from('"resourceVersion":"');
const quote = 0x22;

const headEnd = Buffer.from('","metadata":{');

export class Codec<T extends KubeObject> {
  /** The bytes before the members of metadata. */
  private readonly head: Buffer;
  /** Where the apiVersion begins in them. */
  private readonly versionStart: number;
  private readonly isMixed: boolean;

  constructor(private readonly kind: Kind<T>) {
    const { apiVersion } = kind;
    this.head = Buffer.from(JSON.stringify({ kind: kind.kind, apiVersion, metadata: {} }).slice(0, -2));
    this.versionStart = this.head.length - headEnd.length - apiVersion.length;
    this.isMixed = kind.options.mixedVersions ?? false;
  }

  /**
   * The argument of encode(): the object with its members in stored order and without a revision. Its metadata is a copy, so
   * that decode() can write the revision into it; all else is shared with `object`.
   */
  prepare(object: T): T {
    const { kind } = this.kind;
    const apiVersion = this.versionOf(object);
    const prepared = { kind, apiVersion, metadata: object.metadata, ...object };
    prepared.kind = kind;
    prepared.apiVersion = apiVersion;
    // JSON leaves undefined members out.
    prepared.metadata = { ...object.metadata, resourceVersion: undefined };
    return prepared;
  }

  /** The stored bytes of a prepared object. Its metadata must have a name. */
  encode(prepared: T): Buffer {
    return Buffer.from(JSON.stringify(prepared));
  }

  /**
   * Turns stored bytes into an object of the cache. `prepared` is the object they were encoded from, if known, and belongs to
   * the cache from then on; without it the bytes are parsed at the first access.
   */
  decode(key: string, stored: Buffer, revision: number, prepared?: T): CachedObject<T> {
    const body = this.isOurs(stored) ? stored : this.encode(this.prepare(parseStored(stored.toString()) as T));
    const json = this.splice(body, this.headLength(body), revision);
    if (prepared) prepared.metadata!.resourceVersion = String(revision);
    return this.entry(key, json, revision, prepared);
  }

  /** Stored bytes as this kind reads them: with its apiVersion, and after its `upgrade`. */
  upgrade(stored: Buffer): Buffer {
    const { upgrade } = this.kind.options;
    if (!upgrade && this.isOurs(stored)) return stored;
    const object = parseStored(stored.toString()) as T;
    const upgraded = upgrade ? this.kind.options.upgrade!(object) : object;
    return upgraded === object && this.isOurs(stored) ? stored : this.encode(this.prepare(upgraded));
  }

  /** An object of a former form of the kind as one of this form; the same entry when nothing changes. */
  adopt(entry: CachedObject<T>): CachedObject<T> {
    const { upgrade } = this.kind.options;
    if (!upgrade && this.isOurs(entry.json)) return entry;
    const object = entry instanceof Entry ? entry.readOnce() : entry.object;
    const upgraded = upgrade ? this.kind.options.upgrade!(object) : object;
    if (upgraded === object && this.isOurs(entry.json)) return entry;
    return this.decode(entry.key, this.encode(this.prepare(upgraded)), entry.revision);
  }

  /** The same object at another revision: for the last state of a deleted object. */
  restamp(entry: CachedObject<T>, revision: number): CachedObject<T> {
    const json = this.splice(entry.json, this.bodyStart(entry.json), revision);
    const parsed = entry instanceof Entry && entry.parsed && this.stamp(entry.parsed, revision);
    return this.entry(entry.key, json, revision, parsed || undefined);
  }

  /** Whether an object that was written reads as it is: false when defaults of the version in which it is stored are missing. */
  isComplete(written: T): boolean {
    return !this.isMixed || this.kind.options.upgrade!(written) === written;
  }

  /** Whether these stored bytes are those of the object, whatever its revision. */
  isSame(entry: CachedObject<T>, stored: Buffer): boolean {
    const start = this.bodyStart(entry.json);
    const from = this.headLength(stored);
    if (from !== this.headLength(entry.json) || entry.json.compare(stored, 0, from, 0, from) !== 0) return false;
    return (
      entry.json.length - start === stored.length - from && entry.json.compare(stored, from, stored.length, start) === 0
    );
  }

  private stamp(object: T, revision: number): T {
    const { kind } = this.kind;
    const apiVersion = this.versionOf(object);
    return { ...object, kind, apiVersion, metadata: { ...object.metadata, resourceVersion: String(revision) } };
  }

  /** An object of mixed versions keeps its own. */
  private versionOf({ apiVersion }: T): string {
    return (this.isMixed ? apiVersion : undefined) ?? this.kind.apiVersion;
  }

  private isOurs(stored: Buffer): boolean {
    return this.headLength(stored) > 0;
  }

  /** 0 for bytes that do not begin as those of this kind do. */
  private headLength(stored: Buffer): number {
    const { head, versionStart } = this;
    if (stored.length > head.length && head.compare(stored, 0, head.length) === 0) return head.length;
    if (!this.isMixed || stored.length < head.length) return 0;
    if (head.compare(stored, 0, versionStart, 0, versionStart) !== 0) return 0;
    const end = stored.indexOf(quote, versionStart);
    const after = end + headEnd.length;
    const hasMetadata = end > 0 && after < stored.length && headEnd.compare(stored, end, after) === 0;
    return hasMetadata ? end + headEnd.length : 0;
  }

  private entry(key: string, json: Buffer, revision: number, parsed: T | undefined): Entry<T> {
    const { apiVersion } = this.kind;
    const version = this.isMixed
      ? json.toString('latin1', this.versionStart, this.headLength(json) - headEnd.length)
      : apiVersion;
    return new Entry(key, json, revision, parsed, version === apiVersion ? apiVersion : version);
  }

  private bodyStart(json: Buffer): number {
    return json.indexOf(quote, this.headLength(json) + slotStart.length) + 2;
  }

  /** Allocates outside Node's buffer pool: these bytes live long, and one of them would keep a pool slab alive. */
  private splice(source: Buffer, bodyStart: number, revision: number): Buffer {
    const digits = String(revision);
    const at = this.headLength(source);
    const slotEnd = at + slotStart.length + digits.length + 2;
    const json = Buffer.allocUnsafeSlow(slotEnd + source.length - bodyStart);
    source.copy(json, 0, 0, at);
    slotStart.copy(json, at);
    json.write(`${digits}",`, at + slotStart.length, 'latin1');
    source.copy(json, slotEnd, bodyStart);
    return json;
  }
}

/** Objects read from the store are parsed at the first access to `object`; a GET never accesses it. */
class Entry<T extends KubeObject> implements CachedObject<T> {
  protobuf: Buffer | undefined;

  constructor(
    readonly key: string,
    readonly json: Buffer,
    readonly revision: number,
    public parsed: T | undefined,
    readonly apiVersion: string,
  ) {}

  /** Drops the other forms of an old version: it is rarely read again, and its bytes suffice. */
  forget(): void {
    this.parsed = undefined;
    this.protobuf = undefined;
  }

  get object(): T {
    this.parsed ??= this.readOnce();
    return this.parsed;
  }

  readOnce(): T {
    return this.parsed ?? (parseStored(this.json.toString()) as T);
  }
}

const wireHeads = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
};
const wireTail = Buffer.from('}\n');

/** A watch event as it is sent. */
export const wireOf = (type: CacheEvent['type'], json: Buffer): Buffer =>
  Buffer.concat([wireHeads[type], json, wireTail]);

export class Event<T extends KubeObject> implements CacheEvent<T> {
  private bytes: Buffer | undefined;
  constructor(
    readonly type: CacheEvent['type'],
    readonly current: CachedObject<T>,
    readonly previous?: CachedObject<T>,
  ) {}

  get revision(): number {
    return this.current.revision;
  }

  /** Called when all watchers have the event: drops all that can be computed again, so that the ring holds only bytes. */
  settle(): void {
    this.bytes = undefined;
    if (this.previous instanceof Entry) this.previous.forget();
    if (this.type === 'DELETED' && this.current instanceof Entry) this.current.forget();
  }

  wire(): Buffer {
    this.bytes ??= wireOf(this.type, this.current.json);
    return this.bytes;
  }
}
