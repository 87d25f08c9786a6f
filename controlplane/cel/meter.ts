// Counts the work of an evaluation. The library has no limit on it: each node of a checked expression gets a wrapper that counts one
// unit, and the nodes whose values are read as a whole (compared, searched) count their size too.

import { isZonedName } from './extensions/zoned-times';

/** The parts of the library's nodes that are used here. */
interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly meta: {
    readonly alternate?: Node;
    readonly macro?: object;
    readonly evaluate: Evaluate;
  };
  evaluate: Evaluate;
}
type Evaluate = (this: unknown, evaluator: unknown, node: unknown, context: unknown) => unknown;

/** A character or an element that is read costs a tenth of a node. Source: the traversal cost factor of upstream. */
const traversalFactor = 0.1;

/** An error on its way out of a node. */
const errorCost = 10;

/** Functions that cost more than a node: a check of permissions walks over the bindings of the user. */
const functionCosts: ReadonlyMap<unknown, number> = new Map([['check', 5_000]]);
/** Parts of a timestamp in a time zone: a formatter prints the date. */
const zonedCost = 50;

function costOf({ op, args }: Node): number {
  if (op !== 'rcall' || !Array.isArray(args)) return 1;
  const [name] = args as [unknown];
  return 1 + (isZonedName(name) ? zonedCost : (functionCosts.get(name) ?? 0));
}

/** Operators and functions that read their operands as a whole. */
const traverses = new Set(['==', '!=', '<', '<=', '>', '>=', 'in', '+', 'call', 'rcall']);

/** Functions that take several times as long per character or element. */
const slowFunctions: ReadonlySet<unknown> = new Set(['equivalent', 'format', 'intersects', 'replace', 'reverse']);
const slowFactor = 5;

/** Units for an operand of this size. */
type Reads = (size: number) => number;
const nothing: Reads = () => 0;
const readsAs = (times: number): Reads => (times === 0 ? nothing : (size) => size * times * traversalFactor);
/** The library reads durations with a pattern that tries all ways to split a row of digits, from each of them. */
const readsDuration: Reads = (size) => size ** 3 / 300;

function operandReads({ op, args }: Node): Reads {
  if (op === 'call' && Array.isArray(args) && args[0] === 'duration') return readsDuration;
  return readsAs(readsOf({ op, args }));
}

/** How often the size of an operand counts. */
function readsOf({ op, args }: Pick<Node, 'op' | 'args'>): number {
  if (!traverses.has(op)) return 0;
  const [name, , rest] = Array.isArray(args) ? args : [];
  // sets.contains has two arguments, and the function of texts has one.
  const isSetFunction = name === 'contains' && Array.isArray(rest) && rest.length === 2;
  return slowFunctions.has(name) || isSetFunction ? slowFactor : 1;
}

/** @param spend counts units; it throws when they are used up */
export function meter(root: unknown, spend: (units: number) => void): void {
  const seen = new Set<object>();
  const visit = (value: unknown, around: Reads): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    if (!isNode(value)) {
      for (const inner of Object.values(value)) visit(inner, around);
      return;
    }
    wrap(value, spend, around);
    visit(value.args, operandReads(value));
    visit(value.meta.alternate, around);
    visit(value.meta.macro, nothing);
  };
  visit(root, nothing);
}

const isNode = (value: object): value is Node =>
  'op' in value && 'meta' in value && typeof (value as Partial<Node>).evaluate === 'function';

function wrap(node: Node, spend: (units: number) => void, around: Reads): void {
  const { alternate, macro } = node.meta;
  const target = alternate ?? macro ?? node;
  const evaluate: Evaluate = target === node ? node.meta.evaluate : (target as { evaluate: Evaluate }).evaluate;
  // A function may make a value that is larger than its operands.
  const result = node.op === 'rcall' || node.op === 'call' ? readsAs(readsOf(node)) : nothing;
  const isRead = around !== nothing || result !== nothing;
  const cost = costOf(node);
  node.evaluate = (evaluator, _node, context) => {
    spend(cost);
    let value: unknown;
    try {
      // Through the property, because the wrapper of an alternate replaces it.
      value =
        target === node
          ? evaluate.call(node, evaluator, node, context)
          : (target as { evaluate: Evaluate }).evaluate(evaluator, target, context);
    } catch (err) {
      // An error that the expression hides may occur for each element.
      spend(errorCost);
      throw err;
    }
    if (isRead) {
      const size = sizeOf(value);
      spend(around(size) + result(size));
    }
    return value;
  };
}

/** An entry of a map takes as long as this many characters: its type is looked up. */
const entrySize = 10;

/** Characters and elements, also of inner values. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  if (Array.isArray(value)) return value.reduce<number>((sum, inner) => sum + 1 + sizeOf(inner), 0);
  if (typeof value !== 'object' || value === null) return 0;
  if ('raw' in value) return sizeOf(value.raw);
  return Object.values(value).reduce<number>((sum, inner) => sum + entrySize + sizeOf(inner), 0);
}
