// Secondary indexes of one kind: value → keys. An index is built when it is first asked for and kept from then on.
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import { BadRequest } from '../../base/errors';
import type { CachedObject } from './cache';

export const labelIndex = 'metadata.labels';
type ValuesOf<T> = (object: T) => readonly string[];

/** How an object's values for an index are found. @throws BadRequest for a field the kind does not declare */
export function indexFunction<T extends KubeObject>(kind: Kind<T>, index: string): ValuesOf<T> {
  if (index === labelIndex) {
    return (object) => Object.entries(object.metadata?.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  }
  if (index === 'metadata.name') return (object) => [object.metadata?.name ?? ''];
  if (index === 'metadata.namespace') return (object) => [object.metadata?.namespace ?? ''];
  const field = kind.options.fields?.[index];
  if (!field) throw new BadRequest(`field label not supported: ${index}`);
  return (object) => [field(object)];
}

class ObjectIndex<T extends KubeObject> {
  private readonly keys = new Map<string, Set<string>>();
  constructor(private readonly valuesOf: ValuesOf<T>) {}

  change(previous: CachedObject<T> | undefined, current: CachedObject<T> | undefined): void {
    if (previous) {
      for (const value of this.valuesOf(previous.object)) {
        const keys = this.keys.get(value);
        keys?.delete(previous.key);
        if (keys?.size === 0) this.keys.delete(value);
      }
    }
    if (current) {
      for (const value of this.valuesOf(current.object)) {
        const keys = this.keys.get(value);
        if (keys) keys.add(current.key);
        else this.keys.set(value, new Set([current.key]));
      }
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

  clear(): void {
    this.built.clear();
  }
}
