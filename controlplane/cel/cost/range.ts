// Ranges of sizes and costs: what an expression has or takes at least, and at most. Pure.

/** Whole numbers. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** No sum and no product is larger: upstream counts in 64 bits. */
export const most = 2 ** 64;
export const unknown: Range = { min: 0, max: most };

export const exactly = (value: number): Range => ({ min: value, max: value });
export const nothing = exactly(0);

export const add = (...ranges: readonly Range[]): Range =>
  ranges.reduce((a, b) => ({ min: Math.min(most, a.min + b.min), max: Math.min(most, a.max + b.max) }), nothing);
export const multiply = (a: Range, b: Range): Range => ({
  min: Math.min(most, a.min * b.min),
  max: Math.min(most, a.max * b.max),
});
/** Rounded up. */
export const scale = ({ min, max }: Range, factor: number): Range => ({
  min: Math.min(most, Math.ceil(min * factor)),
  max: Math.min(most, Math.ceil(max * factor)),
});
/** The smallest range that holds both. */
export const union = (a: Range, b: Range): Range => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) });
