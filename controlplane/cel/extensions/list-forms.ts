// Functions that make new lists: distinct, flatten, reverse, slice, sort, sortBy and lists.range. Source: cel-go's extension "lists".
import type { Environment } from '@marcbachmann/cel-js';
import { CelEvaluationError } from '../errors';
import { spendWork } from '../spending';
import { type Context, type Evaluator, type Macro, type Node, nameOf, type TypeChecker } from './macro';
import { keyOf } from './sets';

class Lists {}

type List = readonly unknown[];
type Comparable = bigint | number | string | boolean | Date;

const comparable = [
  'int',
  'uint',
  'double',
  'bool',
  'string',
  'bytes',
  'google.protobuf.Timestamp',
  'google.protobuf.Duration',
];

function distinct(list: List): unknown[] {
  const seen = new Set<string>();
  return list.filter((value) => {
    const key = keyOf(value);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function flatten(list: List, depth = 1n): unknown[] {
  if (depth < 0n) throw new CelEvaluationError('level must be non-negative');
  const flat = list.flat(Number(depth));
  spendWork(flat.length);
  return flat;
}

function slice(list: List, start: bigint, end: bigint): unknown[] {
  const refuse = (why: string) => new CelEvaluationError(`cannot slice(${start}, ${end}), ${why}`);
  if (start < 0n || end < 0n) throw refuse('negative indexes not supported');
  if (start > end) throw refuse('start index must be less than or equal to end index');
  if (end > BigInt(list.length)) throw refuse(`list is length ${list.length}`);
  return list.slice(Number(start), Number(end));
}

function range(count: bigint): bigint[] {
  // Before the list is made: one call can ask for any length.
  spendWork(count > 0n ? Number(count) : 0);
  return Array.from({ length: Math.max(0, Number(count)) }, (_value, i) => BigInt(i));
}

/** A number for what `<` does not order: bytes and durations. */
function rank(value: unknown): Comparable {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) return value.valueOf() as Comparable;
  return value as Comparable;
}

function sorted(list: List, keys: List): unknown[] {
  spendWork(list.length * Math.ceil(Math.log2(list.length + 1)));
  const ranks = keys.map(rank);
  const order = [...list.keys()].sort((a, b) => (ranks[a]! < ranks[b]! ? -1 : ranks[a]! > ranks[b]! ? 1 : 0));
  return order.map((i) => list[i]);
}

interface SortBy extends Macro {
  readonly list: Node;
  readonly variable: string;
  readonly key: Node;
  context?: Context;
}

const sortBy = ({ args, receiver }: { args: readonly Node[]; receiver: Node }): SortBy => ({
  ...{ list: receiver, variable: nameOf(args[0]!), key: args[1]!, async: false },
  typeCheck(checker: TypeChecker, macro: SortBy, context: Context) {
    const type = checker.check(macro.list, context);
    macro.context = context.forkWithVariable(macro.variable, type.valueType ?? checker.getType('dyn'));
    const key = checker.check(macro.key, macro.context);
    if (key.kind !== 'dyn' && !comparable.includes(key.name)) {
      throw checker.createError('no_such_overload', `found no matching overload for 'sortBy'`, macro.key);
    }
    return type;
  },
  evaluate(evaluator: Evaluator, macro: SortBy, context: Context) {
    const list = evaluator.run(macro.list, context);
    if (!Array.isArray(list)) throw new CelEvaluationError('no such overload');
    const keys = list.map((value) =>
      evaluator.run(macro.key, macro.context!.reuse(context).setIterValue(value, evaluator)),
    );
    return sorted(list, keys);
  },
});

export function registerListForms(environment: Environment): void {
  environment
    .registerType('k8ts.Lists', { ctor: Lists, fields: {} })
    .registerConstant('lists', 'k8ts.Lists', new Lists())
    .registerFunction('k8ts.Lists.range(int): list<int>', (_lists: Lists, count: bigint) => range(count))
    .registerFunction('list<A>.distinct(): list<A>', distinct)
    .registerFunction('list<A>.reverse(): list<A>', (list: List) => [...list].reverse())
    .registerFunction('list<A>.slice(int, int): list<A>', slice)
    .registerFunction('list<list<A>>.flatten(): list<A>', (list: List) => flatten(list))
    .registerFunction('list.flatten(int): list<dyn>', flatten)
    .registerFunction('list.sortBy(ast, ast): list<dyn>', sortBy);
  for (const type of comparable) {
    environment.registerFunction(`list<${type}>.sort(): list<${type}>`, (list: List) => sorted(list, list));
  }
}
