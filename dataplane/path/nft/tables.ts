// Tables of nftables as values, and the effect of a transaction on them. The text is the one that this project sends to `nft -f`,
// so tests evaluate exactly what is sent. listing.ts parses the kernel's text into the same values.
import { Unsupported } from '../../../controlplane/base/errors';
import type { NftElement } from '../../nftables/listing';
import type { NftFamily } from '../../nftables/nft';

export interface NftTable {
  readonly family: NftFamily;
  /** `ip k8ts`. */
  readonly label: string;
  readonly chains: Map<string, NftChain>;
  /** Sets and maps. */
  readonly sets: Map<string, NftSet>;
}
export interface NftChain {
  /** Only for base chains: `type nat hook prerouting priority -100; policy accept;`. */
  readonly hook?: string;
  readonly rules: string[];
}
export interface NftSet {
  /** Present: rules fill the set, and the kernel removes an element after this time. */
  readonly timeoutSeconds?: number;
  readonly elements: Map<string, NftElement>;
}

const command =
  /^(add|delete|flush) (table|chain|set|map|rule|element) ((?:ip|ip6|inet|bridge) [\w-]+)(?: ([\w/.-]+))?(?: (.*))?$/;

export class NftTables {
  private readonly tables = new Map<string, NftTable>();

  get all(): readonly NftTable[] {
    return [...this.tables.values()];
  }

  /** Applies the commands, one per line. @throws Unsupported for a command that this project does not use */
  apply(transaction: string): this {
    for (const line of transaction.split('\n')) if (line !== '') this.run(line);
    return this;
  }

  private run(line: string): void {
    const [, verb, what, label, name = '', rest = ''] = command.exec(line) ?? [];
    if (label === undefined) throw new Unsupported(`no command that is known: ${line}`);
    if (what === 'table') this.changeTable(verb!, label);
    else change(this.table(label, line), verb!, what!, name, rest, line);
  }

  private changeTable(verb: string, label: string): void {
    if (verb === 'delete') this.tables.delete(label);
    else if (!this.tables.has(label)) this.tables.set(label, emptyTable(label));
  }

  private table(label: string, line: string): NftTable {
    const table = this.tables.get(label);
    if (!table) throw new Unsupported(`there is no table ${label}: ${line}`);
    return table;
  }
}

export const emptyTable = (label: string): NftTable => ({
  family: label.split(' ')[0] as NftFamily,
  label,
  chains: new Map(),
  sets: new Map(),
});

function change(
  { chains, sets }: NftTable,
  verb: string,
  what: string,
  name: string,
  rest: string,
  line: string,
): void {
  const known = <T>(map: ReadonlyMap<string, T>): T => {
    const found = map.get(name);
    if (!found) throw new Unsupported(`there is no ${name}: ${line}`);
    return found;
  };
  switch (`${verb} ${what}`) {
    case 'add chain':
      if (!chains.has(name)) chains.set(name, { ...(rest === '' ? {} : { hook: inBraces(rest) }), rules: [] });
      return;
    case 'flush chain':
      known(chains).rules.length = 0;
      return;
    case 'delete chain':
      chains.delete(name);
      return;
    case 'add rule':
      known(chains).rules.push(rest);
      return;
    case 'add set':
    case 'add map':
      if (!sets.has(name)) sets.set(name, { ...timeoutOf(rest), elements: new Map() });
      return;
    case 'flush set':
      known(sets).elements.clear();
      return;
    case 'delete set':
    case 'delete map':
      sets.delete(name);
      return;
    case 'add element':
      for (const [key, element] of readElements(inBraces(rest))) known(sets).elements.set(key, element);
      return;
    case 'delete element':
      for (const [key] of readElements(inBraces(rest))) known(sets).elements.delete(key);
      return;
    default:
      throw new Unsupported(`no command that is known: ${line}`);
  }
}

const inBraces = (text: string): string => text.replace(/^\{ ?| ?\}$/g, '');

const secondsOf = { d: 86_400, h: 3_600, m: 60, s: 1 } as const;

/** `timeout 600s`, `timeout 1h30m`. */
export function timeoutOf(declaration: string): { readonly timeoutSeconds?: number } {
  const found = /\btimeout ((?:\d+[dhms])+)/.exec(declaration)?.[1];
  if (found === undefined) return {};
  let sum = 0;
  let count = 0;
  for (const part of found.match(/\d+|[dhms]/g) ?? []) {
    if (part in secondsOf) sum += count * secondsOf[part as keyof typeof secondsOf];
    else count = Number(part);
  }
  return { timeoutSeconds: sum };
}

const protocolNumbers: ReadonlyMap<string, string> = new Map([
  ['tcp', '6'],
  ['udp', '17'],
  ['sctp', '132'],
]);

/**
 * `KEY`, `KEY comment "…"`, `KEY : VALUE`, joined by commas. Keys as nft prints them with -n: protocols are numbers, and names
 * of links lose their quotes.
 */
export function* readElements(text: string): Generator<readonly [key: string, element: NftElement]> {
  for (const [, words, comment, value] of text.matchAll(element)) {
    const key = words!
      .trim()
      .split(' . ')
      .map((part) => protocolNumbers.get(part) ?? part.replace(/^"(.*)"$/, '$1'))
      .join(' . ');
    if (key === '') continue;
    yield [
      key,
      { ...(comment === undefined ? {} : { comment }), ...(value === undefined ? {} : { value: value.trim() }) },
    ];
  }
}
const element = /((?:"[^"]*"|[^",:]|:(?! ))+?)(?:comment "([^"]*)" ?)?(?:: ([^,]*))?(?:,\s*|$)/g;
