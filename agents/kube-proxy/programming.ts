// When the rules of a Service are in the kernel, its addresses are announced and a receipt is written.
import type { EndpointSlice, Service } from '../../controlplane/api';
import type { Lister } from '../../controlplane/client/informer';
import type { Announcer } from './announcer/announcer';
import { claimsOf } from './announcer/claims';
import { sliceIndex } from './informers';
import type { Receipts } from './receipts';

export interface ProgrammingDeps {
  readonly services: Lister<Service>;
  readonly slices: Lister<EndpointSlice>;
  /** Empty where another program announces. */
  readonly announcers: readonly Pick<Announcer, 'set'>[];
  readonly receipts: Pick<Receipts, 'taken' | 'written'>;
}

export class Programming {
  /** Services that were written since the last write that succeeded. */
  private keys = new Set<string>();

  constructor(private readonly deps: ProgrammingDeps) {}

  taken(keys: ReadonlySet<string>): void {
    for (const key of keys) this.keys.add(key);
    this.deps.receipts.taken();
  }

  written(): void {
    const { services, slices, announcers, receipts } = this.deps;
    for (const announcer of announcers) {
      for (const key of this.keys) announcer.set(key, claimsOf(services.get(key), slices.by(sliceIndex, key)));
    }
    this.keys = new Set();
    receipts.written();
  }
}
