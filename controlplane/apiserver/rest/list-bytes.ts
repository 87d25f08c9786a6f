// The bytes of complete lists, shared by all requests for the same list until an object changes: many informers that list at
// once cost one copy in time and memory. The garbage collector may drop the bytes at any moment.
import type { Kind } from '../../api/kind';
import type { Encoding } from './negotiate';

interface Entry {
  readonly revision: number;
  readonly body: WeakRef<Buffer>;
}

/** How many lists (by kind and namespace) are kept; at this many all are dropped. */
const maxEntries = 1_000;

export class ListBytes {
  /** By encoding, apiVersion, plural and namespace: words without a blank, since several kinds may show the same objects. */
  private readonly entries = new Map<string, Entry>();

  /** The list of exactly this revision; undefined when the garbage collector dropped it. */
  get(kind: Kind, namespace: string, revision: number, encoding: Encoding): Buffer | undefined {
    const entry = this.entries.get(keyOf(kind, namespace, encoding));
    return entry?.revision === revision ? entry.body.deref() : undefined;
  }

  set(kind: Kind, namespace: string, revision: number, encoding: Encoding, body: Buffer): void {
    if (this.entries.size >= maxEntries) this.entries.clear();
    this.entries.set(keyOf(kind, namespace, encoding), { revision, body: new WeakRef(body) });
  }
}

const keyOf = ({ apiVersion, plural }: Kind, namespace: string, encoding: Encoding): string =>
  `${encoding} ${apiVersion} ${plural} ${namespace}`;
