// Who holds which claim, in a table of the store's file. Callers run every method inside the transaction of its write.
import { AlreadyClaimed } from '../../base/errors';
import type { Claims, HeldClaim } from '../store';
import type { Statements } from './statements';

/** The claims of a key that does not exist. */
export const noClaims: ReadonlySet<string> = new Set();

export class ClaimTable {
  constructor(private readonly sql: Statements) {}

  /**
   * From now on the key holds these claims and no others. When another key holds a claim that is new for this key, changes
   * nothing and returns the reason: the other writes of the same transaction must not fail with it. `held` are the claims the
   * key held so far, if the caller knows them.
   */
  hold(owner: string, claims: Claims, held = this.heldBy(owner)): AlreadyClaimed | undefined {
    for (const claim of claims) {
      if (held.has(claim)) continue;
      const holder = this.sql.ownerOf.get(claim) as unknown as [string] | undefined;
      if (holder) return new AlreadyClaimed(claim, holder[0]);
    }
    this.change(owner, held, new Set(claims));
    return undefined;
  }

  /** As hold(), without a check of other owners. */
  adopt(owner: string, claims: Claims): void {
    this.change(owner, this.heldBy(owner), new Set(claims));
  }

  free(owner: string): void {
    this.sql.freeClaims.run(owner);
  }

  all(): HeldClaim[] {
    const rows = this.sql.allClaims.all() as unknown as [string, string][];
    return rows.map(([claim, owner]) => ({ claim, owner }));
  }

  private heldBy(owner: string): ReadonlySet<string> {
    const rows = this.sql.claimsOf.all(owner) as unknown as [string][];
    return new Set(rows.map(([claim]) => claim));
  }

  private change(owner: string, before: ReadonlySet<string>, after: ReadonlySet<string>): void {
    for (const claim of after) if (!before.has(claim)) this.sql.takeClaim.run(claim, owner);
    for (const claim of before) if (!after.has(claim)) this.sql.freeClaim.run(claim, owner);
  }
}
