// Field selectors: `metadata.name=a,status.phase!=Running`. Only = (also written ==) and != exist; a backslash escapes a comma,
// an equals sign or a backslash in a value. Source: apimachinery fields.ParseSelector.
import { BadRequest } from '../base/errors';

export interface FieldTerm {
  readonly path: string;
  readonly equal: boolean;
  readonly value: string;
}

/** One pass over the text, also for hostile texts. As upstream, a term without field and value selects everything. @throws BadRequest with upstream's message */
export function parseFieldSelector(text: string): FieldTerm[] {
  return splitTerms(text)
    .filter((term) => term !== '')
    .map((term) => parseTerm(term, text))
    .filter(({ path, value }) => path !== '' || value !== '');
}

function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === ',') {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...terms, text.slice(start)];
}

/** The operator is the first one without a backslash before it. */
function parseTerm(term: string, selector: string): FieldTerm {
  for (let i = 0; i < term.length; i++) {
    if (term[i] === '\\') i++;
    else if (term.startsWith('!=', i)) return termOf(term, i, 2);
    else if (term.startsWith('==', i)) return termOf(term, i, 2);
    else if (term[i] === '=') return termOf(term, i, 1);
  }
  throw new BadRequest(`invalid selector: '${selector}'; can't understand '${term}'`);
}

const termOf = (term: string, at: number, length: number): FieldTerm => ({
  path: term.slice(0, at),
  equal: term[at] === '=',
  value: unescapeValue(term.slice(at + length)),
});

function unescapeValue(text: string): string {
  const parts: string[] = [];
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === ',' || char === '=') {
      throw new BadRequest(`invalid field selector: unescaped character in value: ${char.charCodeAt(0)}`);
    }
    if (char !== '\\') {
      parts.push(char);
      continue;
    }
    const escaped = text[++i] ?? '';
    if (escaped === '' || !',=\\'.includes(escaped)) {
      throw new BadRequest(`invalid field selector: invalid escape sequence: \\${escaped}`);
    }
    parts.push(escaped);
  }
  return parts.join('');
}
