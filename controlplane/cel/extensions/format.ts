// "%s is %d".format([name, count]). Source: cel-go's extension "strings"; the clauses are %s %d %f %e %b %o %x %X and %%.
import { type Environment, Optional } from '@marcbachmann/cel-js';
import { doubleText } from '../../base/double-text';
import { CelEvaluationError } from '../errors';
import { CelObject } from '../values';
import { celTypeName } from './names';
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
      return integer(value, 'decimal').toString();
    case 'b':
      return typeof value === 'boolean' ? String(Number(value)) : integer(value, 'binary').toString(2);
    case 'o':
      return integer(value, 'octal').toString(8);
    case 'x':
      return hexOf(value);
    case 'X':
      return hexOf(value).toUpperCase();
    case 'f':
      return grouped(number(value, 'fixed-point').toFixed(precision));
    case 'e':
      return scientific(number(value, 'scientific'));
    default:
      throw new CelEvaluationError(
        `could not parse formatting clause: unrecognized formatting clause "${found.slice(1)}"`,
      );
  }
}

const wrongType = (clause: string, types: string, value: unknown) =>
  new CelEvaluationError(
    `error during formatting: ${clause} clause can only be used on ${types}, was given ${typeNameOf(value)}`,
  );

function integer(value: unknown, clause: string): bigint {
  if (typeof value === 'bigint') return value;
  throw wrongType(
    clause,
    clause === 'decimal' ? 'integers' : clause === 'binary' ? 'integers and bools' : 'integers',
    value,
  );
}

function number(value: unknown, clause: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  throw wrongType(clause, 'doubles', value);
}

/** As cel-go, with commas for readers. */
function grouped(text: string): string {
  const [, sign = '', digits = '', rest = ''] = /^(-?)(\d*)(.*)$/s.exec(text) ?? [];
  const groups: string[] = [];
  for (let end = digits.length; end > 0; end -= 3) groups.unshift(digits.slice(Math.max(0, end - 3), end));
  return sign + groups.join(',') + rest;
}

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** 1234.5 is 1.234500×10⁰³: cel-go prints it for readers, and always with six places. */
function scientific(value: number): string {
  if (!Number.isFinite(value)) return doubleText(value);
  const [mantissa = '', exponent = '0'] = value.toExponential(defaultPrecision).split('e');
  const digits = exponent.replace(/^[+-]/, '').padStart(2, '0');
  const sign = exponent.startsWith('-') ? '⁻' : '';
  return `${mantissa}×10${sign}${[...digits].map((digit) => superscripts[Number(digit)]).join('')}`;
}

function hexOf(value: unknown): string {
  if (typeof value === 'string' || value instanceof Uint8Array) return Buffer.from(value as string).toString('hex');
  return integer(value, 'hex').toString(16);
}

/** As cel-go prints a value: texts without quotes. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (value instanceof Date) return timestampText(value);
  if (typeof value === 'number') return doubleText(value);
  if (isDuration(value)) return durationText(value);
  return innerText(value);
}

/** Inside lists and maps values look as in an expression. Keys are sorted. */
function innerText(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value.toFixed(defaultPrecision) : doubleText(value);
  if (value instanceof Date) return `timestamp(${JSON.stringify(timestampText(value))})`;
  if (value instanceof Uint8Array) return `b${JSON.stringify(Buffer.from(value).toString())}`;
  if (Array.isArray(value)) return `[${value.map(innerText).join(', ')}]`;
  if (typeof value !== 'object') return String(value);
  if (isDuration(value)) return `duration(${JSON.stringify(durationText(value))})`;
  const type = typeOfType(value);
  if (type !== undefined) return type;
  const isMap = value instanceof Map || Object.getPrototypeOf(value) === Object.prototype || value instanceof CelObject;
  if (!isMap) throw wrongType('string', stringTypes, value);
  const entries = value instanceof Map ? [...value] : Object.entries(value instanceof CelObject ? value.raw : value);
  const parts = entries.map(([key, inner]) => `${innerText(key)}:${innerText(inner)}`);
  return `{${parts.sort().join(', ')}}`;
}

const stringTypes = 'strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps';

const isDuration = (value: unknown): value is { seconds: bigint; nanos: number } =>
  typeof value === 'object' && value !== null && 'seconds' in value && 'nanos' in value;

/** The name of a type that is a value: type(1). */
function typeOfType(value: object): string | undefined {
  return celTypeName(value) === 'Type' && 'name' in value ? String(value.name) : undefined;
}

function typeNameOf(value: unknown): string {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'double';
  if (typeof value === 'boolean') return 'bool';
  if (value === null) return 'null_type';
  if (value instanceof Optional) return 'optional_type';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof Date) return 'google.protobuf.Timestamp';
  if (isDuration(value)) return 'google.protobuf.Duration';
  return celTypeName(value as object) ?? 'map';
}

export function registerFormat(environment: Environment): void {
  environment.registerFunction('string.format(list): string', format);
}
