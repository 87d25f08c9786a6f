// Schedules as robfig/cron reads them: five fields, or a descriptor such as @hourly or `@every 1h30m`.
import { goDurationMs } from '../duration';

/** `star`: the field allows everything, so that it does not restrict the day. */
interface Field {
  readonly values: ReadonlySet<number>;
  readonly star: boolean;
}

export interface CronFields {
  readonly minute: Field;
  readonly hour: Field;
  readonly dayOfMonth: Field;
  readonly month: Field;
  readonly dayOfWeek: Field;
}
export interface CronInterval {
  readonly everyMs: number;
}
export type CronSchedule = CronFields | CronInterval;

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}
const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const bounds: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: monthNames },
  { min: 0, max: 6, names: dayNames },
];

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** Beyond upstream: a list of megabytes would hold the event loop for a second. */
const maxLength = 10_000;

/** @throws SyntaxError with the message of robfig/cron */
export function parseCron(text: string): CronSchedule {
  if (text.length > maxLength) throw new SyntaxError(`must be no more than ${maxLength} characters`);
  if (text === '') throw new SyntaxError('empty spec string');
  if (text.startsWith('@')) return parseDescriptor(text);
  const fields = text.split(/[\s\u0085]+/).filter((field) => field !== '');
  if (fields.length !== bounds.length) {
    throw new SyntaxError(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`);
  }
  const [minute, hour, dayOfMonth, month, dayOfWeek] = fields.map((field, i) => parseField(field, bounds[i]!));
  return { minute: minute!, hour: hour!, dayOfMonth: dayOfMonth!, month: month!, dayOfWeek: dayOfWeek! };
}

function parseDescriptor(text: string): CronSchedule {
  if (Object.hasOwn(descriptors, text)) return parseCron(descriptors[text]!);
  if (!text.startsWith('@every ')) throw new SyntaxError(`unrecognized descriptor: ${text}`);
  const given = text.slice('@every '.length);
  const ms = goDurationMs(given);
  if (ms === undefined) {
    const why = given === '' || !/\d/.test(given) ? `time: invalid duration "${given}"` : wrongUnit(given);
    throw new SyntaxError(`failed to parse duration ${text}: ${why}`);
  }
  return { everyMs: Math.max(1000, Math.floor(ms / 1000) * 1000) };
}

const wrongUnit = (text: string): string =>
  /\d$/.test(text) ? `time: missing unit in duration "${text}"` : `time: invalid duration "${text}"`;

function parseField(text: string, limits: Bounds): Field {
  const values = new Set<number>();
  let star = false;
  for (const part of text.split(',').filter((one) => one !== '')) {
    const { start, end, step, any } = parseRange(part, limits);
    star ||= any;
    for (let value = start; value <= end; value += step) values.add(value);
  }
  return { values, star };
}

function parseRange(text: string, { min, max, names }: Bounds) {
  const [range = '', stepText, ...moreSlashes] = text.split('/');
  const [low = '', high, ...moreHyphens] = range.split('-');
  const isStar = low === '*' || low === '?';
  let start = min;
  let end = max;
  if (!isStar) {
    start = parseValue(low, names);
    if (moreHyphens.length > 0) throw new SyntaxError(`too many hyphens: ${text}`);
    end = high === undefined ? start : parseValue(high, names);
  }
  if (moreSlashes.length > 0) throw new SyntaxError(`too many slashes: ${text}`);
  const step = stepText === undefined ? 1 : parseNumber(stepText);
  // `5/15` means from 5 to the end.
  if (stepText !== undefined && high === undefined) end = max;
  if (start < min) throw new SyntaxError(`beginning of range (${start}) below minimum (${min}): ${text}`);
  if (end > max) throw new SyntaxError(`end of range (${end}) above maximum (${max}): ${text}`);
  if (start > end) throw new SyntaxError(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
  if (step === 0) throw new SyntaxError(`step of range should be a positive number: ${text}`);
  return { start, end, step, any: isStar && step === 1 };
}

function parseValue(text: string, names: readonly string[] | undefined): number {
  const at = names?.indexOf(text.toLowerCase()) ?? -1;
  // January is 1, Sunday is 0.
  if (at >= 0) return names === monthNames ? at + 1 : at;
  return parseNumber(text);
}

function parseNumber(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) {
    throw new SyntaxError(
      `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  }
  const value = Number(text);
  if (value >= 2 ** 63 || value < -(2 ** 63)) {
    const why = `strconv.Atoi: parsing ${JSON.stringify(text)}: value out of range`;
    throw new SyntaxError(`failed to parse int from ${text}: ${why}`);
  }
  if (value < 0) throw new SyntaxError(`negative number (${value}) not allowed: ${text}`);
  return value;
}
