// The nft statements that this project writes, in its own form and in the form that nft prints (-n), compiled for repeated
// evaluation. An unknown word is refused: a misread rule would make every test of rules worthless.
import { parseAddress } from '../../../controlplane/base/cidr';
import { Unsupported } from '../../../controlplane/base/errors';
import type { CtState } from '../../netfilter/model';
import type { NftElement } from '../../nftables/listing';
import type { Refusal } from '../evaluator';
import { clientsOf, contains, type Endpoint, isLocal, parseEndpoint, parseRange, type Traveller } from '../packet';
import { fieldOf, fieldsPattern, valueText } from './fields';
import type { NftSet, NftTable } from './tables';

export type RuleVerdict =
  | { readonly kind: 'accept' | 'drop' | 'return' }
  | { readonly kind: 'reject'; readonly with: string }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | { readonly kind: 'dnat' | 'snat'; readonly to: Endpoint }
  | { readonly kind: 'redirect'; readonly port: number | undefined }
  | { readonly kind: 'masquerade' };

/** The verdict that ends a rule. `comment`: that of the element with the verdict. */
export interface Decision {
  readonly verdict: RuleVerdict;
  readonly comment?: string;
}

/** False: the rule does not match. True: the next statement is evaluated. A decision ends the rule. */
export type Statement = (packet: Traveller) => boolean | Decision;

/** @throws Unsupported */
export function parseRule(line: string, table: NftTable, refusal: Refusal): readonly Statement[] {
  const statements: Statement[] = [];
  let rest = line.trim();
  while (rest !== '') {
    const known = words.find(([pattern]) => pattern.test(rest));
    if (!known) {
      if (refusal === 'eager')
        throw new Unsupported(`the tracer does not know these words: ${rest}`, { details: { line } });
      statements.push(...knownBehind(rest, table), refuse(`these words: ${rest}`));
      break;
    }
    const [pattern, make] = known;
    const [whole, ...parts] = pattern.exec(rest)!;
    statements.push(make(parts, table));
    rest = rest.slice(whole.length).trimStart();
  }
  return statements;
}

/**
 * The comparisons that stand behind words that are not known: all parts of a rule must match, so one that does not decides. Only such of the
 * packet itself: `original ip saddr`, `map`, `update` and what is in braces speak of something else.
 */
function knownBehind(text: string, table: NftTable): readonly Statement[] {
  const found: Statement[] = [];
  let depth = 0;
  let last = '';
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at);
    const [, part] = depth === 0 && !belongsBefore.has(last) ? (comparison.exec(rest) ?? []) : [];
    if (part !== undefined && !part.includes('@')) {
      const [pattern, make] = words.find(([one]) => one.test(part))!;
      const [, ...parts] = pattern.exec(part)!;
      found.push(make(parts, table));
      at += part.length + 1;
      last = '';
      continue;
    }
    const [token = ''] = /^(?:"[^"]*"|\S+)/.exec(rest) ?? [];
    if (token === '{') depth++;
    if (token === '}') depth--;
    last = token;
    at += token.length + 1;
  }
  return found;
}
const comparison =
  /^((?:ip6? [sd]addr|(?:tcp|udp|sctp) dport|[io]ifname|meta l4proto) (?:!= )?(?:\{ [^}]*\}|(?![<>=!{])\S+))(?= |$)/;
const belongsBefore: ReadonlySet<string> = new Set([
  'original',
  'reply',
  'inner',
  'map',
  'vmap',
  'update',
  'add',
  'delete',
  'set',
  'to',
  'and',
  'or',
  '.',
  '&',
  '|',
  '^',
]);

type Make = (parts: readonly string[], table: NftTable) => Statement;
const word = (pattern: string): RegExp => new RegExp(`^${pattern}(?= |$)`);
const fields = `(${fieldsPattern})`;
/** Statements about ARP and neighbour messages in chains of pod-sources. IP packets do not match them. */
const targetOf = 'iifname \\. @th,64,128';

const words: readonly (readonly [RegExp, Make])[] = [
  [word('comment "[^"]*"'), () => () => true],
  [word('counter'), () => () => true],
  [word('log(?: (?:prefix "[^"]*"|level \\S+|group \\d+|flags all))*'), () => () => true],
  [
    word('(iif|oif) (!= )?"([^"]+)"'),
    ([side, not, name]) =>
      ({ inInterface, outInterface }) =>
        ((side === 'iif' ? inInterface : outInterface) === name) === (not === undefined),
  ],
  [word(`${fields} vmap @(\\S+)`), ([key, map], table) => verdictBy(key!, setOf(table, map!), table)],
  [word(`${fields} vmap \\{ ([^}]*) \\}`), ([key, list], table) => verdictBy(key!, anonymousMap(key!, list!), table)],
  [
    word(`dnat ip6? (?:addr \\. port )?to ${fields} map @(\\S+)`),
    ([key, map], table) => lookUp(key!, setOf(table, map!), table, ({ value }) => dnat(value!.replace(' . ', ' '))),
  ],
  [word('dnat(?: ip6?)? to (\\S+)'), ([to]) => always({ verdict: { kind: 'dnat', to: parseEndpoint(to!) } })],
  [word('snat(?: ip6?)? to (\\S+)'), ([to]) => always({ verdict: { kind: 'snat', to: parseEndpoint(to!) } })],
  [
    word('redirect(?: to :(\\d+))?'),
    ([port]) => always({ verdict: { kind: 'redirect', port: port === undefined ? undefined : Number(port) } }),
  ],
  [word(`${targetOf} (?:!= )?@\\S+`), () => refuse('the target of a neighbour message')],
  [word(`${fields} (!= )?@(\\S+)`), ([key, not, set], table) => member(key!, not !== undefined, set!, table)],
  [word('update @(\\S+) \\{ ip6? saddr \\}'), ([set]) => remember(set!)],
  [
    word('fib ([sd])addr type (!= )?(?:local|2)'),
    ([side, not]) =>
      ({ fields: { source, destination }, around }) =>
        isLocal(side === 's' ? source : destination, around) === (not === undefined),
  ],
  [word('tcp flags (?:& \\(rst \\| ack\\) == ack|0x10 / 0x4,0x10)'), () => isAnswer],
  [word('ct status (?:dnat|0x20)'), () => (packet) => packet.states.has('DNAT')],
  [
    word('ct state vmap \\{ ([^}]*) \\}'),
    ([pairs]) => {
      const verdicts = pairs!.split(', ').map((pair) => {
        const [state = '', verdict] = pair.split(' : ');
        return [stateOf(state), toVerdict(verdict)] as const;
      });
      return (packet) => {
        const found = verdicts.find(([state]) => packet.states.has(state));
        return found === undefined ? false : { verdict: found[1] };
      };
    },
  ],
  [
    word('ct state (!= )?(?:\\{ ([^}]*) \\}|([^\\s{}]+))'),
    ([not, set, list]) => {
      const states = (set ?? list!).split(/, ?/).map(stateOf);
      return (packet) => states.some((state) => packet.states.has(state)) === (not === undefined);
    },
  ],
  [
    word('ct direction (original|reply|0|1)'),
    ([which]) =>
      (packet) =>
        packet.isAnswer === (which === 'reply' || which === '1'),
  ],
  [
    word('icmpv6 type (?:\\{ ([^}]*) \\}|(\\S+))'),
    ([list, only]) => {
      const types = (list ?? only!).split(', ').map((type) => icmpTypes.get(type) ?? Number(type));
      return ({ protocol, icmpType }) => protocol === 'icmpv6' && icmpType !== undefined && types.includes(icmpType);
    },
  ],
  [
    word('meta mark & (\\S+) (==|!=) (\\S+)'),
    ([mask, how, value]) =>
      (packet) =>
        ((packet.fields.mark & Number(mask)) >>> 0 === Number(value)) === (how === '=='),
  ],
  [
    word('meta mark (!= )?(0x[0-9a-f]+|\\d+)'),
    ([not, value]) =>
      (packet) =>
        (packet.fields.mark === Number(value)) === (not === undefined),
  ],
  [
    word('meta mark set (0x[0-9a-f]+|\\d+)'),
    ([value]) =>
      (packet) => {
        packet.setMark(Number(value));
        return true;
      },
  ],
  [
    word('meta mark set meta mark ([&|]) (\\S+)'),
    ([how, value]) =>
      (packet) => {
        const { mark } = packet.fields;
        packet.setMark(how === '&' ? mark & Number(value) : mark | Number(value));
        return true;
      },
  ],
  [word('(jump|goto) (\\S+)'), ([kind, chain]) => always({ verdict: { kind: kind as 'jump', chain: chain! } })],
  [word('(accept|drop|return)'), ([kind]) => always({ verdict: { kind: kind as 'accept' } })],
  [word('masquerade(?: fully-random)?'), () => always({ verdict: { kind: 'masquerade' } })],
  // nft does not print the `meta l4proto tcp` that this implies.
  [word('reject with tcp reset'), () => (packet) => packet.protocol === 'tcp' && reject('tcp-reset')],
  [
    word('reject(?: with icmp(?:v6)? port-unreachable)?(?! with)'),
    () => (packet) => reject(packet.family === 4 ? 'icmp-port-unreachable' : 'icmp6-port-unreachable'),
  ],
  [
    word('reject with (icmpx|icmp|icmpv6)(?: type)? (\\S+)'),
    ([kind, type]) => always(reject(`${kind} ${icmpxTypes.get(type!) ?? type}`)),
  ],
  // Not `<`, `>=`: what looks like a value would be compared as a text.
  [
    word(`${fields} (!= )?(?:\\{ ([^}]*) \\}|((?![<>=!])\\S+))`),
    ([key, not, list, only], table) => compare(key!, not !== undefined, (list ?? only!).split(', '), table),
  ],
];

const always =
  (decision: Decision): Statement =>
  () =>
    decision;
const reject = (how: string): Decision => ({ verdict: { kind: 'reject', with: how } });

const refuse = (what: string) => (): never => {
  throw new Unsupported(`the tracer does not know ${what}`);
};

const isAnswer: Statement = ({ protocol, tcpFlags }) =>
  protocol === 'tcp' && tcpFlags.includes('ACK') && !tcpFlags.includes('RST');

function setOf(table: NftTable, name: string): NftSet {
  const set = table.sets.get(name);
  if (!set) throw new Unsupported(`there is no set ${name} in table ${table.label}`);
  return set;
}

function anonymousMap(field: string, list: string): NftSet {
  const pairs = list.split(', ').map((pair) => pair.split(' : ') as [string, string]);
  return { elements: new Map(pairs.map(([key, value]) => [valueText(field, key), { value }])) };
}

function lookUp(key: string, { elements }: NftSet, table: NftTable, make: (found: NftElement) => Decision): Statement {
  const field = fieldOf(key, table.family === 'bridge');
  const find = finder(key, elements);
  return (packet) => {
    const text = field(packet);
    const found = text === undefined ? undefined : find(text);
    return found === undefined ? false : make(found);
  };
}

/** Finds the element of a value. Sets with ranges, which other programs write, are searched; what else they may have is refused. */
function finder(
  key: string,
  elements: ReadonlyMap<string, NftElement>,
): (value: string | number) => NftElement | undefined {
  const parts = key.split(' . ');
  const hasRange = (text: string) =>
    text.split(' . ').some((value, i) => isRange.test(value) && /(?:addr|dport)$/.test(parts[i] ?? ''));
  const texts = [...elements.keys()];
  const strange = texts.find(
    (text) => text.split(' . ').length !== parts.length || text.split(' . ').some((value) => value.includes(' ')),
  );
  if (strange !== undefined) return refuse(`this element of a set: ${strange}`);
  if (!texts.some(hasRange)) return (value) => elements.get(String(value));
  if (parts.length > 1) return refuse('ranges in elements of several fields');
  const tests = [...elements].map(([text, element]) => [testOf(key, text), element] as const);
  return (value) => tests.find(([test]) => test(value))?.[1];
}
const isRange = /\/|^[^-]+-[^-]+$/;

const verdictBy = (key: string, set: NftSet, table: NftTable): Statement =>
  lookUp(key, set, table, ({ value, comment }) => ({
    verdict: toVerdict(value),
    ...(comment === undefined ? {} : { comment }),
  }));

function toVerdict(text: string | undefined): RuleVerdict {
  const [kind, chain] = text?.split(' ') ?? [];
  if ((kind === 'goto' || kind === 'jump') && chain !== undefined) return { kind, chain };
  if (kind === 'accept' || kind === 'drop' || kind === 'return') return { kind };
  throw new Unsupported(`the tracer does not know the verdict ${text}`);
}

/** `10.244.1.5 8080` */
function dnat(text: string): Decision {
  const [address, port] = text.split(' ');
  return { verdict: { kind: 'dnat', to: { address: address!, port: Number(port) } } };
}

function member(key: string, not: boolean, name: string, table: NftTable): Statement {
  const { timeoutSeconds, elements } = setOf(table, name);
  const field = fieldOf(key, table.family === 'bridge');
  // Clients of a Service with affinity; what the sets of other programs hold, a listing does not show in full.
  if (timeoutSeconds !== undefined && !/^ip6? k8ts$/.test(table.label))
    return refuse(`the set ${name} of another program, whose elements time out`);
  const find = timeoutSeconds === undefined ? finder(key, elements) : undefined;
  return (packet) => {
    const text = field(packet);
    if (text === undefined) return false;
    if (find) return (find(text) !== undefined) !== not;
    const seen = clientsOf(packet.around, name).get(String(text));
    return (seen !== undefined && (packet.around.now?.() ?? 0) - seen < timeoutSeconds!) !== not;
  };
}

const remember =
  (set: string): Statement =>
  ({ around, fields: { source } }) => {
    clientsOf(around, set).set(source, around.now?.() ?? 0);
    return true;
  };

/** Conntrack states by number (enum ip_conntrack_info and nft_ct.c) and by name. */
const states: ReadonlyMap<string, CtState> = new Map([
  ['0x1', 'INVALID'],
  ['0x2', 'ESTABLISHED'],
  ['0x4', 'RELATED'],
  ['0x8', 'NEW'],
  ['0x40', 'UNTRACKED'],
  ['invalid', 'INVALID'],
  ['established', 'ESTABLISHED'],
  ['related', 'RELATED'],
  ['new', 'NEW'],
  ['untracked', 'UNTRACKED'],
]);
function stateOf(text: string): CtState {
  const state = states.get(text);
  if (state === undefined) throw new Unsupported(`the tracer does not know the connection state ${text}`);
  return state;
}

/** Kinds of refusal that nft names for both families (nf_tables.h, nft_reject_inet_code). */
const icmpxTypes: ReadonlyMap<string, string> = new Map([
  ['0', 'no-route'],
  ['1', 'port-unreachable'],
  ['2', 'host-unreachable'],
  ['3', 'admin-prohibited'],
]);

const icmpTypes: ReadonlyMap<string, number> = new Map([
  ['mld-listener-report', 131],
  ['nd-router-solicit', 133],
  ['nd-router-advert', 134],
  ['nd-neighbor-solicit', 135],
  ['nd-neighbor-advert', 136],
  ['nd-redirect', 137],
  ['mld2-listener-report', 143],
]);

/** Compares one field with values: addresses, ranges of addresses, ports, ranges of ports, names. */
function compare(key: string, not: boolean, values: readonly string[], table: NftTable): Statement {
  const field = fieldOf(key, table.family === 'bridge');
  const tests = values.map((value) => testOf(key, valueText(key, value)));
  return (packet) => {
    const value = field(packet);
    return value !== undefined && tests.some((test) => test(value)) !== not;
  };
}

type Test = (value: string | number) => boolean;

function testOf(key: string, text: string): Test {
  const parts = key.split(' . ');
  if (parts.length > 1) {
    const values = text.split(' . ');
    const known =
      values.length === parts.length &&
      !values.some((value, i) => isRange.test(value) && /(?:addr|dport)$/.test(parts[i]!));
    if (!known) return refuse(`this value of several fields: ${text}`);
    const wanted = values.map((value, i) => valueText(parts[i]!, value)).join(' . ');
    return (value) => String(value) === wanted;
  }
  if (key.endsWith('addr') && key.startsWith('ip')) return addressTest(text);
  if (key.endsWith('dport')) {
    const [from = 0, to = from] = text.split('-').map(Number);
    return (value) => Number(value) >= from && Number(value) <= to;
  }
  if (key.endsWith('ifname') && text.endsWith('*')) return (value) => String(value).startsWith(text.slice(0, -1));
  return (value) => String(value) === text;
}

function addressTest(text: string): Test {
  const [first, last] = text.split('-');
  if (last === undefined) {
    const range = parseRange(text);
    return (address) => contains(range, String(address));
  }
  const [from, to] = [parseAddress(first!), parseAddress(last)];
  return (address) => {
    const { family, value } = parseAddress(String(address));
    return family === from.family && value >= from.value && value <= to.value;
  };
}
