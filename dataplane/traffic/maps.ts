// What maps of nftables say about rules that stopped packets: which pods a profile of policies is for, which Services are refused. Pure.
import type { NftTable } from '../path/nft/tables';
import { serviceOfComment } from '../path/objects';
import { chains, maps as serviceMaps } from '../service/nft/names';

/** Chain → what leads to it by a map of these tables: the key of an element, or what its comment names. */
type LeadsTo = ReadonlyMap<string, readonly string[]>;

const maxNames = 256;

/** Addresses, by chain. */
export const podsByProfile = (tables: readonly NftTable[]): LeadsTo => {
  const found = new Map<string, string[]>();
  for (const { sets } of tables) {
    for (const { elements } of sets.values()) {
      for (const [address, { value }] of elements) add(found, chainOf(value), address);
    }
  }
  return found;
};

/** Services, by the chain that refuses them: by elements of maps, and by rules such as those of source ranges. */
export function servicesByRefusal({ chains: all, sets }: NftTable): LeadsTo {
  const found = new Map<string, string[]>();
  for (const name of [serviceMaps.services, serviceMaps.nodePorts]) {
    for (const { value, comment = '' } of sets.get(name)?.elements.values() ?? []) {
      const chain = chainOf(value);
      if (chain === chains.reject || chain === chains.drop) addNamed(found, chain, comment);
    }
  }
  for (const { rules } of all.values()) {
    for (const rule of rules) {
      const [, chain, comment] = refusing.exec(rule) ?? [];
      if (comment !== undefined) addNamed(found, chain, comment);
    }
  }
  return found;
}
const refusing = new RegExp(`goto (${chains.reject}|${chains.drop}) comment "([^"]*)"$`);

const chainOf = (value = ''): string | undefined => /^(?:goto|jump) (\S+)$/.exec(value)?.[1];

const addNamed = (found: Map<string, string[]>, chain: string | undefined, comment: string): void => {
  for (const { key } of serviceOfComment(comment)) add(found, chain, key);
};

function add(found: Map<string, string[]>, chain: string | undefined, name: string): void {
  if (chain === undefined) return;
  const names = found.get(chain);
  if (names === undefined) found.set(chain, [name]);
  else if (names.length < maxNames && !names.includes(name)) names.push(name);
}
