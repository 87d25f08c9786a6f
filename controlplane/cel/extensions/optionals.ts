// Functions of optional values that the library lacks: optMap, optFlatMap, optional.ofNonZeroValue, and equality.
import { type Environment, Optional } from '@marcbachmann/cel-js';
import { CelEvaluationError } from '../errors';
import { type Context, type Macro, type Node, nameOf, type TypeChecker } from './macro';

interface Mapping extends Macro {
  readonly receiver: Node;
  readonly variable: string;
  readonly mapped: Node;
  context?: Context;
}

/** @param flat the mapped expression is optional itself */
const mapping =
  (flat: boolean) =>
  ({ args, receiver }: { args: readonly Node[]; receiver: Node }): Mapping => ({
    receiver,
    variable: nameOf(args[0]!),
    mapped: args[1]!,
    async: false,
    typeCheck(checker: TypeChecker, macro: Mapping, context: Context) {
      const type = checker.check(macro.receiver, context);
      if (type.kind !== 'optional' && type.kind !== 'dyn') {
        throw checker.createError(
          'optional_expected',
          `found no matching overload for '${type}.optMap'`,
          macro.receiver,
        );
      }
      const inner = type.kind === 'optional' ? type.valueType! : type;
      macro.context = context.forkWithVariable(macro.variable, inner);
      const result = checker.check(macro.mapped, macro.context);
      return flat ? result : checker.registry.getOptionalType(result);
    },
    evaluate(evaluator, macro: Mapping, context: Context) {
      const value = evaluator.run(macro.receiver, context);
      if (!(value instanceof Optional)) throw new CelEvaluationError('no such overload');
      if (!value.hasValue()) return value;
      const inner = macro.context!.reuse(context).setIterValue(value.value(), evaluator);
      const result = evaluator.run(macro.mapped, inner);
      return flat ? result : Optional.of(result);
    },
  });

function isZero(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== 'object' || value === null) return value === null || !value;
  return Object.getPrototypeOf(value) === Object.prototype && Object.keys(value).length === 0;
}

export function registerOptionals(environment: Environment): void {
  environment
    .registerFunction('optional.optMap(ast, ast): optional<dyn>', mapping(false))
    .registerFunction('optional.optFlatMap(ast, ast): optional<dyn>', mapping(true))
    .registerFunction('OptionalNamespace.ofNonZeroValue(A): optional<A>', (_namespace: unknown, value: unknown) =>
      isZero(value) ? Optional.none() : Optional.of(value),
    )
    // As in cel-go, where null can be compared with every type that may be absent; an optional value is never null, even without value.
    .registerOperator('optional<dyn> == null', () => false);
}
