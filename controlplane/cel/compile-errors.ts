// The library's errors of compilation in the words of cel-go, at the place that cel-go names: the operator of an operation, the bracket
// of a call, the dot of a field.

import { writtenName } from './renamed-calls';

interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly start: number;
  readonly end: number;
  readonly checkedType?: { readonly name: string };
}

export interface LibraryError {
  readonly summary: string;
  readonly name: string;
  readonly node?: unknown;
  readonly range?: { readonly start: number } | undefined;
}

export interface PlacedError {
  readonly summary: string;
  /** An offset into the text; undefined: where the library says. */
  readonly place?: number | undefined;
}

/** `text` is what the library parsed. `isFunction`: whether any function has the name. */
export function placedError(error: LibraryError, text: string, isFunction: (name: string) => boolean): PlacedError {
  const node = isNode(error.node) ? error.node : undefined;
  for (const [pattern, translate] of translations) {
    const found = pattern.exec(error.summary);
    if (found) return translate(found.slice(1), { node, text, isFunction, start: error.range?.start ?? 0 });
  }
  return { summary: error.summary };
}

interface Where {
  readonly node: Node | undefined;
  readonly text: string;
  readonly isFunction: (name: string) => boolean;
  /** Where the library sees the error. */
  readonly start: number;
}
type Translate = (parts: readonly string[], where: Where) => PlacedError;

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'op' in value && 'start' in value;

const typeNames: readonly (readonly [RegExp, string])[] = [
  [/</g, '('],
  [/>/g, ')'],
  [/google\.protobuf\.Timestamp/g, 'timestamp'],
  [/google\.protobuf\.Duration/g, 'duration'],
  [/\boptional\(/g, 'optional_type('],
  [/\bk8ts\.(Sets|Lists|Strings|Formats|IpFunctions)\b/g, '$1'],
];
export const goType = (name: string): string =>
  typeNames.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), name);

const noOverload = (name: string, types: string): string =>
  `found no matching overload for '${name}' applied to '${goType(types)}'`;

/** Where cel-go sees an expression. */
function placeOf(node: Node | undefined, text: string): number | undefined {
  if (!node) return undefined;
  const { op, args, start } = node;
  const parts = Array.isArray(args) ? (args as readonly unknown[]) : [];
  const [first, second] = parts;
  const after = (part: unknown, sign: string): number => {
    const found = isNode(part) ? text.indexOf(sign, part.end) : -1;
    return found < 0 ? start : found;
  };
  if (op === 'call') return text.indexOf('(', start);
  if (op === 'rcall') return after(second, '(');
  if (op === '.' || op === '.?') return after(first, '.');
  if (op === '[]' || op === '[?]') return after(first, '[');
  if (op === '?:') return after(first, '?');
  return parts.length === 2 && isNode(second) && op !== 'list' ? after(first, op) : start;
}

/** The first operand of the type. */
function operandOf(node: Node | undefined, type: string): Node | undefined {
  const parts = Array.isArray(node?.args) ? (node.args as readonly unknown[]) : [];
  return parts.filter(isNode).find(({ checkedType }) => checkedType?.name === type);
}

const typeOf = (node: unknown): string => (isNode(node) ? (node.checkedType?.name ?? 'dyn') : 'dyn');

const expectedBool: Translate = ([type = ''], { node, text }) => ({
  summary: `expected type 'bool' but found '${goType(type)}'`,
  place: placeOf(operandOf(node, type) ?? node, text),
});

const index: Translate = (_parts, { node, text }) => {
  const [container, key] = (node?.args ?? []) as readonly unknown[];
  if (node?.op === '[]' || node?.op === '[?]') {
    return { summary: noOverload('_[_]', `(${typeOf(container)}, ${typeOf(key)})`), place: placeOf(node, text) };
  }
  return {
    summary: `type '${goType(typeOf(container))}' does not support field selection`,
    place: placeOf(node, text),
  };
};

/** string.size(int), size(int), k8ts.Sets.contains(...): the last name before the bracket is that of the function. */
const call: Translate = ([signature = ''], { node, text, isFunction }) => {
  const [, before = '', types = ''] = /^(.*?)(\([^()]*(?:\([^()]*\)[^()]*)*\))$/.exec(signature) ?? [];
  const dot = before.lastIndexOf('.');
  const declared = dot < 0 ? '' : before.slice(0, dot);
  const name = writtenName(before.slice(dot + 1));
  const place = placeOf(node, text);
  if (!isFunction(name)) return { summary: `undeclared reference to '${name}' (in container '')`, place };
  const [, namespace] = (node?.args ?? []) as readonly unknown[];
  if (!declared.startsWith('k8ts.')) {
    const receiver = declared === '' ? '' : `${node?.op === 'rcall' ? typeOf(namespace) : declared}.`;
    return { summary: noOverload(name, `${receiver}${types}`), place };
  }
  const prefix = isNode(namespace) ? text.slice(namespace.start, namespace.end) : '';
  return { summary: noOverload(`${prefix}.${name}`, types), place };
};

const literalStart =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/** A name, a number, a text, or a sign. */
const aToken = /^(?:[A-Za-z_]\w*|\d[\w.]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|.)/s;

/** As ANTLR: a sign that exists only doubled, or before an equals sign, is shown with the character that should be its second. */
const unknownToken: Translate = (_parts, { text, start }) => {
  const [token = ''] = /^(?:[=&|].?|["'].*|.)/su.exec(text.slice(start)) ?? [];
  return { summary: `Syntax error: token recognition error at: '${token}'` };
};

const translations: readonly (readonly [RegExp, Translate])[] = [
  [
    /^no such overload: ([!-])(.*)$/s,
    ([sign, type], { node, text }) => ({ summary: noOverload(`${sign}_`, `(${type})`), place: placeOf(node, text) }),
  ],
  [
    /^no such overload: (.*?) (==|!=|<=?|>=?|[+*/%-]|in) (.*)$/s,
    ([left, op, right], { node, text }) => ({
      summary: noOverload(op === 'in' ? '@in' : `_${op}_`, `(${left}, ${right})`),
      place: placeOf(node, text),
    }),
  ],
  [/^Logical operator requires bool operands, got '(.*)'$/s, expectedBool],
  [/ predicate must return bool, got '(.*)'$/s, expectedBool],
  [/^found no matching overload for '(.*)'$/s, call],
  [/^List index must be int, got /, index],
  [/^Cannot index type /, index],
  [
    /^Ternary (?:condition|branches) must /,
    (_parts, { node, text }) => {
      // The library names the condition as the place of its error.
      const types = node?.op === '?:' ? (node.args as readonly unknown[]).map(typeOf).join(', ') : undefined;
      if (types === undefined)
        return { summary: `expected type 'bool' but found '${goType(typeOf(node))}'`, place: placeOf(node, text) };
      return { summary: noOverload('_?_:_', `(${types})`), place: placeOf(node, text) };
    },
  ],
  [
    /^Expression (of type '.*' cannot be range of a comprehension .*)\.$/s,
    ([rest], { node, text }) => ({ summary: `expression ${goType(rest!)}`, place: placeOf(node, text) }),
  ],
  [
    /^has\(\) invalid argument$/,
    (_parts, { node, text }) => ({
      summary: 'invalid argument to has() macro',
      place: placeOf(node, text),
    }),
  ],
  [
    /^Unexpected character: '/s,
    (_parts, { text, start }) => {
      const rest = text.slice(start);
      const [token = rest.slice(0, 1)] = aToken.exec(rest) ?? [];
      const isLast = rest.slice(token.length).trim() === '';
      return { summary: `Syntax error: ${isLast ? 'extraneous' : 'mismatched'} input '${token}' expecting <EOF>` };
    },
  ],
  [/^(?:Unexpected character: .|Unterminated string)$/su, unknownToken],
  [/^Reserved identifier: (.*)$/, ([name]) => ({ summary: `reserved identifier: ${name}` })],
  [/^Expected RBRACKET, got EOF$/, () => ({ summary: "Syntax error: mismatched input '<EOF>' expecting {']', ','}" })],
  [/^Expected RBRACE, got EOF$/, () => ({ summary: "Syntax error: mismatched input '<EOF>' expecting {'}', ','}" })],
  [/^Expected COLON, got EOF$/, () => ({ summary: "Syntax error: mismatched input '<EOF>' expecting ':'" })],
  [/^Unexpected token: EOF$/, () => ({ summary: `Syntax error: mismatched input '<EOF>' expecting ${literalStart}` })],
  [/^Expected RPAREN, got EOF$/, () => ({ summary: "Syntax error: missing ')' at '<EOF>'" })],
];
