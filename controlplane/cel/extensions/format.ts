// "%s is %d".format([name, count]). Source: cel-go's extension "strings"; the clauses are %s %d %f %e %b %o %x %X and %%.
import type { Environment } from '@marcbachmann/cel-js';
import { CelEvaluationError } from '../errors';
import { maxResultLength } from './strings';
import { durationText, timestampText } from './time-text';

const clause = /%(?:%|(?:\.(\d{1,3}))?([a-zA-Z]))/g;
const defaultPrecision = 6;
const maxPrecision = 100;

function format(text: string, args: readonly unknown[]): string {
  let next = 0;
  let length = 0;
  const result = text.replace(clause, (found, precision: string | undefined, verb: string | undefined) => {
    if (verb === undefined) return '%';
    if (next >= args.length) throw new CelEvaluationError(`index ${next} out of range`);
    const places = precision === undefined ? defaultPrecision : Math.min(Number(precision), maxPrecision);
    const piece = render(verb, args[next++], places, found);
    length += piece.length;
    if (length > maxResultLength) throw new CelEvaluationError('the formatted string is too long');
    return piece;
  });
  if (/%$/.test(text.replace(/%%/g, ''))) throw new CelEvaluationError('unexpected end of string');
  return result;
}

function render(verb: string, value: unknown, precision: number, found: string): string {
  switch (verb) {
    case 's':
      return textOf(value);
    case 'd':
      return integer(value, verb).toString();
    case 'b':
      return typeof value === 'boolean' ? String(Number(value)) : integer(value, verb).toString(2);
    case 'o':
      return integer(value, verb).toString(8);
    case 'x':
      return hexOf(value);
    case 'X':
      return hexOf(value).toUpperCase();
    case 'f':
      return number(value, verb).toFixed(precision);
    case 'e':
      return number(value, verb)
        .toExponential(precision)
        .replace(/e([+-])(\d)$/, 'e$10$2');
    default:
      throw new CelEvaluationError(
        `could not parse formatting clause: unrecognized formatting clause "${found.slice(1)}"`,
      );
  }
}

const wrongType = (verb: string, what: string) =>
  new CelEvaluationError(`error during formatting: ${what} clause can only be used on numbers, was given %${verb}`);

function integer(value: unknown, verb: string): bigint {
  if (typeof value === 'bigint') return value;
  throw wrongType(verb, 'integer');
}

function number(value: unknown, verb: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  throw wrongType(verb, 'fixed-point');
}

function hexOf(value: unknown): string {
  if (typeof value === 'string' || value instanceof Uint8Array) return Buffer.from(value as string).toString('hex');
  return integer(value, 'x').toString(16);
}

/** As cel-go prints values: maps with sorted keys, texts without quotes. */
function textOf(value: unknown): string {
  if (value === null) return 'null';
  if (value instanceof Date) return timestampText(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (Array.isArray(value)) return `[${value.map(textOf).join(', ')}]`;
  if (typeof value !== 'object') return String(value);
  if ('seconds' in value && 'nanos' in value) return durationText(value);
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const parts = entries.map(([key, inner]) => `${textOf(key)}: ${textOf(inner)}`);
  return `{${parts.sort().join(', ')}}`;
}

export function registerFormat(environment: Environment): void {
  environment.registerFunction('string.format(list): string', format);
}
