// The rules of a schema for single values: enum, texts and numbers, with the messages of kube-apiserver's validator. `path` leads to
// the value inside the object, as messages name it.
import { doubleText } from '../../base/double-text';
import type { FieldCause } from '../../base/errors';
import type { Definition } from '../schema/schema';
import { invalid, tooLong } from '../validation/causes';
import { fitsNumberFormat, formatCheck } from './formats';
import { Pattern } from './pattern/pattern';

/** How upstream prints the field of a cause that has none. */
export const noField = '<nil>';

interface Enum {
  readonly values: ReadonlySet<string>;
  readonly supported: string;
}

/** Read once: an enum may have thousands of values, and a list as many items. */
const enums = new WeakMap<readonly unknown[], Enum>();

export function enumCauses(value: unknown, { enum: values }: Definition, path: string): FieldCause[] {
  if (!values) return [];
  let known = enums.get(values);
  if (!known) {
    const texts = values.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
    known = {
      values: new Set(values.map(canonical)),
      supported: texts.map((one) => JSON.stringify(one)).join(', '),
    };
    enums.set(values, known);
  }
  // Upstream finds no null, even if the enum has it.
  if (value !== null && known.values.has(canonical(value))) return [];
  const { message } = invalid(path, value ?? 'null', `supported values: ${known.supported}`);
  return [
    { reason: 'FieldValueNotSupported', field: path, message: message.replace('Invalid value', 'Unsupported value') },
  ];
}

/** The same text for equal values, whatever the order of their keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** Steps that the patterns of one object may still take. At 0 an answer is missing, and the object is refused as a whole. */
export interface PatternSteps {
  left: number;
}

export function textCauses(value: string, schema: Definition, path: string, steps: PatternSteps): FieldCause[] {
  const { maxLength, minLength, pattern, format } = schema;
  const causes: FieldCause[] = [];
  // UTF-16 has at least as many units as the text has characters, and at most twice as many.
  const isLong = (bound: number) => value.length > bound && (value.length > 2 * bound || [...value].length > bound);
  // As upstream: only the first of these three is reported.
  if (maxLength !== undefined && isLong(maxLength)) causes.push(tooLong(path, maxLength));
  else if (minLength !== undefined && minLength > 0 && !isLong(minLength - 1)) {
    causes.push(invalid(path, value, `${path} in body should be at least ${minLength} chars long`));
  } else if (pattern) {
    const matches = matchWithin(pattern, value, steps);
    if (matches === undefined) causes.push(invalid(path, '', `the pattern '${pattern}' costs too much for this text`));
    else if (!matches) causes.push(invalid(path, value, `${path} in body should match '${pattern}'`));
  }
  // Also in a schema of another type.
  const check = format ? formatCheck(format) : undefined;
  if (check && !check(value)) causes.push(typeCause(path, value, `${format}`, value));
  return causes;
}

export function numberCauses(value: number | bigint, schema: Definition, path: string): FieldCause[] {
  const { maximum, exclusiveMaximum, minimum, exclusiveMinimum, multipleOf, type = '', format } = schema;
  const known = format ? `with format ${format}` : '(default format)';
  const fits = (number: number | bigint) => fitsNumberFormat(number, type, format);
  /** A number that does not fit the type is an error of its own, also when it is a bound. */
  const checkRange = (number: number | bigint, what: string) =>
    fits(number) ? [] : [invalid(noField, '', `${what} must be of type ${type} ${known} in ${path}`)];
  const fail = (rule: string) => invalid(path, value, `${path} in body should be ${rule}`);
  const isWhole = typeof value === 'bigint' || Number.isInteger(value);
  // Go compares whole numbers with whole bounds that fit, and all others as floating-point numbers.
  const shown = (bound: number) => (isWhole && Number.isInteger(bound) && fits(bound) ? `${bound}` : doubleText(bound));
  const causes = checkRange(value, 'Checked value');
  if (multipleOf !== undefined) {
    causes.push(...checkRange(multipleOf, 'MultipleOf value'));
    if (multipleOf <= 0) {
      const rule = `factor MultipleOf declared for ${path} must be positive: ${shown(multipleOf)}`;
      causes.push(invalid(path, multipleOf, rule));
    } else if (!isMultiple(value, multipleOf)) causes.push(fail(`a multiple of ${shown(multipleOf)}`));
  }
  if (minimum !== undefined) {
    causes.push(...checkRange(minimum, 'Minimum boundary value'));
    if (exclusiveMinimum ? value <= minimum : value < minimum) {
      causes.push(fail(`greater than ${exclusiveMinimum ? '' : 'or equal to '}${shown(minimum)}`));
    }
  }
  if (maximum !== undefined) {
    causes.push(...checkRange(maximum, 'Maximum boundary value'));
    if (exclusiveMaximum ? value >= maximum : value > maximum) {
      causes.push(fail(`less than ${exclusiveMaximum ? '' : 'or equal to '}${shown(maximum)}`));
    }
  }
  return causes;
}

function isMultiple(value: number | bigint, of: number): boolean {
  if (typeof value === 'bigint' && Number.isSafeInteger(of)) return value % BigInt(of) === 0n;
  const number = Number(value);
  return Number.isInteger(of < 1 ? (1 / of) * number : number / of);
}

/** A value of the wrong type is printed as the name of its type. */
export function typeCause(path: string, shown: string, expected: string, found: string): FieldCause {
  const cause = invalid(path, shown, `${path} in body must be of type ${expected}: ${JSON.stringify(found)}`);
  return { ...cause, reason: 'FieldValueTypeInvalid' };
}

function matchWithin(source: string, text: string, steps: PatternSteps): boolean | undefined {
  const match = compiled(source)?.match(text, steps.left);
  steps.left = Math.max(0, steps.left - (match?.steps ?? 0));
  return match?.matches;
}

/** Compiled at the first use. */
const patterns = new Map<string, Pattern>();
const maxPatterns = 10_000;

/** Undefined for a text that is no pattern: definitions with one are refused. */
function compiled(source: string): Pattern | undefined {
  const known = patterns.get(source);
  if (known) return known;
  if (patterns.size >= maxPatterns) patterns.clear();
  try {
    const pattern = new Pattern(source);
    patterns.set(source, pattern);
    return pattern;
  } catch {
    return undefined;
  }
}
