// Who holds which claim, in memory. Nothing here waits, so a check and the change that follows it are one step.
import { AlreadyClaimed } from '../../base/errors';
import type { Claims, HeldClaim } from '../store';

export class ClaimMap {
  /** A claim has several owners only where adopt() found them. */
  private readonly owners = new Map<string, Set<string>>();
  private readonly held = new Map<string, ReadonlySet<string>>();

  /**
   * From now on the key holds these claims and no others. @throws AlreadyClaimed when another key holds a claim that is new for
   * this key; nothing has changed then
   */
  hold(owner: string, claims: Claims): void {
    const mine = this.held.get(owner);
    for (const claim of claims) {
      if (mine?.has(claim)) continue;
      const other = this.owners.get(claim)?.values().next().value;
      if (other !== undefined) throw new AlreadyClaimed(claim, other);
    }
    this.adopt(owner, claims);
  }

  /** As hold(), without a check of other owners. */
  adopt(owner: string, claims: Claims): void {
    const before = this.held.get(owner) ?? none;
    const after = new Set(claims);
    if (after.size > 0) this.held.set(owner, after);
    else this.held.delete(owner);
    for (const claim of after) {
      if (before.has(claim)) continue;
      const owners = this.owners.get(claim);
      if (owners) owners.add(owner);
      else this.owners.set(claim, new Set([owner]));
    }
    for (const claim of before) {
      if (after.has(claim)) continue;
      const owners = this.owners.get(claim);
      owners?.delete(owner);
      if (owners?.size === 0) this.owners.delete(claim);
    }
  }

  free(owner: string): void {
    if (this.held.has(owner)) this.adopt(owner, []);
  }

  all(): HeldClaim[] {
    const all = [...this.owners].flatMap(([claim, owners]) => [...owners].map((owner) => ({ claim, owner })));
    return all.sort((a, b) => compare(a.claim, b.claim) || compare(a.owner, b.owner));
  }
}

const none: ReadonlySet<string> = new Set();
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
