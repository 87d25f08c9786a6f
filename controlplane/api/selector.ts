// Label and field selectors: the query-string grammar of `labelSelector` and the LabelSelector object.
// Source: apimachinery labels.Parse and metav1.LabelSelectorAsSelector.
import { BadRequest } from '../base/errors';
import { isGreater, LabelMatcher, type Labels, type Requirement, type Selector } from './label-matcher';
import type { LabelSelector } from './types';
import { labelValue, qualifiedName } from './validation/names';

export type { Labels, Requirement, Selector };

/** A selector with more requirements or values than this is compiled before it is matched. */
const fewRequirements = 8;
const fewValues = 16;
const compiled = new WeakMap<Selector, LabelMatcher>();

/** For a long selector that is matched with many objects, the cost per object depends only on its number of labels. */
export function matchesSelector(selector: Selector, labels: Labels | undefined): boolean {
  if (!isLong(selector)) return selector.every((requirement) => matchesRequirement(requirement, labels ?? {}));
  let matcher = compiled.get(selector);
  if (!matcher) {
    matcher = new LabelMatcher(selector);
    compiled.set(selector, matcher);
  }
  return matcher.matches(labels ?? {});
}

const isLong = (selector: Selector): boolean =>
  selector.length > fewRequirements || selector.some(({ values }) => values.length > fewValues);

function matchesRequirement({ key, operator, values }: Requirement, labels: Labels): boolean {
  const present = Object.hasOwn(labels, key);
  const value = labels[key] ?? '';
  switch (operator) {
    case 'In':
      return present && values.includes(value);
    case 'NotIn':
      return !present || !values.includes(value);
    case 'Exists':
      return present;
    case 'DoesNotExist':
      return !present;
    case 'Gt':
      return present && isGreater(value, values[0] ?? '0');
    case 'Lt':
      return present && isGreater(values[0] ?? '0', value);
  }
}

/** A plain map as in Service.spec.selector. */
export function selectorFromMap(map: Labels): Selector {
  return Object.entries(map).map(([key, value]) => ({ key, operator: 'In' as const, values: [value] }));
}

/** An absent LabelSelector selects nothing (`undefined`), an empty one everything (`[]`). */
export function selectorFromLabelSelector(selector: LabelSelector | undefined): Selector | undefined {
  if (!selector) return undefined;
  const expressions = (selector.matchExpressions ?? []).map((expression) => ({
    key: expression.key,
    operator: expression.operator as Requirement['operator'],
    values: expression.values ?? [],
  }));
  return [...selectorFromMap(selector.matchLabels ?? {}), ...expressions];
}

/** Parses `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`. @throws BadRequest naming the wrong token, with upstream's message */
export function parseSelector(text: string): Selector {
  const tokens = new Tokens(text);
  const requirements: Requirement[] = [];
  if (tokens.peek() === '') return requirements;
  for (;;) {
    if (!isWord(tokens.peek()) && tokens.peek() !== '!') {
      const wanted = requirements.length === 0 ? "!, identifier, or 'end of string'" : "identifier after ','";
      throw new BadRequest(`found '${tokens.peek()}', expected: ${wanted}`);
    }
    requirements.push(parseRequirement(tokens));
    const next = tokens.take();
    if (next === '') return requirements;
    if (next !== ',') throw new BadRequest(`found '${next}', expected: ',' or 'end of string'`);
  }
}

/** The tokens of a selector, one after the other; '' at the end. */
class Tokens {
  private readonly list: readonly string[];
  private at = 0;

  constructor(text: string) {
    this.list = text.match(/[^\s()!=,<>]+|==|!=|[()!=,<>]/g) ?? [];
  }
  peek(): string {
    return this.list[this.at] ?? '';
  }
  take(): string {
    const token = this.peek();
    this.at++;
    return token;
  }
}

const isWord = (token: string): boolean => token !== '' && !/^[()!=,<>]/.test(token);
const endsRequirement = (token: string): boolean => token === '' || token === ',';

const operators = {
  in: 'In',
  notin: 'NotIn',
  '=': 'In',
  '==': 'In',
  '!=': 'NotIn',
  gt: 'Gt',
  '>': 'Gt',
  lt: 'Lt',
  '<': 'Lt',
} as const;

function parseRequirement(tokens: Tokens): Requirement {
  const absent = tokens.peek() === '!' && tokens.take() === '!';
  const key = tokens.take();
  if (!isWord(key)) throw unreadable(`found '${key}', expected: identifier`);
  checkKey(key);
  if (absent) return { key, operator: 'DoesNotExist', values: [] };
  if (endsRequirement(tokens.peek())) return { key, operator: 'Exists', values: [] };
  const sign = tokens.take();
  if (!Object.hasOwn(operators, sign)) throw unreadable(`found '${sign}', expected: in, notin, =, ==, !=, gt, lt`);
  const operator = operators[sign as keyof typeof operators];
  const values = sign === 'in' || sign === 'notin' ? parseValues(tokens) : [parseValue(tokens)];
  for (const value of values) checkValue(key, operator, value);
  return { key, operator, values };
}

function parseValue(tokens: Tokens): string {
  if (endsRequirement(tokens.peek())) return '';
  const value = tokens.take();
  if (!isWord(value)) throw unreadable(`found '${value}', expected: identifier`);
  return value;
}

/** `(a,b)`; an empty place between commas is the empty value. */
function parseValues(tokens: Tokens): string[] {
  const open = tokens.take();
  if (open !== '(') throw unreadable(`found '${open}' expected: '('`);
  const values: string[] = [];
  for (;;) {
    const word = isWord(tokens.peek()) ? tokens.take() : undefined;
    values.push(word ?? '');
    const next = tokens.take();
    if (next === ')') return [...new Set(values)];
    const expected =
      word !== undefined ? "',' or ')'" : values.length === 1 ? "',', ')' or identifier" : "',', or identifier";
    if (next !== ',') throw unreadable(`found '${next}', expected: ${expected}`);
  }
}

function checkKey(key: string): void {
  const [problem] = qualifiedName(key);
  if (problem === undefined) return;
  // Upstream's words since 1.36; it prints no path for the key.
  const words = problem.replace(/^a qualified name/, 'a valid label key');
  throw unreadable(`<nil>: Invalid value: ${JSON.stringify(key)}: ${words}`);
}

function checkValue(key: string, operator: Requirement['operator'], value: string): void {
  const compared = operator === 'Gt' || operator === 'Lt';
  if (compared && !/^[+-]?\d+$/.test(value)) {
    throw unreadable(
      `values[0]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
    );
  }
  const [problem] = labelValue(value);
  if (problem !== undefined) throw unreadable(`values[0][${key}]: Invalid value: ${JSON.stringify(value)}: ${problem}`);
}

const unreadable = (why: string) => new BadRequest(`unable to parse requirement: ${why}`);
