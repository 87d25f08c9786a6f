// What `nft -n -j list table` says about sets and maps, as text again: the text this project writes for the same element. Pure.
// Chains are not read this way: nft 1.0.6 has statements it cannot say in JSON (structure.ts is for chains).
import { Unsupported } from '../../controlplane/base/errors';

export interface NftTable {
  /** Set or map name to its elements: key to the rest. */
  readonly sets: ReadonlyMap<string, ReadonlyMap<string, NftElement>>;
}
export interface NftElement {
  /** Maps alone: `10.244.1.5 . 8080`, `goto c2`, `drop`. */
  readonly value?: string;
  readonly comment?: string;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type JsonObject = { readonly [name: string]: Json };
const isObject = (json: Json | undefined): json is JsonObject =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** @throws Unsupported when a word in it is not known */
export function parseListing(text: string): NftTable {
  const { nftables } = JSON.parse(text) as { readonly nftables: readonly JsonObject[] };
  const sets = new Map<string, ReadonlyMap<string, NftElement>>();
  for (const entry of nftables) {
    const set = entry['set'] ?? entry['map'];
    if (!isObject(set)) continue;
    const elements = new Map<string, NftElement>();
    for (const element of (set['elem'] ?? []) as readonly Json[]) {
      const isPair = entry['map'] !== undefined && Array.isArray(element);
      const [key, value] = isPair ? element : [element];
      const { val, comment } = unwrap(key as Json);
      elements.set(say(val), {
        ...(value === undefined ? {} : { value: say(value) }),
        ...(comment === undefined ? {} : { comment }),
      });
    }
    sets.set(String(set['name']), elements);
  }
  return { sets };
}

/** Elements with a comment, a time-out or a counter are wrapped. */
function unwrap(json: Json): { readonly val: Json; readonly comment?: string } {
  const elem = isObject(json) ? json['elem'] : undefined;
  if (!isObject(elem)) return { val: json };
  const { val, comment } = elem;
  return { val: val ?? null, ...(typeof comment === 'string' ? { comment } : {}) };
}

function say(json: Json): string {
  if (typeof json === 'string' || typeof json === 'number') return String(json);
  if (isObject(json)) {
    const [[word, what] = ['', null]] = Object.entries(json);
    if (word === 'concat') return (what as readonly Json[]).map(say).join(' . ');
    if (word === 'range') return (what as readonly Json[]).map(say).join('-');
    if (word === 'prefix' && isObject(what)) return `${say(what['addr']!)}/${what['len']}`;
    if ((word === 'goto' || word === 'jump') && isObject(what)) return `${word} ${what['target']}`;
    if (['drop', 'accept', 'return', 'continue'].includes(word)) return word;
  }
  throw new Unsupported(`nft lists an element in words that are not known: ${JSON.stringify(json).slice(0, 200)}`);
}
