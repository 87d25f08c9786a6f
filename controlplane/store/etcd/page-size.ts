// How many keys to ask etcd for at once: it limits an answer by keys, not by bytes. Pure.
import type { KeyValue } from './protocol';

const targetBytes = 4 * 1024 * 1024;
const first = 100;
const most = 1_000;

export class PageSize {
  private keys = 0;
  private bytes = 0;

  get size(): number {
    if (this.keys === 0) return first;
    return Math.max(1, Math.min(most, Math.floor((targetBytes * this.keys) / Math.max(1, this.bytes))));
  }

  note(found: readonly Pick<KeyValue, 'value'>[]): void {
    this.keys += found.length;
    for (const { value } of found) this.bytes += value.length;
  }
}
