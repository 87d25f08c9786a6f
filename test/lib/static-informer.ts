// An informer whose objects a test puts in: no API, no waiting.
import { type KubeObject, objectKey } from '../../controlplane/api';
import type { Change, Indexes, Informer } from '../../controlplane/client/informer';

export class StaticInformer<T extends KubeObject> implements Informer<T> {
  private readonly objects = new Map<string, T>();
  private readonly handlers: ((change: Change<T>) => void)[] = [];
  readonly hasSynced = true;

  constructor(
    objects: readonly T[] = [],
    private readonly indexes: Indexes<T> = {},
  ) {
    for (const object of objects) this.put(object);
  }

  put(object: T): void {
    const key = objectKey(object);
    const previous = this.objects.get(key);
    this.objects.set(key, object);
    for (const handler of this.handlers) {
      handler(previous ? { type: 'updated', key, object, previous } : { type: 'added', key, object });
    }
  }

  get(key: string): T | undefined {
    return this.objects.get(key);
  }

  list(): readonly T[] {
    return [...this.objects.values()];
  }

  by(index: string, value: string): readonly T[] {
    return this.list().filter((object) => this.indexes[index]!(object).includes(value));
  }

  onChange(handler: (change: Change<T>) => void): void {
    this.handlers.push(handler);
  }

  async synced(): Promise<void> {}

  async run(): Promise<void> {}
}
