// The bytes of complete lists, shared by all requests for the same list until an object changes: many informers that list at
// once cost one copy in time and memory. The garbage collector may drop the bytes at any moment.

interface Entry {
  readonly revision: number;
  readonly body: WeakRef<Buffer>;
}

/** How many lists (by kind and namespace) are kept; at this many all are dropped. */
const maxEntries = 1_000;

export class ListBytes {
  /** By prefix and namespace; a prefix is one of the declared kinds and ends with a slash, a namespace contains none. */
  private readonly entries = new Map<string, Entry>();

  /** The list of exactly this revision; undefined when the garbage collector dropped it. */
  get(prefix: string, namespace: string, revision: number): Buffer | undefined {
    const entry = this.entries.get(prefix + namespace);
    return entry?.revision === revision ? entry.body.deref() : undefined;
  }

  set(prefix: string, namespace: string, revision: number, body: Buffer): void {
    if (this.entries.size >= maxEntries) this.entries.clear();
    this.entries.set(prefix + namespace, { revision, body: new WeakRef(body) });
  }
}
