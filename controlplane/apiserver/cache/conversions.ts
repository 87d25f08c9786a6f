// Converts entries of the cache to one version, each once: entries that are being converted are waited for, and converted ones are kept.
import type { Kind } from '../../api/kind';
import type { Versions } from '../../api/storage';
import type { KubeObject } from '../../api/types';
import { eventLoop } from '../../base/event-loop';
import type { CachedObject } from './cache';
import type { ConvertedObjects } from './converted-objects';
import { Codec } from './encode';

/** Bytes of objects that are converted together: one call of a webhook. Its body and its answer are encoded and parsed in one turn. */
export const maxBatchBytes = 512 * 1024;

type Entries<T extends KubeObject> = readonly CachedObject<T>[];
type Missing = readonly CachedObject[];

export class Conversions<T extends KubeObject> {
  readonly codec: Codec<T>;
  private readonly form: number;
  /** By the entry that is being converted. */
  private readonly underWay = new Map<CachedObject, Promise<CachedObject<T>>>();

  constructor(
    private readonly kind: Kind<T>,
    private readonly versions: Versions,
    private readonly kept: ConvertedObjects,
  ) {
    this.codec = new Codec(kind);
    this.form = kept.nextForm();
  }

  /** The entry itself when it has this version, or what it was converted to before. */
  known(stored: CachedObject): CachedObject<T> | undefined {
    return stored.apiVersion === this.kind.apiVersion ? (stored as CachedObject<T>) : this.kept.get(this.form, stored);
  }

  /**
   * The last state of a deleted object, without a second conversion. `before` is the entry that was deleted.
   */
  knownLast(deleted: CachedObject, before: CachedObject | undefined): CachedObject<T> | undefined {
    const known = this.known(deleted);
    if (known || !before) return known;
    const last = this.known(before);
    return last && this.codec.restamp(last, deleted.revision);
  }

  /** The same array when no entry needs a conversion. @throws ConversionFailed */
  all(entries: readonly CachedObject[]): Entries<T> | Promise<Entries<T>> {
    if (entries.every(({ apiVersion }) => apiVersion === this.kind.apiVersion)) return entries as Entries<T>;
    const shown = entries.map((entry) => this.known(entry));
    const places = shown.flatMap((entry, i) => (entry ? [] : [i]));
    if (places.length === 0) return shown as Entries<T>;
    const missing = places.map((i) => entries[i]!);
    const fill = (converted: Entries<T>): Entries<T> => {
      for (const [i, place] of places.entries()) shown[place] = converted[i];
      return shown as Entries<T>;
    };
    const found = isSmall(missing) && isUniform(missing) ? this.batch(missing) : this.batches(missing);
    return found instanceof Promise ? found.then(fill) : fill(found);
  }

  /** An object of a request in another version, or an object of another version in this one. @throws ConversionFailed */
  object(object: KubeObject, to: Kind): KubeObject | Promise<KubeObject> {
    if (object.apiVersion === to.apiVersion) return object;
    const result = this.versions.convert([object], to);
    return result instanceof Promise ? result.then(([one]) => one!) : result[0]!;
  }

  /** One batch after another. */
  private async batches(missing: Missing): Promise<Entries<T>> {
    const converted: CachedObject<T>[] = [];
    for (const batch of batchesOf(missing)) {
      const pause = eventLoop.pause();
      if (pause) await pause;
      converted.push(...(await this.batch(batch)));
    }
    return converted;
  }

  /** Entries of one version. What others are converting already is waited for. */
  private batch(missing: Missing): Entries<T> | Promise<Entries<T>> {
    if (!missing.some((entry) => this.underWay.has(entry))) return this.start(missing);
    const own = missing.filter((entry) => !this.underWay.has(entry));
    const started = own.length === 0 ? [] : this.start(own);
    return this.join(missing, own, started);
  }

  private async join(missing: Missing, own: Missing, started: Entries<T> | Promise<Entries<T>>): Promise<Entries<T>> {
    const others = missing.map((entry) => (own.includes(entry) ? undefined : this.waitFor(entry)));
    const converted = (await Promise.all([started, ...others])) as [Entries<T>, ...(CachedObject<T> | undefined)[]];
    const [mine, ...theirs] = converted;
    let next = 0;
    return theirs.map((entry) => entry ?? mine[next++]!);
  }

  /** Another object may have made the call of the others fail: then this one is converted alone. */
  private async waitFor(entry: CachedObject): Promise<CachedObject<T>> {
    try {
      return await this.underWay.get(entry)!;
    } catch {
      const [alone] = await this.start([entry]);
      return alone!;
    }
  }

  private start(missing: Missing): Entries<T> | Promise<Entries<T>> {
    const objects = missing.map((entry) => withoutRevision(entry.readOnce?.() ?? entry.object));
    const result = this.versions.convert(objects, this.kind);
    if (!(result instanceof Promise)) return this.keep(missing, result);
    const entries = result.then((converted) => this.keep(missing, converted));
    for (const [i, entry] of missing.entries()) {
      const one = entries.then((all) => all[i]!);
      // Those that wait for it see the error.
      one.catch(() => undefined);
      this.underWay.set(entry, one);
    }
    const clear = () => {
      for (const entry of missing) this.underWay.delete(entry);
    };
    void entries.then(clear, clear);
    return entries;
  }

  /** Only the bytes: what reads the object parses it. */
  private keep(missing: Missing, objects: readonly KubeObject[]): Entries<T> {
    return missing.map((stored, i) => {
      const { codec } = this;
      const converted = codec.decode(stored.key, codec.encode(codec.prepare(objects[i] as T)), stored.revision);
      this.kept.set(this.form, stored, converted);
      return converted;
    });
  }
}

/** As it is in the store. */
function withoutRevision(object: KubeObject): KubeObject {
  const { resourceVersion: _, ...metadata } = object.metadata ?? {};
  return { ...object, metadata };
}

const isSmall = (entries: Missing): boolean =>
  entries.reduce((bytes, { json }) => bytes + json.length, 0) <= maxBatchBytes;

const isUniform = (entries: Missing): boolean =>
  entries.every(({ apiVersion }) => apiVersion === entries[0]!.apiVersion);

/** In order. A batch has one version, and more than maxBatchBytes only for one object. */
function* batchesOf(entries: Missing): Generator<Missing> {
  let batch: CachedObject[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const isOther = batch[0] !== undefined && batch[0].apiVersion !== entry.apiVersion;
    if (batch.length > 0 && (isOther || bytes + entry.json.length > maxBatchBytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(entry);
    bytes += entry.json.length;
  }
  if (batch.length > 0) yield batch;
}
