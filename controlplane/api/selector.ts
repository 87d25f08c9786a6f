// Label and field selectors: the query-string grammar of `labelSelector` and the LabelSelector object.
// Source: apimachinery labels.Parse and metav1.LabelSelectorAsSelector.
import { BadRequest } from '../base/errors';
import type { LabelSelector } from './types';

export interface Requirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  readonly values: readonly string[];
}
/** All requirements must hold; an empty list matches everything. */
export type Selector = readonly Requirement[];
export type Labels = Readonly<Record<string, string>>;

export function matchesSelector(selector: Selector, labels: Labels | undefined): boolean {
  return selector.every((requirement) => matchesRequirement(requirement, labels ?? {}));
}

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
      return present && /^-?\d+$/.test(value) && BigInt(value) > BigInt(values[0] ?? '0');
    case 'Lt':
      return present && /^-?\d+$/.test(value) && BigInt(value) < BigInt(values[0] ?? '0');
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

/** Parses `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`. @throws BadRequest naming the part that is wrong */
export function parseSelector(text: string): Selector {
  return splitOutsideParentheses(text)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseRequirement);
}

function splitOutsideParentheses(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')') depth--;
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  if (depth !== 0)
    throw new BadRequest(`unable to parse requirement: unbalanced parentheses in ${JSON.stringify(text)}`);
  parts.push(text.slice(start));
  return parts;
}

const keyPattern = '([A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?)';
const setForm = new RegExp(`^${keyPattern}\\s+(in|notin)\\s*\\((.*)\\)$`);
const equalForm = new RegExp(`^${keyPattern}\\s*(==|=|!=|>|<)\\s*([-A-Za-z0-9_.]*)$`);
const existsForm = new RegExp(`^(!?)\\s*${keyPattern}$`);

function parseRequirement(part: string): Requirement {
  const set = setForm.exec(part);
  if (set) {
    const values = set[3]!.split(',').map((value) => value.trim());
    return { key: set[1]!, operator: set[2] === 'in' ? 'In' : 'NotIn', values };
  }
  const equal = equalForm.exec(part);
  if (equal) {
    const operator = ({ '=': 'In', '==': 'In', '!=': 'NotIn', '>': 'Gt', '<': 'Lt' } as const)[
      equal[2] as '=' | '==' | '!=' | '>' | '<'
    ];
    return { key: equal[1]!, operator, values: [equal[3]!] };
  }
  const exists = existsForm.exec(part);
  if (exists) return { key: exists[2]!, operator: exists[1] === '!' ? 'DoesNotExist' : 'Exists', values: [] };
  throw new BadRequest(`unable to parse requirement: found ${JSON.stringify(part)}, expected a label selector`);
}

/** One term of a field selector; only = == and != exist. */
export interface FieldTerm {
  readonly path: string;
  readonly equal: boolean;
  readonly value: string;
}

/** Parses `metadata.name=a,status.phase!=Running`. @throws BadRequest */
export function parseFieldSelector(text: string): FieldTerm[] {
  if (text.trim() === '') return [];
  return text.split(',').map((part) => {
    const match = /^\s*([^=!]+?)\s*(==|=|!=)\s*(.*?)\s*$/.exec(part);
    if (!match) throw new BadRequest(`invalid selector: ${JSON.stringify(part)}; can't understand it`);
    return { path: match[1]!, equal: match[2] !== '!=', value: match[3]! };
  });
}
