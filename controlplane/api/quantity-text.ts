// Splits the text of a quantity in one pass: sign, digits and suffix. Insignificant digits are dropped here, so that arithmetic
// never gets a number of a million digits.

export interface QuantityText {
  readonly negative: boolean;
  /** The significant digits, '' for zero: the amount is digits × 10^power, before its suffix. */
  readonly digits: string;
  readonly power: number;
  readonly suffix: string;
}

/** The largest quantity has 19 digits before the point and 9 after it; a binary suffix adds 19. */
const maxDigits = 128;
const zero = 0x30;
const nine = 0x39;

/** Undefined for a text without digits. */
export function splitQuantity(text: string): QuantityText | undefined {
  const negative = text.startsWith('-');
  const start = negative || text.startsWith('+') ? 1 : 0;
  const point = endOfDigits(text, start);
  const isPoint = text[point] === '.';
  const end = isPoint ? endOfDigits(text, point + 1) : point;
  const fraction = text.slice(point + 1, end);
  const all = text.slice(start, point) + fraction;
  if (all === '') return undefined;
  return { negative, ...shorten(withoutZeros(all), -fraction.length), suffix: text.slice(end) };
}

function endOfDigits(text: string, start: number): number {
  let end = start;
  while (end < text.length && text.charCodeAt(end) >= zero && text.charCodeAt(end) <= nine) end++;
  return end;
}

function withoutZeros(text: string): string {
  let first = 0;
  while (first < text.length && text.charCodeAt(first) === zero) first++;
  return text.slice(first);
}

/** The dropped digits count as a last digit 1, since quantities round away from zero. */
function shorten(digits: string, power: number): { readonly digits: string; readonly power: number } {
  if (digits.length <= maxDigits) return { digits, power };
  const dropped = digits.slice(maxDigits);
  const last = withoutZeros(dropped) === '' ? '0' : '1';
  return { digits: digits.slice(0, maxDigits) + last, power: power + dropped.length - 1 };
}
