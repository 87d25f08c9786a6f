// Parses sets and maps from `nft -n -j list table` to text: the same text that this project writes for an element. Pure. Chains
// are not read this way: nft 1.0.6 has statements that it cannot print as JSON (structure.ts reads chains).
import { Unsupported } from '../../controlplane/base/errors';

export interface NftTable {
  /** Set or map name → its elements: key → the rest. */
  readonly sets: ReadonlyMap<string, ReadonlyMap<string, NftElement>>;
}
export interface NftElement {
  /** Maps only: `10.244.1.5 . 8080`, `goto c2`, `drop`. */
  readonly value?: string;
  readonly comment?: string;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type JsonObject = { readonly [name: string]: Json };
const isObject = (json: Json | undefined): json is JsonObject =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** @throws Unsupported when a word in the text is not known */
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

/** nft wraps elements that have a comment, a time-out or a counter. */
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
