// Counts the work of an evaluation. The library has no limit on it: each node of a checked expression gets a wrapper that counts one
// unit, and the nodes whose values are read as a whole (compared, searched) count their size too.

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

/** Operators and functions that read their operands as a whole. */
const traverses = new Set(['==', '!=', '<', '<=', '>', '>=', 'in', '+', 'call', 'rcall']);

/** @param spend counts units; it throws when they are used up */
export function meter(root: unknown, spend: (units: number) => void): void {
  const seen = new Set<object>();
  const visit = (value: unknown, isTraversed: boolean): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    if (!isNode(value)) {
      for (const inner of Object.values(value)) visit(inner, isTraversed);
      return;
    }
    wrap(value, spend, isTraversed);
    visit(value.args, traverses.has(value.op));
    visit(value.meta.alternate, isTraversed);
    visit(value.meta.macro, false);
  };
  visit(root, false);
}

const isNode = (value: object): value is Node =>
  'op' in value && 'meta' in value && typeof (value as Partial<Node>).evaluate === 'function';

function wrap(node: Node, spend: (units: number) => void, isTraversed: boolean): void {
  const { alternate, macro } = node.meta;
  const target = alternate ?? macro ?? node;
  const evaluate: Evaluate = target === node ? node.meta.evaluate : (target as { evaluate: Evaluate }).evaluate;
  node.evaluate = (evaluator, _node, context) => {
    spend(1);
    // Through the property, because the wrapper of an alternate replaces it.
    const value =
      target === node
        ? evaluate.call(node, evaluator, node, context)
        : (target as { evaluate: Evaluate }).evaluate(evaluator, target, context);
    if (isTraversed) spend(sizeOf(value) * traversalFactor);
    return value;
  };
}

/** Characters and elements, also of inner values. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  if (Array.isArray(value)) return value.reduce<number>((sum, inner) => sum + 1 + sizeOf(inner), 0);
  if (typeof value !== 'object' || value === null) return 0;
  if ('raw' in value) return sizeOf(value.raw);
  return Object.values(value).reduce<number>((sum, inner) => sum + 1 + sizeOf(inner), 0);
}
