// Resource quantities as Kubernetes writes them (500m, 1.5Gi, 2e3): exact arithmetic in billionths, canonical text.
// Source: the Quantity section of the API reference and apimachinery's documented canonical form.
import { BadRequest } from '../base/errors';
import { splitQuantity } from './quantity-text';

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** An amount in billionths; `format` is the family of suffixes of its text. */
export interface Quantity {
  readonly nano: bigint;
  readonly format: QuantityFormat;
}

const nanoPerUnit = 1_000_000_000n;
const nanoPerMilli = 1_000_000n;
/** Larger amounts are reduced to this bound, as upstream does. */
const largest = (1n << 63n) - 1n;

const decimalSuffix: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binarySuffix: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };
const wrongShape = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/**
 * Parses a quantity; digits below one billionth round away from zero.
 * @throws BadRequest with upstream's message when the text is not a quantity
 */
export function parseQuantity(text: string | number): Quantity {
  const parts = splitQuantity(String(text).trim());
  if (!parts) throw new BadRequest(wrongShape);
  const { format, numerator, tenPower } = readSuffix(parts.suffix);
  const magnitude = amountOf(parts.digits, parts.power + tenPower, numerator);
  return { nano: parts.negative ? -magnitude : magnitude, format };
}

/** With a larger power of ten an amount is above the bound, or below a billionth, for every suffix. */
const maxPower = 64;

/** In billionths, up to the bound. */
function amountOf(digits: string, power: number, numerator: bigint): bigint {
  const bound = largest * nanoPerUnit;
  if (digits === '') return 0n;
  if (digits.length + power > maxPower) return bound;
  if (digits.length + power < -maxPower) return 1n;
  const amount = BigInt(digits) * numerator;
  const nanoPower = power + 9;
  const nano = nanoPower >= 0 ? amount * 10n ** BigInt(nanoPower) : divideUp(amount, 10n ** BigInt(-nanoPower));
  return nano > bound ? bound : nano;
}

interface Suffix {
  readonly format: QuantityFormat;
  readonly numerator: bigint;
  readonly tenPower: number;
}

function readSuffix(suffix: string): Suffix {
  const binary = binarySuffix[suffix];
  if (binary !== undefined) return { format: 'BinarySI', numerator: 1n << binary, tenPower: 0 };
  const decimal = decimalSuffix[suffix];
  if (decimal !== undefined) return { format: 'DecimalSI', numerator: 1n, tenPower: decimal };
  const exponent = /^[eE]([+-]?\d{1,9})$/.exec(suffix);
  if (exponent) return { format: 'DecimalExponent', numerator: 1n, tenPower: Number(exponent[1]) };
  throw new BadRequest(/^[eEinumkKMGTP]*[-+]?\d*$/.test(suffix) ? "unable to parse quantity's suffix" : wrongShape);
}

/** Rounds away from zero, as all quantities do. */
function divideUp(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  const remainder = value % by;
  if (remainder === 0n) return quotient;
  return value < 0n ? quotient - 1n : quotient + 1n;
}

export function isQuantity(text: string | number): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch {
    return false;
  }
}

/** The canonical text: no fraction, the largest suffix that keeps the number whole. */
export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return '0';
  const small = nano > -1024n * nanoPerUnit && nano < 1024n * nanoPerUnit;
  if (format === 'BinarySI' && !small) return formatBinary(divideUp(nano, nanoPerUnit));
  let power = -9;
  let number = nano;
  while (power < 18 && number % 1000n === 0n) {
    number /= 1000n;
    power += 3;
  }
  if (format === 'DecimalExponent') return power === 0 ? `${number}` : `${number}e${power}`;
  return `${number}${Object.keys(decimalSuffix).find((suffix) => decimalSuffix[suffix] === power)}`;
}

function formatBinary(value: bigint): string {
  let number = value;
  let step = 0;
  const suffixes = ['', ...Object.keys(binarySuffix)];
  while (step < suffixes.length - 1 && number % 1024n === 0n) {
    number /= 1024n;
    step++;
  }
  return `${number}${suffixes[step]}`;
}

/** Thousandths, rounded up: the unit of CPU. */
export const milliValue = (text: string | number): number => Number(divideUp(parseQuantity(text).nano, nanoPerMilli));

/** Whole units, rounded up: bytes, pods, devices. */
export const unitValue = (text: string | number): number => Number(divideUp(parseQuantity(text).nano, nanoPerUnit));

export const compareQuantities = (a: Quantity, b: Quantity): number => (a.nano < b.nano ? -1 : a.nano > b.nano ? 1 : 0);

/** The sum keeps the format of `a`, except that a zero takes that of `b`. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano + b.nano, format: a.nano === 0n ? b.format : a.format };
}

export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano - b.nano, format: a.nano === 0n ? b.format : a.format };
}

/** Canonical text with nothing below thousandths: what the API stores in resource lists. @throws BadRequest */
export function canonicalResource(text: string | number): string {
  const { nano, format } = parseQuantity(text);
  return formatQuantity({ nano: divideUp(nano, nanoPerMilli) * nanoPerMilli, format });
}

/** In place: the amounts of a resource list as the API stores them. @throws BadRequest */
export function canonicalize(resources: Record<string, string>): void {
  for (const [name, amount] of Object.entries(resources)) resources[name] = canonicalResource(amount);
}
