// The values of variables in a file of variables, as an init container writes it for fileKeyRef. Pure. Source: KEP-3721: lines
// NAME='value', the value in single quotes and over several lines, comments behind #.

export interface EnvFile {
  /** The first value of each variable that is wanted and found. */
  readonly values: ReadonlyMap<string, string>;
  /** Names the first line that is not in the format; nothing is read behind it. */
  readonly error?: Error;
}

/** A caller may let others work after so many lines. */
const linesPerStep = 500;

/** Linear in the text, however many variables are wanted. It yields now and then. */
export function* parseEnvFile(text: string, wanted: ReadonlySet<string>): Generator<void, EnvFile> {
  const values = new Map<string, string>();
  try {
    let at = 0;
    for (let lines = 1; at < text.length && values.size < wanted.size; lines++) {
      if (lines % linesPerStep === 0) yield;
      const { variable, next } = readLine(text, at);
      if (variable && wanted.has(variable.name) && !values.has(variable.name))
        values.set(variable.name, variable.value());
      at = next;
    }
    return { values };
  } catch (error) {
    return { values, error: error as Error };
  }
}

interface Read {
  /** Undefined for a line without a variable. */
  readonly variable?: { readonly name: string; readonly value: () => string };
  /** Where the next line begins. */
  readonly next: number;
}

/** @throws Error with the line that is not in this format */
function readLine(text: string, from: number): Read {
  const start = afterSpaces(text, from);
  const end = endOfLine(text, start);
  const next = end + 1;
  if (start === contentEnd(text, start, end) || text[start] === '#') return { next };
  const sign = text.indexOf('=', start);
  if (sign < 0 || sign > end) throw invalid(text, from, "missing '='");
  const name = text.slice(start, sign);
  if (name.trim() === '') throw invalid(text, from, 'empty variable name');
  if (isSpace(name.at(-1))) throw invalid(text, from, "whitespace before '=' is not allowed");
  // As in a shell, a space behind the sign ends the value: it is empty.
  if (isSpace(text[sign + 1])) return { variable: { name, value: () => '' }, next };
  if (text[sign + 1] !== "'") throw invalid(text, from, 'value must be enclosed in single quotes');
  const open = sign + 2;
  const close = text.indexOf("'", open);
  if (close < 0) throw invalid(text, from, 'unclosed single quote');
  return {
    variable: { name, value: () => text.slice(open, close).replaceAll('\r\n', '\n') },
    next: afterValue(text, close),
  };
}

/** Only a comment may follow the closing quote. */
function afterValue(text: string, close: number): number {
  const start = afterSpaces(text, close + 1);
  const end = endOfLine(text, start);
  if (start === contentEnd(text, start, end) || text[start] === '#') return end + 1;
  throw invalid(text, close, 'unexpected content after closing quote');
}

const isSpace = (character: string | undefined): boolean => character === ' ' || character === '\t';

function afterSpaces(text: string, from: number): number {
  let at = from;
  while (isSpace(text[at])) at++;
  return at;
}

function endOfLine(text: string, from: number): number {
  const found = text.indexOf('\n', from);
  return found < 0 ? text.length : found;
}

/** Without the carriage return of a file that was written elsewhere. */
const contentEnd = (text: string, start: number, end: number): number =>
  end > start && text[end - 1] === '\r' ? end - 1 : end;

function invalid(text: string, at: number, why: string): Error {
  let line = 1;
  for (let found = text.indexOf('\n'); found >= 0 && found < at; found = text.indexOf('\n', found + 1)) line++;
  return new Error(`invalid environment variable format at line ${line}: ${why}`);
}
