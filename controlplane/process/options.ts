// Options of a process: one record per option, from which parsing, --help and error messages follow. process.ts passes in the
// command line and the environment; no other code reads them.
import { BadRequest } from '../base/errors';

export interface OptionSpec<T> {
  /** Long flag without dashes: node-name. */
  readonly flag: string;
  /** Environment variable read when the flag is absent. */
  readonly env?: string;
  readonly help: string;
  /** Shown in --help as the kind of value: NAME, PATH, MS; absent for a boolean flag. */
  readonly placeholder?: string;
  /** The flag may stand several times: its texts are joined by commas. Else the last one counts. */
  readonly repeat?: true;
  /** Text as typed by the user; absent means the option is required. */
  readonly default?: string;
  /** @throws BadRequest whose message names the valid values. */
  readonly parse: (text: string) => T;
}

// biome-ignore lint/suspicious/noExplicitAny: the table mixes options of all value types; Parsed recovers each one.
export type OptionTable = Readonly<Record<string, OptionSpec<any>>>;
export type Parsed<O extends OptionTable> = { readonly [K in keyof O]: O[K] extends OptionSpec<infer T> ? T : never };

export interface ParseResult<O extends OptionTable> {
  readonly options: Parsed<O>;
  /** Arguments that are not options, in order. */
  readonly positional: readonly string[];
}

/** @throws BadRequest naming the option that is unknown, missing or wrong. */
export function parseOptions<O extends OptionTable>(
  table: O,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ParseResult<O> {
  const { given, positional } = readFlags(table, argv);
  const entries = Object.entries(table).map(([name, spec]) => {
    const text = given.get(spec.flag) ?? (spec.env ? env[spec.env] : undefined) ?? spec.default;
    if (text === undefined) throw new BadRequest(`--${spec.flag} is required: ${spec.help}`);
    try {
      return [name, spec.parse(text)] as const;
    } catch (cause) {
      throw new BadRequest(`--${spec.flag}=${text}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  });
  return { options: Object.freeze(Object.fromEntries(entries)) as Parsed<O>, positional };
}

function readFlags(table: OptionTable, argv: readonly string[]) {
  const byFlag = new Map(Object.values(table).map((spec) => [spec.flag, spec]));
  const given = new Map<string, string>();
  const positional: string[] = [];
  const give = ({ flag, repeat }: OptionSpec<unknown>, text: string) => {
    const before = repeat ? given.get(flag) : undefined;
    given.set(flag, before === undefined ? text : `${before},${text}`);
  };
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i]!;
    if (!arg.startsWith('--')) {
      positional.push(arg);
      continue;
    }
    const equals = arg.indexOf('=');
    const flag = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
    const negated = byFlag.get(flag.replace(/^no-/, ''));
    const spec = byFlag.get(flag);
    if (spec && spec.placeholder === undefined) given.set(flag, equals < 0 ? 'true' : arg.slice(equals + 1));
    else if (spec && equals >= 0) give(spec, arg.slice(equals + 1));
    else if (spec) {
      const value = argv[++i];
      if (value === undefined) throw new BadRequest(`--${flag} needs a value: ${spec.placeholder}`);
      give(spec, value);
    } else if (negated && negated.placeholder === undefined) given.set(negated.flag, 'false');
    else throw new BadRequest(`unknown option --${flag}; see --help`);
  }
  return { given, positional };
}

/** The option part of a --help text. */
export function renderOptions(table: OptionTable): string {
  const rows = Object.values(table).map((spec) => {
    const left = `  --${spec.flag}${spec.placeholder ? ` ${spec.placeholder}` : ''}`;
    const notes = [
      spec.default === undefined ? 'required' : spec.default === '' ? '' : `default ${spec.default}`,
      spec.env ? `env ${spec.env}` : '',
    ].filter((note) => note !== '');
    return [left, `${spec.help}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`] as const;
  });
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}\n`).join('');
}

export const parseText = (text: string): string => text;

export function parseBoolean(text: string): boolean {
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw new BadRequest('expected true or false');
}

export function parseInteger(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new BadRequest(`expected a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

export function parseOneOf<const T extends string>(...values: T[]): (text: string) => T {
  return (text) => {
    if (!(values as string[]).includes(text)) throw new BadRequest(`expected one of ${values.join(', ')}`);
    return text as T;
  };
}

export function parseList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** 90s, 15m, 1h30m, 24h, 7d as milliseconds; 0 needs no unit. */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  if (!/^(\d+[smhd])+$/.test(text)) throw new BadRequest('expected a duration like 90s, 15m, 1h30m, 24h or 7d');
  return [...text.matchAll(/(\d+)([smhd])/g)].reduce((sum, [, count, unit]) => sum + Number(count) * units[unit!]!, 0);
}
