// Functions of strings that the library lacks: cel-go's extension "strings". Positions count code points, as in Go's runes.
import type { Environment } from '@marcbachmann/cel-js';
import { CelEvaluationError } from '../errors';

const pointsOf = (text: string): string[] => Array.from(text);

function at(points: readonly string[], index: bigint): number {
  if (index < 0n || index > points.length) throw new CelEvaluationError(`index out of range: ${index}`);
  return Number(index);
}

/** Longer results are refused: a few nodes could make texts of gigabytes. */
export const maxResultLength = 10_000_000;

function replace(text: string, from: string, to: string, limit = -1n): string {
  // An empty text is found before each character and at the end.
  const most = from === '' ? text.length + 1 : text.split(from).length;
  const count = limit < 0n ? most : Math.min(most, Number(limit));
  if (text.length + count * Math.max(0, to.length - from.length) > maxResultLength) {
    throw new CelEvaluationError('the result of replace is too long');
  }
  if (limit < 0n) return text.replaceAll(from, () => to);
  // Pieces, because each slice of a text that is put together again and again copies it.
  const pieces: string[] = [];
  let kept = 0;
  let position = 0;
  for (let i = 0; i < count && position <= text.length; i++) {
    const found = text.indexOf(from, position);
    if (found < 0) break;
    pieces.push(text.slice(kept, found), to);
    kept = found + from.length;
    position = kept + (from === '' ? 1 : 0);
  }
  return pieces.join('') + text.slice(kept);
}

class Strings {}

const escapes: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** Broken halves of characters become the replacement character. */
const quote = (text: string): string =>
  `"${Array.from(text.toWellFormed(), (character) => escapes[character] ?? character).join('')}"`;

export function registerStrings(environment: Environment): void {
  environment
    .registerFunction('string.charAt(int): string', (text: string, index: bigint) => {
      const points = pointsOf(text);
      return points[at(points, index)] ?? '';
    })
    .registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) =>
      replace(text, from, to),
    )
    .registerFunction('string.replace(string, string, int): string', replace)
    .registerType('k8ts.Strings', { ctor: Strings, fields: {} })
    .registerConstant('strings', 'k8ts.Strings', new Strings())
    .registerFunction('k8ts.Strings.quote(string): string', (_strings: Strings, text: string) => quote(text));
}
