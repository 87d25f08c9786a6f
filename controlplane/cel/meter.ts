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

/** Functions that cost more than a node: a check of permissions walks over the bindings of the user. */
const functionCosts: ReadonlyMap<unknown, number> = new Map([['check', 5_000]]);

/** Operators and functions that read their operands as a whole. */
const traverses = new Set(['==', '!=', '<', '<=', '>', '>=', 'in', '+', 'call', 'rcall']);

/** Functions that take several times as long per character or element. */
const slowFunctions: ReadonlySet<unknown> = new Set(['equivalent', 'format', 'intersects', 'replace', 'reverse']);
const slowFactor = 5;

/** How often the size of an operand counts. */
function readsOf({ op, args }: Node): number {
  if (!traverses.has(op)) return 0;
  const [name, , rest] = Array.isArray(args) ? args : [];
  // sets.contains has two arguments, and the function of texts has one.
  const isSetFunction = name === 'contains' && Array.isArray(rest) && rest.length === 2;
  return slowFunctions.has(name) || isSetFunction ? slowFactor : 1;
}

/** @param spend counts units; it throws when they are used up */
export function meter(root: unknown, spend: (units: number) => void): void {
  const seen = new Set<object>();
  const visit = (value: unknown, reads: number): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    if (!isNode(value)) {
      for (const inner of Object.values(value)) visit(inner, reads);
      return;
    }
    wrap(value, spend, reads);
    visit(value.args, readsOf(value));
    visit(value.meta.alternate, reads);
    visit(value.meta.macro, 0);
  };
  visit(root, 0);
}

const isNode = (value: object): value is Node =>
  'op' in value && 'meta' in value && typeof (value as Partial<Node>).evaluate === 'function';

function wrap(node: Node, spend: (units: number) => void, reads: number): void {
  const { alternate, macro } = node.meta;
  const target = alternate ?? macro ?? node;
  const evaluate: Evaluate = target === node ? node.meta.evaluate : (target as { evaluate: Evaluate }).evaluate;
  // A function may make a value that is larger than its operands.
  const sizes = reads + (node.op === 'rcall' || node.op === 'call' ? readsOf(node) : 0);
  const cost = 1 + (node.op === 'rcall' && Array.isArray(node.args) ? (functionCosts.get(node.args[0]) ?? 0) : 0);
  node.evaluate = (evaluator, _node, context) => {
    spend(cost);
    // Through the property, because the wrapper of an alternate replaces it.
    const value =
      target === node
        ? evaluate.call(node, evaluator, node, context)
        : (target as { evaluate: Evaluate }).evaluate(evaluator, target, context);
    if (sizes > 0) spend(sizeOf(value) * sizes * traversalFactor);
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
