// Secondary indexes of one kind: value → keys. An index is built at its first use and kept from then on.
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import { BadRequest } from '../../base/errors';
import type { CachedObject } from './cache';

type FieldOf<T> = (object: T) => string;

/** The function that reads an object's value for an index. @throws BadRequest for a field the kind does not declare */
export function indexFunction<T extends KubeObject>(kind: Kind<T>, index: string): FieldOf<T> {
  const field = kind.options.fields?.[index];
  if (!field) throw new BadRequest(`field label not supported: ${index}`);
  return field;
}

class ObjectIndex<T extends KubeObject> {
  private readonly keys = new Map<string, Set<string>>();
  constructor(private readonly fieldOf: FieldOf<T>) {}

  change(previous: CachedObject<T> | undefined, current: CachedObject<T> | undefined): void {
    if (previous) {
      const value = this.fieldOf(previous.object);
      const keys = this.keys.get(value);
      keys?.delete(previous.key);
      if (keys?.size === 0) this.keys.delete(value);
    }
    if (current) {
      const value = this.fieldOf(current.object);
      const keys = this.keys.get(value);
      if (keys) keys.add(current.key);
      else this.keys.set(value, new Set([current.key]));
    }
  }

  /** In key order. */
  find(value: string): readonly string[] {
    return [...(this.keys.get(value) ?? [])].sort();
  }
}

export class ObjectIndexes<T extends KubeObject> {
  private readonly built = new Map<string, ObjectIndex<T>>();
  constructor(
    private readonly kind: Kind<T>,
    private readonly objects: ReadonlyMap<string, CachedObject<T>>,
  ) {}

  change(previous: CachedObject<T> | undefined, current: CachedObject<T> | undefined): void {
    for (const index of this.built.values()) index.change(previous, current);
  }

  /** Keys of the objects with this value, in order. @throws BadRequest */
  find(name: string, value: string): readonly string[] {
    let index = this.built.get(name);
    if (!index) {
      index = new ObjectIndex(indexFunction(this.kind, name));
      for (const entry of this.objects.values()) index.change(undefined, entry);
      this.built.set(name, index);
    }
    return index.find(value);
  }
}
