// Whole numbers in text (annotations), read as Go reads them: digits with a sign, and nothing beyond the width of the type.
// A JavaScript number is exact up to 2^53 only, so 64 bits are a bigint.

const shape = /^[+-]?\d{1,40}$/;
export const largestInt64 = (1n << 63n) - 1n;

/** Undefined for a text that is not an int64. */
export function parseInt64(text: string | undefined): bigint | undefined {
  if (text === undefined || !shape.test(text)) return undefined;
  // BigInt knows no plus sign.
  const value = BigInt(text.replace(/^\+/, ''));
  return value > largestInt64 || value < -largestInt64 - 1n ? undefined : value;
}

/** Undefined for a text that is not an int32. */
export function parseInt32(text: string | undefined): number | undefined {
  const value = parseInt64(text);
  return value === undefined || BigInt.asIntN(32, value) !== value ? undefined : Number(value);
}
