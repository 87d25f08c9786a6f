// The formats of texts and numbers in a schema that upstream checks; it ignores all others. Each check is linear in the text.
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { isQuantity } from '../quantity';
import { dns1123Label, dns1123Subdomain } from '../validation/names';

type Check = (text: string) => boolean;

const matches =
  (pattern: RegExp): Check =>
  (text) =>
    pattern.test(text);

const date = /^(\d{4})-(\d\d)-(\d\d)$/;
const dateTime = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,]\d+)?(?:[Zz]|[+-](\d\d):?(\d\d))$/;

/** Also the day must exist in its month. */
function isDate(text: string): boolean {
  const [, year, month, day] = date.exec(text) ?? [];
  if (year === undefined) return false;
  const time = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return !Number.isNaN(time.getTime()) && time.getUTCDate() === Number(day);
}

function isDateTime(text: string): boolean {
  const [, day = '', hour, minute, second, zoneHour = '0', zoneMinute = '0'] = dateTime.exec(text) ?? [];
  const isTime = Number(hour) < 24 && Number(minute) < 60 && Number(second) < 61;
  return isTime && isDate(day) && Number(zoneHour) < 24 && Number(zoneMinute) < 60;
}

/** Go's durations, and those with words: `22 ns`, `3 days`. */
const isDuration: Check = (text) =>
  /^[-+]?(?:0|(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*)$/.test(
    text,
  ) ||
  /^\s*\d+(?:\.\d+)?\s*(?:nanoseconds?|nanos?|ns|microseconds?|micros?|us|µs|milliseconds?|millis?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|wks?|w)\s*$/.test(
    text,
  );

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/');
  const version = isIP(address);
  return version > 0 && rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
}

/** Go's url.ParseRequestURI: an absolute address or an absolute path. */
const isUri: Check = (text) => text.length > 0 && !/[\p{Cc} ]/u.test(text) && (text.startsWith('/') || hasScheme(text));
const hasScheme: Check = (text) => {
  const scheme = /^[a-z][a-z\d+.-]*:/i.exec(text)?.[0];
  if (scheme === undefined) return false;
  const rest = text.slice(scheme.length);
  if (/%(?![\da-f]{2})/i.test(rest)) return false;
  return !rest.startsWith('//') || URL.canParse(text) || /^\/\/[^/?#:]*(?::\d*)?(?:[/?#]|$)/.test(rest);
};

const isBase64: Check = (text) => text.length % 4 === 0 && /^[A-Za-z\d+/]*={0,2}$/.test(text);

/** A single label, or labels before a last one of at least two letters. */
const isHostname: Check = (text) => {
  const labels = text.split('.');
  const last = labels.pop() ?? '';
  if (Buffer.byteLength(text) > 255 || [...labels, last].some((label) => Buffer.byteLength(label) > 63)) return false;
  if (labels.length === 0) return /^[a-z\d\p{S}\p{L}](?:-?[a-z\d\p{S}\p{L}]{0,62})?$/iu.test(last);
  return (
    labels.every((label) => /^[a-z\d\p{S}\p{L}](?:[a-z\d\p{S}\p{L}-]{0,61}[a-z\d\p{S}\p{L}])?$/iu.test(label)) &&
    /^[a-z\p{L}]{2,63}$/iu.test(last)
  );
};

/** As Kubernetes reads addresses: an octet may begin with zeros. */
const isIPv4Text: Check = (text) => isIPv4(text.replace(/(^|\.)0+(?=\d)/g, '$1'));

const digitsOf = (text: string): string => text.replaceAll(/[^\dXx]/g, '');

function isIsbn10(text: string): boolean {
  const digits = digitsOf(text);
  if (!/^\d{9}[\dXx]$/.test(digits)) return false;
  const sum = [...digits].reduce((total, digit, i) => total + (10 - i) * (/x/i.test(digit) ? 10 : Number(digit)), 0);
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = digitsOf(text);
  if (!/^\d{13}$/.test(digits)) return false;
  return [...digits].reduce((total, digit, i) => total + Number(digit) * (i % 2 === 0 ? 1 : 3), 0) % 10 === 0;
}

const creditCard =
  /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/;

const part = '[0-9a-f]';
const uuid = (third: string, fourth: string): Check =>
  matches(new RegExp(`^${part}{8}-?${part}{4}-?${third}-?${fourth}-?${part}{12}$`, 'i'));
const any4 = `${part}{4}`;
const variant = `[89ab]${part}{3}`;

const isColor = (value: string): boolean => Number(value) < 256;

/** By their names without dashes: `date-time` is `datetime`. */
const texts: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['bsonobjectid', matches(/^[\da-f]{24}$/i)],
  ['uri', isUri],
  ['email', matches(/^(?:[^<>@]*<)?(?:[^\s<>@"(),:;[\]\\]+|"(?:[^"\\\n]|\\.)*")@[^\s<>@"(),:;\\]+>?$/)],
  ['hostname', isHostname],
  ['ipv4', isIPv4Text],
  ['ipv6', isIPv6],
  ['cidr', isCidr],
  [
    'mac',
    matches(
      /^(?:[\da-f]{2}([:-])[\da-f]{2}(?:\1[\da-f]{2}){4}(?:(?:\1[\da-f]{2}){2})?|[\da-f]{4}(?:\.[\da-f]{4}){2,3})$/i,
    ),
  ],
  ['uuid', uuid(any4, any4)],
  ['uuid3', uuid(`3${part}{3}`, any4)],
  ['uuid4', uuid(`4${part}{3}`, variant)],
  ['uuid5', uuid(`5${part}{3}`, variant)],
  ['isbn', (text) => isIsbn10(text) || isIsbn13(text)],
  ['isbn10', isIsbn10],
  ['isbn13', isIsbn13],
  ['creditcard', (text) => creditCard.test(text.replaceAll(/\D/g, ''))],
  ['ssn', matches(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/)],
  ['hexcolor', matches(/^#?(?:[\da-f]{3}|[\da-f]{6})$/i)],
  [
    'rgbcolor',
    (text) =>
      (/^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(text)?.slice(1) ?? ['256']).every(isColor),
  ],
  ['byte', isBase64],
  ['password', () => true],
  ['date', isDate],
  ['duration', isDuration],
  ['datetime', isDateTime],
  ['quantity', isQuantity],
  ['k8sshortname', (text) => dns1123Label(text).length === 0],
  ['k8slongname', (text) => dns1123Subdomain(text).length === 0],
]);

const nameOf = (format: string): string => format.replaceAll('-', '');

/** Undefined for a format that is not checked. */
export const formatCheck = (format: string): Check | undefined => texts.get(nameOf(format));

/** Whether a schema of the type may have the format: of all others upstream warns. */
export function isKnownFormat(type: string | undefined, format: string): boolean {
  switch (type ?? '') {
    case '':
    case 'string':
      return texts.has(nameOf(format));
    case 'integer':
      return format === 'int32' || format === 'int64';
    case 'number':
      return format === 'float' || format === 'double';
    default:
      return false;
  }
}

const bounds: Readonly<Record<string, number>> = { int32: 2 ** 31, int64: 2 ** 63 };

/** Whether a number fits the type and the format; all numbers fit an unknown one. */
export function fitsNumberFormat(value: number | bigint, type: string | undefined, format = ''): boolean {
  if (type === 'integer') {
    const bound = bounds[format] ?? bounds['int64']!;
    if (typeof value === 'number' && !Number.isInteger(value)) return false;
    return value >= -bound && value < bound;
  }
  return format !== 'float' || Math.abs(Number(value)) <= 3.4028234663852886e38;
}
