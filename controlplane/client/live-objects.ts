// Single objects, each watched by itself while it has a user: for identities that may read only objects that another object
// names, such as a kubelet (Secrets of its pods) and the Ingress processes (Secrets of Ingresses).
import type { KindRef } from '../api/kind';
import { type KubeObject, splitKey } from '../api/types';
import type { Clock } from '../base/clock';
import type { Logger } from '../base/logger';
import type { Client } from './client';
import { createInformer, type Informer } from './informer';

/** A watch outlives its last user by this much: users such as pods of one Deployment start and end together. */
const lingerMs = 60_000;

interface Entry<T extends KubeObject> {
  readonly informer: Informer<T>;
  readonly abort: AbortController;
  readonly users: Set<string>;
  cancelStop?: () => void;
}

export interface LiveObjectsDeps {
  readonly client: Client;
  readonly log: Logger;
  readonly clock: Clock;
}

export class LiveObjects<T extends KubeObject> {
  private readonly entries = new Map<string, Entry<T>>();
  private readonly handlers: Array<(user: string) => void> = [];

  constructor(
    private readonly deps: LiveObjectsDeps,
    private readonly kind: KindRef<T>,
  ) {}

  /** Called with each user of an object that has changed. */
  onChange(handler: (user: string) => void): void {
    this.handlers.push(handler);
  }

  get(key: string): T | undefined {
    return this.entries.get(key)?.informer.get(key);
  }

  /** `user` uses exactly these keys from now on; resolves when each of them has been requested once. */
  async use(user: string, keys: readonly string[], signal: AbortSignal): Promise<void> {
    const wanted = new Set(keys);
    for (const [key, entry] of this.entries) if (!wanted.has(key)) this.leave(key, entry, user);
    await Promise.all(keys.map((key) => this.join(key, user).informer.synced(signal)));
  }

  private join(key: string, user: string): Entry<T> {
    let entry = this.entries.get(key);
    if (!entry) {
      entry = this.open(key);
      this.entries.set(key, entry);
    }
    entry.cancelStop?.();
    entry.cancelStop = undefined;
    entry.users.add(user);
    return entry;
  }

  private leave(key: string, entry: Entry<T>, user: string): void {
    if (!entry.users.delete(user) || entry.users.size > 0) return;
    entry.cancelStop = this.deps.clock.after(lingerMs, () => {
      entry.abort.abort();
      this.entries.delete(key);
    });
  }

  private open(key: string): Entry<T> {
    const { namespace, name } = splitKey(key);
    const abort = new AbortController();
    const informer = createInformer(this.deps.client, this.kind, {
      params: { namespace, fieldSelector: `metadata.name=${name}` },
      log: this.deps.log,
    });
    const entry: Entry<T> = { informer, abort, users: new Set() };
    informer.onChange(() => {
      for (const user of entry.users) for (const handler of this.handlers) handler(user);
    });
    informer.run(abort.signal).catch((error: unknown) => {
      if (!abort.signal.aborted)
        this.deps.log.error('the informer of an object failed; its copy is no longer updated', { key, error });
    });
    return entry;
  }

  close(): void {
    for (const entry of this.entries.values()) {
      entry.cancelStop?.();
      entry.abort.abort();
    }
    this.entries.clear();
  }
}
