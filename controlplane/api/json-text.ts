// Reads JSON from outside. A value is kept exactly as it was sent, or the text is refused: JavaScript would round integers above
// 2^53 and silently turn 1e999 into null, and code that walks a text of many thousand levels would overflow the stack.
//
// In objects of custom kinds such an integer is a bigint, up to 64 bits as in Go. No field of a built-in kind needs one: there it is refused.
import { BadRequest, TooLarge } from '../base/errors';
import { jsonSyntaxError } from './schema/json-error';

/** Levels of objects and lists. Upstream allows 10,000; no kind has more than about thirty. */
export const maxJsonDepth = 1_000;
/**
 * Fields and items of one body. Upstream counts only bytes; but 3 MB can hold `1,` a million times, and code that walks that
 * blocks the event loop. No kind needs as many: an EndpointSlice of 1,000 endpoints has about 15,000.
 */
export const maxJsonValues = 20_000;
export const tooManyValues = (limit = maxJsonValues): TooLarge =>
  new TooLarge(`Request entity too large: limit is ${limit} fields and items`);
export const tooDeep = (): BadRequest => new BadRequest('exceeded max depth');

const quote = 0x22;
const backslash = 0x5c;
const minus = 0x2d;
const zero = 0x30;
const nine = 0x39;
/** Every whole number with fewer digits is exact. */
const exactDigits = 15;

/** What happens to an integer that a number cannot hold: it is refused, or kept as a bigint. */
export type LargeIntegers = 'refused' | 'kept';

/**
 * @throws BadRequest for invalid JSON (with the message of Go's decoder), a number that cannot be kept, or more than
 * maxJsonDepth levels; TooLarge for more than maxValues fields and items, without those of managedFields
 */
export function parseJson(bytes: Buffer, maxValues = maxJsonValues, largeIntegers: LargeIntegers = 'refused'): unknown {
  const { depth, values, exact } = scan(bytes);
  if (depth > maxJsonDepth) throw tooDeep();
  if (values > ownersFactor * maxValues) throw tooManyValues(maxValues);
  const text = bytes.toString();
  let value: unknown;
  try {
    value = exact ? JSON.parse(text) : JSON.parse(text, largeIntegers === 'kept' ? keepInteger : checkNumber);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new BadRequest(jsonSyntaxError(bytes) ?? cause.message);
  }
  if (values > maxValues && values - ownersIn(value) > maxValues) throw tooManyValues(maxValues);
  return value;
}

/**
 * True for JSON, and for a text that parseJson refuses before it reads it: one that is too deep or has too many values. In the time of
 * parseJson.
 */
export function isJson(bytes: Buffer): boolean {
  const { depth, values } = scan(bytes);
  if (depth > maxJsonDepth || values > ownersFactor * maxJsonValues) return true;
  try {
    JSON.parse(bytes.toString());
    return true;
  } catch {
    return false;
  }
}

/** A body with owners may have so many times more: in managedFields each field has an object of its own. */
const ownersFactor = 4;

/**
 * The fields and items of metadata.managedFields. The server wrote them, about two for each field of the object: what could be created must
 * be taken back in an update, so these are not counted.
 */
function ownersIn(value: unknown): number {
  const { managedFields } = (value as { metadata?: { managedFields?: unknown } } | null)?.metadata ?? {};
  return managedFields === undefined ? 0 : scan(Buffer.from(JSON.stringify(managedFields))).values;
}

/** One pass that costs about a tenth of parsing. `exact` is true when parsing certainly changes no number. */
function scan(bytes: Buffer): { readonly depth: number; readonly values: number; readonly exact: boolean } {
  // The first value of an object or a list comes after its bracket, every other value after a comma.
  let values = 1;
  let depth = 0;
  let deepest = 0;
  let exact = true;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte === quote) {
      for (i++; i < bytes.length && bytes[i] !== quote; i++) if (bytes[i] === backslash) i++;
    } else if ((byte >= zero && byte <= nine) || byte === minus) {
      const end = endOfNumber(bytes, i + 1);
      const last = bytes[end];
      // An exponent may make any number too large.
      if (end - i > exactDigits || last === 0x65 || last === 0x45) exact = false;
      i = end - 1;
    } else if (byte === 0x2c) values++;
    else if (byte === 0x5b || byte === 0x7b) {
      values++;
      if (++depth > deepest) deepest = depth;
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return { depth: deepest, values, exact };
}

function endOfNumber(bytes: Buffer, start: number): number {
  let end = start;
  while (end < bytes.length && ((bytes[end]! >= zero && bytes[end]! <= nine) || bytes[end] === 0x2e)) end++;
  return end;
}

function checkNumber(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number') return value;
  const source = context?.source ?? '';
  if (!Number.isFinite(value)) throw notKept(source, 'float64');
  if (!/[.eE]/.test(source) && !Number.isSafeInteger(value) && String(value) !== source) throw notKept(source, 'int64');
  return value;
}

function keepInteger(key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source ?? '';
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !/^-?\d+$/.test(source)) {
    return checkNumber(key, value, context);
  }
  const integer = BigInt(source);
  return BigInt.asIntN(64, integer) === integer ? integer : checkNumber(key, value, context);
}

/** Sixteen digits are the fewest of an integer above 2^53. In most objects only texts have as many, and few of those. */
const manyDigits = /\d{16}/;

/** JSON that this server wrote, with its large integers. */
export const parseStored = (json: string): unknown =>
  manyDigits.test(json) ? JSON.parse(json, keepInteger) : JSON.parse(json);

/** Not in the types of TypeScript yet: https://tc39.es/proposal-json-parse-with-source/ */
interface RawJson {
  rawJSON(text: string): object;
}

/** Lets JSON.stringify write a bigint as the integer that it is. Without it, JSON.stringify throws. Repeatable. */
export function writeLargeIntegers(): void {
  const toJSON = function (this: bigint): unknown {
    return (JSON as unknown as RawJson).rawJSON(this.toString());
  };
  Object.defineProperty(BigInt.prototype, 'toJSON', { value: toJSON, configurable: true, writable: true });
}

/** `type` is upstream's type of the number. */
export const notKept = (source: string, type: 'int64' | 'float64'): BadRequest =>
  new BadRequest(
    `json: cannot unmarshal number ${source.slice(0, 40)} into Go value of type ${type}: it cannot be kept exactly`,
  );
