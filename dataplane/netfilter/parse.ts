// Parses iptables-save text into the rule model. Words of foreign lines that the parser does not know stay as text, so that
// rendering gives the same line again.
import { BadRequest } from '../../controlplane/base/errors';
import type { Chain, CtState, Match, Protocol, Rule, RuleSet, Table, Target, TcpFlag, Term } from './model';

/** The text of one chain: its policy, and its `-A` lines with line ends. */
export interface ChainText {
  readonly policy: string;
  readonly text: string;
}

export type ChainDump = ReadonlyMap<Table, ReadonlyMap<string, ChainText>>;

/** Splits a dump into tables and chains, without parsing the rules. Comments and counters are dropped. */
export function splitDump(dump: string): Map<Table, Map<string, ChainText>> {
  const tables = new Map<Table, Map<string, { policy: string; text: string }>>();
  let chains = new Map<string, { policy: string; text: string }>();
  let start = 0;
  while (start < dump.length) {
    let end = dump.indexOf('\n', start);
    if (end < 0) end = dump.length;
    const line = dump.slice(start, end);
    start = end + 1;
    if (line.startsWith('*')) {
      chains = new Map();
      tables.set(line.slice(1) as Table, chains);
    } else if (line.startsWith(':')) {
      const [name = '', policy = '-'] = line.slice(1).split(' ');
      chains.set(name, { policy, text: '' });
    } else {
      const rule = line.startsWith('[') ? line.slice(line.indexOf(']') + 2) : line;
      if (!rule.startsWith('-A ')) continue;
      const name = rule.slice(3, rule.indexOf(' ', 3) < 0 ? undefined : rule.indexOf(' ', 3));
      const chain = chains.get(name);
      if (!chain) throw new BadRequest(`rule of a chain that was not declared: ${rule}`);
      chain.text += `${rule}\n`;
    }
  }
  return tables;
}

/** @throws BadRequest for a line that is not a rule */
export function parseDump(dump: string): RuleSet {
  const set = new Map<Table, Map<string, Chain>>();
  for (const [table, texts] of splitDump(dump)) {
    const chains = new Map<string, Chain>();
    for (const [name, { policy, text }] of texts) {
      const rules = text === '' ? [] : text.trimEnd().split('\n').map(parseRule);
      chains.set(name, { name, rules, ...(policy === 'ACCEPT' || policy === 'DROP' ? { policy } : {}) });
    }
    set.set(table, chains);
  }
  return set;
}

/** One `-A CHAIN ...` line. @throws BadRequest */
export function parseRule(line: string): Rule {
  const words = splitWords(line);
  if (words[0] !== '-A' || words.length < 2) throw new BadRequest(`not a rule: ${line}`);
  return new RuleReader(words.slice(2)).read();
}

/** The comments of a line, without quotes. Does not parse the rest of it. */
export const commentsOfLine = (line: string): readonly string[] =>
  [...line.matchAll(/--comment ("(?:[^"\\]|\\.)*"|\S+)/g)].map(([, raw]) => unquote(raw!));

interface Word {
  readonly text: string;
  readonly raw: string;
}

function splitWords(line: string): string[] {
  return words(line).map((word) => word.raw);
}

function words(line: string): Word[] {
  const found: Word[] = [];
  const pattern = /"((?:[^"\\]|\\.)*)"|(\S+)/g;
  for (const [raw, quoted, bare] of line.matchAll(pattern)) {
    found.push({ raw, text: quoted === undefined ? (bare ?? raw) : quoted.replace(/\\(.)/g, '$1') });
  }
  return found;
}

const unquote = (raw: string): string => words(raw)[0]?.text ?? '';

const flags: Readonly<Record<string, 'source' | 'destination' | 'inInterface' | 'outInterface' | 'protocol'>> = {
  '-s': 'source',
  '-d': 'destination',
  '-i': 'inInterface',
  '-o': 'outInterface',
  '-p': 'protocol',
};

class RuleReader {
  private at = 0;
  constructor(private readonly words: readonly string[]) {}

  read(): Rule {
    const rule: { -readonly [K in keyof Rule]?: Rule[K] } = {};
    const matches: Match[] = [];
    while (this.at < this.words.length) {
      const not = this.take('!');
      const word = this.next();
      const field = flags[word];
      if (field) rule[field] = term(this.next(), not);
      else if (word === '-m') matches.push(this.readMatch());
      else if (word === '-j' || word === '-g') rule.action = this.readTarget(word);
      else matches.push({ match: 'opaque', text: [...(not ? ['!'] : []), word, ...this.rest()].join(' ') });
    }
    return { ...rule, ...(matches.length > 0 ? { matches } : {}), action: rule.action ?? { target: 'none' } };
  }

  private next(): string {
    const word = this.words[this.at++];
    if (word === undefined) throw new BadRequest(`rule ends early: ${this.words.join(' ')}`);
    return word;
  }

  private take(word: string): boolean {
    if (this.words[this.at] !== word) return false;
    this.at++;
    return true;
  }

  /** Words up to the next match, target or address flag. */
  private rest(): string[] {
    const from = this.at;
    while (this.at < this.words.length) {
      const word = this.words[this.at]!;
      const plain = word === '!' ? this.words[this.at + 1] : word;
      if (plain !== undefined && (plain === '-m' || plain === '-j' || plain === '-g' || flags[plain])) break;
      this.at++;
    }
    return this.words.slice(from, this.at);
  }

  private readMatch(): Match {
    const name = this.next();
    const body = this.rest();
    return knownMatch(name, body) ?? { match: 'opaque', text: ['-m', name, ...body].join(' ') };
  }

  private readTarget(flag: string): Target {
    const name = this.next();
    const body = this.words.slice(this.at);
    this.at = this.words.length;
    if (flag === '-g') return { target: 'goto', chain: name };
    return knownTarget(name, body) ?? { target: 'opaque', text: [flag, name, ...body].join(' ') };
  }
}

const term = (is: string, not: boolean): Term<string> => (not ? { not: true, is } : { is });

function knownMatch(name: string, body: readonly string[]): Match | undefined {
  const not = body[0] === '!' ? ({ not: true } as const) : {};
  const [option = '', value = '', ...more] = body[0] === '!' ? body.slice(1) : body;
  if (name === 'comment') return { match: 'comment', text: unquote(value) };
  if (name === 'recent') return recentMatch(body);
  if (name === 'statistic' && value === 'random') return { match: 'statistic', probability: Number(more[1]) };
  if (name === 'tcp' && option === '--tcp-flags' && more.length === 1) {
    return { match: 'tcpFlags', ...not, mask: tcpFlags(value), set: tcpFlags(more[0]!) };
  }
  if (more.length > 0) return undefined;
  if ((name === 'tcp' || name === 'udp' || name === 'sctp') && (option === '--dport' || option === '--sport')) {
    return {
      match: 'port',
      protocol: name as Protocol,
      side: option === '--sport' ? 'source' : 'destination',
      ...not,
      ...ports(value),
    };
  }
  if (name === 'mark' && option === '--mark') return { match: 'mark', ...not, ...masked(value) };
  if (name === 'conntrack' && option === '--ctstate') {
    return { match: 'conntrack', ...not, states: value.split(',') as CtState[] };
  }
  if (name === 'addrtype' && (option === '--src-type' || option === '--dst-type')) {
    return { match: 'addrtype', side: option === '--src-type' ? 'source' : 'destination', ...not, type: value };
  }
  return undefined;
}

const tcpFlags = (text: string): TcpFlag[] => (text === 'NONE' ? [] : (text.split(',') as TcpFlag[]));

function recentMatch(body: readonly string[]): Match | undefined {
  const op = (['set', 'update', 'rcheck'] as const).find((word) => body[0] === `--${word}`);
  const name = body[body.indexOf('--name') + 1];
  if (!op || !name || !body.includes('--rsource') || body.includes('--hitcount')) return undefined;
  const seconds = body.includes('--seconds') ? { seconds: Number(body[body.indexOf('--seconds') + 1]) } : {};
  return { match: 'recent', op, name, ...seconds, ...(body.includes('--reap') ? { reap: true } : {}) };
}

function ports(text: string): { from: number; to: number } {
  const [from, to] = text.split(':').map(Number);
  return { from: from!, to: to ?? from! };
}

function masked(text: string): { value: number; mask: number } {
  const [value, mask] = text.split('/').map(Number);
  return { value: value!, mask: mask ?? 0xffffffff };
}

function knownTarget(name: string, body: readonly string[]): Target | undefined {
  const [option, value] = body;
  if (name === 'DNAT' && option === '--to-destination' && body.length === 2) return { target: 'dnat', to: value! };
  if (name === 'SNAT' && option === '--to-source' && body.length === 2) return { target: 'snat', to: value! };
  if (name === 'MARK' && option === '--set-xmark') return { target: 'mark', ...masked(value!) };
  if (name === 'REJECT' && option === '--reject-with') return { target: 'reject', with: value! };
  if (name === 'MASQUERADE' && body.length === 0) return { target: 'masquerade' };
  if (name === 'MASQUERADE' && body.length === 1 && option === '--random-fully') {
    return { target: 'masquerade', randomFully: true };
  }
  if (body.length > 0) return undefined;
  if (name === 'ACCEPT') return { target: 'accept' };
  if (name === 'DROP') return { target: 'drop' };
  if (name === 'RETURN') return { target: 'return' };
  // Extensions are written in capitals and may come without options. For such a name iptables takes the extension, never a chain.
  return extensionsWithoutOptions.has(name)
    ? { target: 'opaque', text: `-j ${name}` }
    : { target: 'jump', chain: name };
}

const extensionsWithoutOptions = new Set([
  'LOG',
  'NOTRACK',
  'QUEUE',
  'NFQUEUE',
  'TRACE',
  'CONNMARK',
  'CT',
  'TEE',
  'SECMARK',
  'REDIRECT',
]);
