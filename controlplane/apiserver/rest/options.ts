// The query parameters of each verb as the typed options of meta/v1. One table has the parameters of each options type and
// their types, one list of rules has their allowed values; parameters that are not in the table are ignored.
import { tooLong } from '../../api/validation/causes';
import { BadRequest, type FieldCause } from '../../base/errors';
import { isFalse } from '../request';
import { invalid } from '../status';

interface ValueOf {
  readonly string: string;
  readonly strings: readonly string[];
  readonly int64: number;
  readonly boolean: boolean;
}
type OptionType = keyof ValueOf;

const write = { dryRun: 'strings', fieldManager: 'string', fieldValidation: 'string' } as const;

/** In kube-apiserver's order: the first parameter that cannot be parsed is reported. */
const tables = {
  CreateOptions: write,
  UpdateOptions: write,
  PatchOptions: { ...write, force: 'boolean' },
  DeleteOptions: {
    gracePeriodSeconds: 'int64',
    orphanDependents: 'boolean',
    propagationPolicy: 'string',
    dryRun: 'strings',
  },
  ListOptions: {
    watch: 'boolean',
    allowWatchBookmarks: 'boolean',
    resourceVersion: 'string',
    resourceVersionMatch: 'string',
    timeoutSeconds: 'int64',
    limit: 'int64',
    continue: 'string',
    sendInitialEvents: 'boolean',
  },
  PodLogOptions: {
    sinceSeconds: 'int64',
    sinceTime: 'string',
    tailLines: 'int64',
    limitBytes: 'int64',
    stream: 'string',
  },
} as const satisfies Record<string, Record<string, OptionType>>;

type Tables = typeof tables;
export type OptionsKind = keyof Tables;
/** A parameter that the request does not have is absent. */
export type Options<K extends OptionsKind> = {
  readonly [Name in keyof Tables[K]]?: Tables[K][Name] extends OptionType ? ValueOf[Tables[K][Name]] : never;
};

/** Reads the parameters of `kind`, without checking the rules. @throws BadRequest */
export function readOptions<K extends OptionsKind>(kind: K, query: URLSearchParams): Options<K> {
  const options: Record<string, ValueOf[OptionType]> = {};
  if (query.size === 0) return options as Options<K>;
  for (const [name, type] of Object.entries(tables[kind])) {
    if (query.has(name)) options[name] = readers[type as OptionType](query.getAll(name));
  }
  return options as Options<K>;
}

const readers: { readonly [T in OptionType]: (values: readonly string[]) => ValueOf[T] } = {
  string: ([first = '']) => first,
  strings: (values) => values,
  int64: ([first = '']) => parseInt64(first),
  boolean: ([first = '']) => !isFalse(first),
};

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

/** Above 2^53 the nearest number: such limits and durations are practically endless. @throws BadRequest with Go's message */
function parseInt64(text: string): number {
  const wrong = (why: string) => new BadRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${why}`);
  if (!/^[+-]?\d+$/.test(text)) throw wrong('invalid syntax');
  const digits = text.replace(/^[+-]?0*/, '');
  // Count the digits first: converting a very long text to a number is slow.
  if (digits.length > 19) throw wrong('value out of range');
  const value = BigInt(text.replace('+', ''));
  if (value < int64Min || value > int64Max) throw wrong('value out of range');
  return Number(value);
}

/** The error of wrong options, the same for all resources; only a log names its pod. @throws Invalid */
export function refuseInvalid(kind: OptionsKind, causes: readonly FieldCause[], name = ''): void {
  if (causes.length === 0) return;
  const group = kind === 'PodLogOptions' ? '' : 'meta.k8s.io';
  throw invalid({ group, kind }, name, causes);
}

const maxManagerBytes = 128;

export function checkFieldManager(manager: string | undefined): FieldCause[] {
  if (manager === undefined) return [];
  const field = 'fieldManager';
  const causes = Buffer.byteLength(manager) > maxManagerBytes ? [tooLong(field, maxManagerBytes)] : [];
  let at = 0;
  for (const character of manager) {
    if (!isPrintable(character)) {
      const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
      const message = `Invalid value: ${goQuoted(manager)}: invalid character U+${code} (at position ${at})`;
      causes.push({ reason: 'FieldValueInvalid', field, message });
    }
    at += Buffer.byteLength(character);
  }
  return causes;
}

/** As Go quotes a text: control characters are `\\x01`. */
const goQuoted = (text: string): string =>
  JSON.stringify(text)
    .replaceAll('\\u0007', '\\a')
    .replaceAll('\\u000b', '\\v')
    .replace(/\\u00([01][0-9a-f])/g, '\\x$1');

export const isPrintable = (character: string): boolean => character === ' ' || /^[^\p{C}\p{Z}]$/u.test(character);

export function checkDryRun(values: readonly string[] | undefined): FieldCause[] {
  if (!values || values.every((value) => value === 'All')) return [];
  return [unsupported('dryRun', values, ['All'])];
}

export function checkFieldValidation(value: string | undefined): FieldCause[] {
  const supported = ['', 'Ignore', 'Strict', 'Warn'];
  return value === undefined || supported.includes(value) ? [] : [unsupported('fieldValidation', value, supported)];
}

/** Lists the supported values in the given order; notSupported of api/validation sorts them. */
export function unsupported(field: string, value: unknown, supported: readonly string[]): FieldCause {
  const list = supported.map((one) => JSON.stringify(one)).join(', ');
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`;
  return { reason: 'FieldValueNotSupported', field, message };
}
