// Objects that were converted, for all versions of all kinds: bounded together, the one used least recently goes first. An object that
// is gone is converted again at its next read.
import type { KubeObject } from '../../api/types';
import type { CachedObject } from './cache';

/** Of JSON. An object that was also parsed takes several times as much, so the bound is far below what the process may use. */
const defaultMaxBytes = 64 * 1024 * 1024;

export class ConvertedObjects {
  private readonly entries = new Map<string, CachedObject>();
  private bytes = 0;
  private forms = 0;

  constructor(private readonly maxBytes = defaultMaxBytes) {}

  /** A name for one form of one kind: objects of a form that is not served any more are never found again. */
  nextForm(): number {
    return ++this.forms;
  }

  get<T extends KubeObject>(form: number, stored: CachedObject): CachedObject<T> | undefined {
    const id = idOf(form, stored);
    const found = this.entries.get(id);
    if (!found) return undefined;
    // The last of the map is the one used last.
    this.entries.delete(id);
    this.entries.set(id, found);
    return found as CachedObject<T>;
  }

  set(form: number, stored: CachedObject, converted: CachedObject): void {
    const id = idOf(form, stored);
    this.remove(id);
    this.entries.set(id, converted);
    this.bytes += converted.json.length;
    for (const oldest of this.entries.keys()) {
      if (this.bytes <= this.maxBytes) break;
      this.remove(oldest);
    }
  }

  private remove(id: string): void {
    const found = this.entries.get(id);
    if (!found) return;
    this.bytes -= found.json.length;
    this.entries.delete(id);
  }
}

/** An object has a revision of its own after each write. Numbers contain no slash, so no key can forge another id. */
const idOf = (form: number, { key, revision }: CachedObject): string => `${form}/${revision}/${key}`;
