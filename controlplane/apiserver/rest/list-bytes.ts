// The bytes of whole lists, shared by all who ask for the same list before anything changes: many informers that list at
// once cost one copy in time and memory. The garbage collector may drop them at any moment.

interface Entry {
  readonly revision: number;
  readonly body: WeakRef<Buffer>;
}

/** Namespaces and kinds listed lately; beyond this many it starts over. */
const maxEntries = 1_000;

export class ListBytes {
  /** By prefix and namespace; a prefix is one of the declared kinds and ends with a slash, a namespace contains none. */
  private readonly entries = new Map<string, Entry>();

  /** The list as of exactly this revision, if somebody still holds it. */
  get(prefix: string, namespace: string, revision: number): Buffer | undefined {
    const entry = this.entries.get(prefix + namespace);
    return entry?.revision === revision ? entry.body.deref() : undefined;
  }

  set(prefix: string, namespace: string, revision: number, body: Buffer): void {
    if (this.entries.size >= maxEntries) this.entries.clear();
    this.entries.set(prefix + namespace, { revision, body: new WeakRef(body) });
  }
}
