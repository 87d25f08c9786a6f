// The differences between two listings of our table, object by object. Pure.
import type { DriftItem } from '../netfilter/writer';
import { diffParts } from '../nftables/differences';
import { tableParts } from '../nftables/structure';
import { tableName } from './names';

/** `before` and `now` as `Nft.structure` prints them, '' for no table. */
export function diffTables(before: string, now: string): DriftItem[] {
  const [desired, found] = [partsOf(before), partsOf(now)];
  if (desired.size > 0 && found.size === 0) return [{ table: tableName, chain: 'the whole table', kind: 'missing' }];
  return diffParts(desired, found).map(({ part, kind }) => ({ table: tableName, chain: part.split(' ')[1]!, kind }));
}

/** Counters are left out: a different count is no difference. */
const partsOf = (listing: string): ReadonlyMap<string, string> =>
  tableParts(listing.replace(/counter packets \d+ bytes \d+/g, 'counter'));
