// The differences between two listings of our table, object by object. Pure.
import type { DriftItem } from '../netfilter/writer';
import { tableName } from './names';

/** `before` and `now` as `Nft.structure` prints them, '' for no table. */
export function diffTables(before: string, now: string): DriftItem[] {
  const [desired, found] = [objectsOf(before), objectsOf(now)];
  const item = (chain: string, kind: DriftItem['kind']): DriftItem => ({ table: tableName, chain, kind });
  if (desired.size > 0 && found.size === 0) return [item('the whole table', 'missing')];
  return [
    ...[...desired].flatMap(([name, text]) => {
      const other = found.get(name);
      return other === text ? [] : [item(name, other === undefined ? 'missing' : 'changed')];
    }),
    ...[...found.keys()].filter((name) => !desired.has(name)).map((name) => item(name, 'extra')),
  ];
}

/** Name → text of each chain, set and map. Counters are left out: a different count is no difference. */
function objectsOf(listing: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, kind, name, body] of listing.matchAll(/^\t(chain|set|map) (\S+) \{\n(.*?)^\t\}$/gms)) {
    found.set(name!, `${kind} ${body!.replace(/counter packets \d+ bytes \d+/g, 'counter')}`);
  }
  return found;
}
