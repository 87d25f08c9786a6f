// Comprehensions with two variables: the index or key, and the value. all, exists, existsOne, transformList, transformMap and
// transformMapEntry. Source: cel-go's extension "two-var comprehensions".
import type { Environment } from '@marcbachmann/cel-js';
import { CelEvaluationError } from '../errors';
import { type CelType, type Context, type Evaluator, type Macro, type Node, nameOf, type TypeChecker } from './macro';

interface Comprehension extends Macro {
  readonly range: Node;
  readonly key: string;
  readonly value: string;
  readonly filter: Node | undefined;
  readonly step: Node;
  outer?: Context;
  inner?: Context;
}

/** Runs one step for an entry. */
type Step = (node: Node) => unknown;
type Reduce = (entries: Iterable<Step>, macro: Comprehension) => unknown;

interface Definition {
  readonly reduce: Reduce;
  /** From the type of the step and of the keys; undefined: the step must be a bool, and so is the result. */
  readonly result?: (checker: TypeChecker, step: CelType, key: CelType) => CelType;
}

function bool(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new CelEvaluationError('no such overload');
  return value;
}

/** As `||` and `&&`: an error counts only when no other entry decides. */
const quantifier =
  (decisive: boolean): Reduce =>
  (entries, { step }) => {
    let failure: unknown;
    let failed = false;
    for (const run of entries) {
      try {
        if (bool(run(step)) === decisive) return decisive;
      } catch (err) {
        if (!failed) failure = err;
        failed = true;
      }
    }
    if (failed) throw failure;
    return !decisive;
  };

function* kept(entries: Iterable<Step>, { filter }: Comprehension): Iterable<Step> {
  for (const run of entries) if (!filter || bool(run(filter))) yield run;
}

const existsOne: Reduce = (entries, { step }) => {
  let found = 0;
  for (const run of entries) if (bool(run(step))) found++;
  return found === 1;
};

const transformList: Reduce = (entries, macro) => {
  const list: unknown[] = [];
  for (const run of kept(entries, macro)) list.push(run(macro.step));
  return list;
};

/** A plain object when all keys are texts: so are the maps of JSON. */
const mapOf = (map: ReadonlyMap<unknown, unknown>): unknown =>
  [...map.keys()].every((key) => typeof key === 'string') ? Object.fromEntries(map) : map;

const transformMap: Reduce = (entries, macro) => {
  const map = new Map<unknown, unknown>();
  for (const run of kept(entries, macro)) map.set(run(keyNode), run(macro.step));
  return mapOf(map);
};

const transformMapEntry: Reduce = (entries, macro) => {
  const map = new Map<unknown, unknown>();
  for (const run of kept(entries, macro)) {
    for (const [key, value] of entriesOf(run(macro.step))) {
      if (map.has(key)) throw new CelEvaluationError(`insert failed: key ${String(key)} already exists`);
      map.set(key, value);
    }
  }
  return mapOf(map);
};

/** Stands for the key of the entry itself. */
const keyNode: Node = { op: 'key', args: undefined };

const definitions: Readonly<Record<string, Definition>> = {
  all: { reduce: quantifier(false) },
  exists: { reduce: quantifier(true) },
  existsOne: { reduce: existsOne },
  exists_one: { reduce: existsOne },
  transformList: { reduce: transformList, result: ({ registry }, step) => registry.getListType(step) },
  transformMap: { reduce: transformMap, result: ({ registry }, step, key) => registry.getMapType(key, step) },
  transformMapEntry: { reduce: transformMapEntry, result: (_checker, step) => step },
};
const withFilter = ['transformList', 'transformMap', 'transformMapEntry'];

function* entriesOf(range: unknown): Iterable<readonly [unknown, unknown]> {
  if (Array.isArray(range)) {
    for (const [i, value] of range.entries()) yield [BigInt(i), value];
  } else if (range instanceof Map) yield* range;
  else if (typeof range === 'object' && range !== null) yield* Object.entries(range);
  else throw new CelEvaluationError('no such overload');
}

function* steps(evaluator: Evaluator, macro: Comprehension, context: Context): Iterable<Step> {
  for (const [key, value] of entriesOf(evaluator.run(macro.range, context))) {
    const outer = macro.outer!.reuse(context).setIterValue(key, evaluator);
    const inner = macro.inner!.reuse(outer).setIterValue(value, evaluator);
    yield (node) => (node === keyNode ? key : evaluator.run(node, inner));
  }
}

function typeCheck(checker: TypeChecker, macro: Comprehension, context: Context, { result }: Definition): CelType {
  const range = checker.check(macro.range, context);
  const dynamic = checker.getType('dyn');
  if (!['list', 'map', 'dyn'].includes(range.kind)) {
    throw checker.createError(
      'invalid_comprehension_range',
      `expression of type '${range.name}' cannot be range of a comprehension (must be list, map, or dynamic)`,
      macro.range,
    );
  }
  const key = range.kind === 'list' ? checker.getType('int') : (range.keyType ?? dynamic);
  macro.outer = context.forkWithVariable(macro.key, key);
  macro.inner = macro.outer.forkWithVariable(macro.value, range.valueType ?? dynamic);
  const step = checker.check(macro.step, macro.inner);
  for (const [node, type] of macro.filter
    ? ([[macro.filter, checker.check(macro.filter, macro.inner)]] as const)
    : result
      ? []
      : ([[macro.step, step]] as const)) {
    if (!type.isDynOrBool()) {
      throw checker.createError('invalid_condition_type', `expected type 'bool' but found '${type.name}'`, node);
    }
  }
  return result ? result(checker, step, key) : checker.getType('bool');
}

export function registerTwoVariables(environment: Environment): void {
  const register = (name: string, definition: Definition, filtered: boolean) => {
    const parameters = Array(filtered ? 4 : 3).fill('ast');
    environment.registerFunction(
      `list.${name}(${parameters.join(', ')}): dyn`,
      ({ args, receiver }: { args: readonly Node[]; receiver: Node }): Comprehension => ({
        ...{ range: receiver, key: nameOf(args[0]!), value: nameOf(args[1]!) },
        ...{ filter: filtered ? args[2] : undefined, step: args[filtered ? 3 : 2]!, async: false },
        typeCheck: (checker, macro, context) => typeCheck(checker, macro as Comprehension, context, definition),
        evaluate: (evaluator, macro, context) =>
          definition.reduce(steps(evaluator, macro as Comprehension, context), macro as Comprehension),
      }),
    );
  };
  for (const [name, definition] of Object.entries(definitions)) register(name, definition, false);
  for (const name of withFilter) register(name, definitions[name]!, true);
}
