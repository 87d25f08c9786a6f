// Which API servers live, judged by the renewals that this server has seen. Pure but for its memory; time is an argument.
//
// 1. Only own observations count, as in leader election: clocks of other machines are not trusted.
// 2. A server lives for `ttlMs` after each renewal that was seen.
// 3. A Lease whose renewal has not been seen yet is neither alive nor dead for `ttlMs`: its address is neither added nor removed.
// 4. A server that was frozen or could not reach its store has seen nothing of the others in that time, so it begins again with rule 3.
//    Otherwise all servers would remove each other when a lost store comes back.
import type { Lease } from '../../api/lease';
import { addressAnnotation } from './identity';

/** As upstream's lease reconciler. */
export const ttlMs = 15_000;

interface Seen {
  readonly lease: Lease;
  /** When the Lease, or this version of it, was first seen. */
  readonly atMs: number;
  readonly wasRenewed: boolean;
}

export class PeerLeases {
  private readonly leases = new Map<string, Seen>();

  /** `own`: the name of this server's Lease, which is not judged. */
  constructor(private readonly own: string) {}

  /** `isNew`: it was created while this server watched, so it counts as renewed. */
  seen(lease: Lease, nowMs: number, isNew: boolean): void {
    const name = lease.metadata?.name ?? '';
    if (name === this.own) return;
    const before = this.leases.get(name);
    if (before && before.lease.spec?.renewTime === lease.spec?.renewTime) {
      this.leases.set(name, { ...before, lease });
    } else this.leases.set(name, { lease, atMs: nowMs, wasRenewed: isNew || before !== undefined });
  }

  gone(name: string): void {
    this.leases.delete(name);
  }

  /** Rule 4. */
  doubt(nowMs: number): void {
    for (const [name, { lease }] of this.leases) this.leases.set(name, { lease, atMs: nowMs, wasRenewed: false });
  }

  /** The addresses of the other servers; without those that are dead or have none. */
  addresses(nowMs: number): { readonly alive: readonly string[]; readonly unknown: readonly string[] } {
    const found = [...this.leases.values()]
      .filter(({ atMs }) => nowMs - atMs <= ttlMs)
      .flatMap(({ lease, wasRenewed }) => {
        const address = lease.metadata?.annotations?.[addressAnnotation];
        return address === undefined ? [] : [{ address, wasRenewed }];
      });
    const of = (renewed: boolean) =>
      found.filter(({ wasRenewed }) => wasRenewed === renewed).map(({ address }) => address);
    return { alive: of(true), unknown: of(false) };
  }

  /** Leases of other servers that were not renewed for `ttlMs`. */
  dead(nowMs: number): readonly Lease[] {
    return [...this.leases.values()].filter(({ atMs }) => nowMs - atMs > ttlMs).map(({ lease }) => lease);
  }
}
