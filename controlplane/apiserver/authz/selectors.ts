// The selectors of a request as requirements, in the form that a program outside the server judges. Selectors only narrow: one that
// cannot be read, or an unknown operator, is left out, and the program judges more than is asked. Source: KEP-4601.
import { parseFieldSelector } from '../../api/field-selector';
import { parseSelector } from '../../api/selector';
import { hasCode } from '../../base/errors';

export interface SelectorRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** As a client sent it: text, or the requirements of a review. */
export type SentSelector = string | readonly SelectorRequirement[];

/** Only In and NotIn, with one value each; empty: nothing that narrows. */
export function fieldRequirements(selector: SentSelector): readonly SelectorRequirement[] {
  if (typeof selector !== 'string') {
    return selector.filter(({ operator, values }) => isIn(operator) && values?.length === 1);
  }
  return orNone(() =>
    parseFieldSelector(selector).map(({ path, equal, value }) => ({
      key: path,
      operator: equal ? 'In' : 'NotIn',
      values: [value],
    })),
  );
}

/** Sorted by their keys, as upstream's parser leaves them. */
export function labelRequirements(selector: SentSelector): readonly SelectorRequirement[] {
  const all = typeof selector === 'string' ? orNone(() => parseSelector(selector)) : selector;
  return all
    .filter(({ operator }) => isIn(operator) || operator === 'Exists' || operator === 'DoesNotExist')
    .map(({ key, operator, values = [] }) => ({
      key,
      operator,
      ...(values.length > 0 ? { values: [...values].sort() } : {}),
    }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

const isIn = (operator: string): boolean => operator === 'In' || operator === 'NotIn';

function orNone(parse: () => readonly SelectorRequirement[]): readonly SelectorRequirement[] {
  try {
    return parse();
  } catch (err) {
    if (hasCode(err, 'BadRequest')) return [];
    throw err;
  }
}
