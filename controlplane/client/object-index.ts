// The copy an informer keeps: objects by key and by declared indexes. No I/O and no events here.
import type { KubeObject } from '../api/types';
import type { Indexes } from './informer';

export class ObjectIndex<T extends KubeObject> {
  private readonly objects = new Map<string, T>();
  /** Index name → value → key → object. */
  private readonly indexed = new Map<string, Map<string, Map<string, T>>>();

  constructor(private readonly indexes: Indexes<T>) {
    for (const name of Object.keys(indexes)) this.indexed.set(name, new Map());
  }

  get(key: string): T | undefined {
    return this.objects.get(key);
  }

  list(): readonly T[] {
    return [...this.objects.values()];
  }

  keys(): readonly string[] {
    return [...this.objects.keys()];
  }

  entries(): IterableIterator<[string, T]> {
    return this.objects.entries();
  }

  /** @throws RangeError for an index that was not declared: a fault of the program. */
  by(index: string, value: string): readonly T[] {
    const values = this.indexed.get(index);
    if (!values) throw new RangeError(`the index ${JSON.stringify(index)} was not declared`);
    const found = values.get(value);
    return found ? [...found.values()] : [];
  }

  /** Returns the previous object of the key. */
  set(key: string, object: T): T | undefined {
    const previous = this.objects.get(key);
    if (previous) this.unindex(key, previous);
    this.objects.set(key, object);
    for (const [name, valuesOf] of Object.entries(this.indexes)) {
      const values = this.indexed.get(name)!;
      for (const value of valuesOf(object)) {
        const bucket = values.get(value) ?? new Map<string, T>();
        values.set(value, bucket.set(key, object));
      }
    }
    return previous;
  }

  delete(key: string): T | undefined {
    const previous = this.objects.get(key);
    if (!previous) return undefined;
    this.unindex(key, previous);
    this.objects.delete(key);
    return previous;
  }

  private unindex(key: string, object: T): void {
    for (const [name, valuesOf] of Object.entries(this.indexes)) {
      const values = this.indexed.get(name)!;
      for (const value of valuesOf(object)) {
        const bucket = values.get(value);
        bucket?.delete(key);
        if (bucket?.size === 0) values.delete(value);
      }
    }
  }
}
