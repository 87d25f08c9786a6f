// The listings of a node with kube-proxy's rules replaced by planned ones. Rules of other programs stay where they are. Pure.
import type { CountedListings } from '../hops/listings';
import { isOwnChain, type OwnedTable, ownedTables } from '../netfilter/names';
import type { OwnChains } from '../netfilter/plan';
import { tableText } from '../nftables/structure';
import { type PlannedRules, plannedTables } from './compile';

/** @param printed the planned tables of nftables as nft prints them */
export function replaceOwn(
  listings: CountedListings,
  { iptables }: Pick<PlannedRules, 'iptables'>,
  printed: string,
): CountedListings {
  const dumps = (listings.iptables ?? []).map((one) => {
    const planned = iptables.find(({ family }) => family === one.family);
    return planned && holdsOwn(one.dump) ? { ...one, dump: replaceDump(one.dump, planned.chains) } : one;
  });
  return {
    ...listings,
    iptables: dumps,
    nft: replaceTables(listings.nft ?? '', printed),
    // Counts belong to rules that are there.
    packets: new Map([...listings.packets].filter(([place]) => !isOwnPlace(place))),
  };
}

const holdsOwn = (dump: string): boolean => /^:K8TS-/m.test(dump);

/** A dump of iptables-save, with or without counts. */
export function replaceDump(dump: string, chains: OwnChains): string {
  const lines: string[] = [];
  let table = '';
  for (const line of dump.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1);
    if (line === 'COMMIT' && isOwned(table)) lines.push(...ownLines(chains[table]));
    const [, chain] = /^(?::|(?:\[\d+:\d+\] )?-A )(\S+)/.exec(line) ?? [];
    if (chain === undefined || !isOwnChain(chain)) lines.push(line);
  }
  return lines.join('\n');
}

const isOwned = (table: string): table is OwnedTable => ownedTables.some((one) => one === table);

const ownLines = (chains: ReadonlyMap<string, string>): string[] => [
  ...[...chains.keys()].map((name) => `:${name} - [0:0]`),
  ...[...chains.values()].flatMap((text) => (text === '' ? [] : text.trimEnd().split('\n'))),
];

/** A new table comes last, as in the kernel. */
export function replaceTables(listing: string, printed: string): string {
  let text = listing;
  for (const { family, name } of plannedTables) {
    const before = tableText(text, family, name);
    const after = tableText(printed, family, name) ?? '';
    if (before !== undefined) text = text.replace(before, () => after);
    else if (after !== '') text += `${text === '' || text.endsWith('\n') ? '' : '\n'}${after}`;
  }
  return text;
}

/** `iptables nat K8TS-SERVICES:1`, which nft lists too where its back end is nft; `nft ip k8ts services:1` */
const isOwnPlace = (place: string): boolean =>
  /^(?:ip6?tables|nft ip6?) \S+ K8TS-/.test(place) ||
  plannedTables.some(({ family, name }) => place.startsWith(`nft ${family} ${name} `));
