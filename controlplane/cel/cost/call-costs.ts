// What calls of functions cost: the numbers of upstream's cost model. Pure.
import type { CheckedType, Node } from './node';
import { add, exactly, most, multiply, type Range, scale, unknown } from './range';
import { steps } from './sizes';

/** To read a character costs a tenth of an operation, a character of a pattern a quarter. */
const readFactor = 0.1;
const patternFactor = 0.25;
/** Upstream's bound for the pattern of a named format. */
const maxFormatPattern = 128;
/** Of an address as bytes: version 4 and version 6. */
const addressSize: Range = { min: 4, max: 16 };
const authorizationCost = 350_000;

/** An operand, with what is known of its value. */
export interface Operand {
  readonly node: Node;
  readonly path: readonly string[] | undefined;
  readonly size: Range | undefined;
  readonly type: CheckedType | undefined;
}

export interface CallCost {
  /** Without that of the operands. */
  readonly cost: Range;
  /** Of the result. */
  readonly size?: Range;
}

export interface SizeSource {
  sizeAt(path: readonly string[] | undefined): Range | undefined;
}

type Estimate = (call: {
  readonly target: Operand | undefined;
  readonly args: readonly Operand[];
  readonly source: SizeSource;
}) => CallCost | undefined;

const once: CallCost = { cost: exactly(1) };
const sizeOf = (operand: Operand): Range => operand.size ?? unknown;
const reads = (operand: Operand, times = 1): Range => scale(sizeOf(operand), times * readFactor);
const readsArgument =
  (times = 1): Estimate =>
  ({ args: [first] }) =>
    first && { cost: reads(first, times) };
const accessor: Estimate = () => once;

/** The size of an item, when the operand is a list. */
function itemSize({ path }: Operand, source: SizeSource): Range {
  return (path && source.sizeAt([...path, steps.item])) ?? unknown;
}

/** A comparison for each item, and the reading of items that are texts. A text is read once. */
const eachItem: Estimate = ({ target, source }) => {
  if (!target) return undefined;
  if (target.type?.kind !== 'list') return { cost: reads(target) };
  const isText = ['string', 'bytes'].includes(target.type.valueType?.name ?? '');
  const item = isText ? add(exactly(1), scale(itemSize(target, source), readFactor)) : exactly(1);
  return { cost: multiply(sizeOf(target), item) };
};

const keepsSize: Estimate = ({ target }) => target && { cost: reads(target), size: sizeOf(target) };

/** A pattern is tried at each character. */
const search = (text: Operand, pattern: Operand): Range =>
  multiply(scale(add(sizeOf(text), exactly(1)), readFactor), scale(sizeOf(pattern), patternFactor));

const find: Estimate = ({ target, args: [pattern] }) =>
  target && pattern && { cost: search(target, pattern), size: { min: 0, max: sizeOf(target).max } };

const split: Estimate = ({ target, args }) => {
  if (!target) return undefined;
  const size = sizeOf(target);
  const limit = args[1]?.node.op === 'value' ? Number(args[1].node.args) : size.max;
  return { cost: scale(size, 2 * readFactor), size: { min: 0, max: limit } };
};

const join: Estimate = ({ target, args: [separator], source }) => {
  if (!target) return undefined;
  const list = sizeOf(target);
  const texts = multiply(list, itemSize(target, source));
  const between = { min: Math.max(0, list.min - 1), max: Math.max(0, list.max - 1) };
  const size = separator ? add(texts, multiply(sizeOf(separator), between)) : texts;
  return { cost: scale(size, readFactor), size };
};

const replace: Estimate = ({ target, args: [from, to] }) => {
  if (!target || !from || !to) return undefined;
  const [size, old, fresh] = [sizeOf(target), sizeOf(from), sizeOf(to)];
  const count = { min: 0, max: 0 };
  const kept = { min: 0, max: 0 };
  // The longest result: the smallest texts are replaced by the largest.
  if (old.min === 0) [count.max, kept.max] = [size.max + 1, size.max];
  else if (fresh.max <= old.min) kept.max = size.max;
  else count.max = Math.ceil(size.max / old.min);
  // The shortest one.
  if (old.max === 0) [count.min, kept.min] = [size.min + 1, size.min];
  else if (old.max <= fresh.min) kept.min = size.min;
  else count.min = Math.ceil(size.min / old.max);
  return { cost: scale(size, 2 * readFactor), size: add(multiply(count, fresh), kept) };
};

/** `ofText`: the other operand is a text, which is read first. */
const contains =
  (base: Range): Estimate =>
  ({ args: [other] }) =>
    other && { cost: other.type?.name === 'string' ? add(base, reads(other)) : base };
const compareAddresses = scale(add(addressSize, addressSize), readFactor);

const selector: Estimate = ({ args: [text] }) => {
  if (!text) return undefined;
  const requirements = scale(sizeOf(text), 0.5);
  return { cost: add(exactly(10), reads(text), scale(requirements, 50)) };
};

const sets =
  (factor: number): Estimate =>
  ({ args: [first, second] }) =>
    first && second && { cost: add(scale(multiply(sizeOf(first), sizeOf(second)), factor), exactly(1)) };

const allocated = (size: Range, factor = 1): CallCost => ({ cost: add(scale(size, factor), exactly(11)), size });

const square = (size: Range): Range => multiply(size, size);
/** The value of a number that the expression names. */
const literal = ({ node }: Operand, otherwise: number): number =>
  node.op === 'value' && typeof node.args === 'bigint' ? Number(node.args) : otherwise;
const quotedSize = ({ min, max }: Range): Range => ({ min: min + 2, max: max * 2 + 2 });

const slice: Estimate = ({ target, args: [start, end] }) =>
  target && start && end && allocated(exactly(literal(end, sizeOf(target).max) - literal(start, 0)));

/** Each element is compared with each other one; texts are read, too. */
export const sorting = ({ size = unknown }: Pick<Operand, 'size'>, element: string | undefined): CallCost =>
  allocated(square(size), element === 'string' || element === 'bytes' ? 2 + readFactor : 2);

const named = (names: string, estimate: Estimate): [string, Estimate][] =>
  names.split(' ').map((name) => [name, estimate]);

/** By name. The same name may belong to functions of several types. */
const estimates: ReadonlyMap<string, Estimate> = new Map([
  ...named('check', () => ({ cost: exactly(authorizationCost) })),
  ...named('serviceAccount path group resource subresource namespace name allowed reason error errored', accessor),
  ...named('fieldSelector labelSelector', selector),
  ...named('isSorted sum max min indexOf lastIndexOf', eachItem),
  ...named('url jsonpatch.escapeKey', ({ args: [text] }) => text && { cost: reads(text), size: sizeOf(text) }),
  ...named('lowerAscii upperAscii substring trim', keepsSize),
  ...named('replace', replace),
  ...named('split', split),
  ...named('join', join),
  ...named('find findAll', find),
  ...named('cidr isIP isCIDR quantity isQuantity semver isSemver', readsArgument()),
  ...named('ip', ({ target, args: [text] }) => (target ? once : text && { cost: reads(text) })),
  ...named('ip.isCanonical', readsArgument(2)),
  ...named('masked prefixLength family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast', accessor),
  ...named('isGlobalUnicast format.named', accessor),
  ...named('containsIP', contains(compareAddresses)),
  ...named('containsCIDR', contains(add(compareAddresses, scale(addressSize, readFactor), exactly(1)))),
  ...named('validate', ({ args: [text] }) => text && { cost: scale(reads(text), maxFormatPattern * patternFactor) }),
  ...named('sign asInteger isInteger asApproximateFloat isGreaterThan isLessThan compareTo add sub', accessor),
  ...named('major minor patch getScheme getHostname getHost getPort getEscapedPath getQuery', accessor),
  ...named('sets.contains sets.intersects', sets(1)),
  ...named('sets.equivalent', sets(2)),
  ...named('format', ({ target }) => target && { cost: reads(target) }),
  ...named('startsWith endsWith', readsArgument()),
  ...named('matches', ({ target, args: [pattern] }) => target && pattern && { cost: search(target, pattern) }),
  ...named('contains', ({ target, args: [part] }) => target && part && { cost: multiply(reads(target), reads(part)) }),
  ...named('distinct', ({ target }) => target && allocated(square(sizeOf(target)), 2)),
  ...named('reverse', ({ target }) => target && allocated(sizeOf(target))),
  ...named('slice', slice),
  ...named(
    'flatten',
    ({ target, args: [depth] }) => target && allocated(sizeOf(target), depth ? literal(depth, most) : 1),
  ),
  ...named('lists.range', ({ args: [count] }) => count && allocated(exactly(literal(count, most)))),
  ...named('sort', ({ target }) => target && sorting(target, target.type?.valueType?.name)),
  ...named('strings.quote', ({ args: [text] }) => text && { cost: reads(text), size: quotedSize(sizeOf(text)) }),
]);

/** Upstream's cost of a call, without its operands. */
export function callCost(
  name: string,
  target: Operand | undefined,
  args: readonly Operand[],
  source: SizeSource,
): CallCost {
  return estimates.get(name)?.({ target, args, source }) ?? conversionCost(name, args) ?? once;
}

function conversionCost(name: string, [value]: readonly Operand[]): CallCost | undefined {
  if (!value) return undefined;
  const size = sizeOf(value);
  if (name === 'bytes' && value.type?.name === 'string')
    return { cost: reads(value), size: { min: size.min, max: size.max * 4 } };
  if (name === 'string' && value.type?.name === 'bytes') {
    return { cost: reads(value), size: { min: Math.floor(size.min / 4), max: size.max } };
  }
  return undefined;
}

/** To compare two values: as long as the smaller one. */
export function comparisonCost(a: Operand, b: Operand): Range {
  const smaller = Math.min(sizeOf(a).max, sizeOf(b).max);
  return scale({ min: smaller > 0 ? 1 : 0, max: smaller }, readFactor);
}

export const concatenation = (a: Operand, b: Operand): Range => add(sizeOf(a), sizeOf(b));
export const readCost = (size: Range): Range => scale(size, readFactor);
