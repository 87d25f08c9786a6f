// Expressions that were compiled once and are evaluated for each request, with upstream's messages for what goes wrong.

import type { Activation } from '../../cel/activation';
import type { CostBudget } from '../../cel/budget';
import { CostExceeded } from '../../cel/budget';
import type { CelEnvironment, CelProgram } from '../../cel/engine';
import { CelCompileError, CelEvaluationError } from '../../cel/errors';

export interface Expression {
  readonly text: string;
  /** The error is reported at each evaluation: for an expression that another version of the server has accepted. */
  readonly program: CelProgram | CelCompileError;
}

/** @param results the types that the expression may have; 'dyn': any */
export function compileExpression(
  environment: CelEnvironment,
  text: string,
  ...results: readonly string[]
): Expression {
  try {
    const [result = 'dyn'] = results;
    if (results.length < 2) return { text, program: environment.compile(text, result) };
    const program = environment.compile(text, 'dyn');
    if (results.includes(program.type) || (program.type === 'dyn' && !program.isUnknown)) return { text, program };
    const expected = results.map((type) => (type === 'null' ? 'null_type' : type)).join(' ');
    throw new CelCompileError(`must evaluate to one of [${expected}] but got ${program.type}`);
  } catch (err) {
    if (!(err instanceof CelCompileError)) throw err;
    return { text, program: err };
  }
}

/** The value, or why there is none. `exhausted`: no further expression may run. */
export type Outcome = { readonly value: unknown } | { readonly error: string; readonly exhausted: boolean };

export function evaluate({ text, program }: Expression, { context }: Activation, budget: CostBudget): Outcome {
  if (program instanceof CelCompileError) return { error: `compilation error: ${program.message}`, exhausted: false };
  try {
    return { value: program.evaluate(context, budget) };
  } catch (err) {
    if (err instanceof CostExceeded && err.limit === 'all') return { error: err.message, exhausted: true };
    if (!(err instanceof CostExceeded || err instanceof CelEvaluationError)) throw err;
    return { error: `expression '${text}' resulted in error: ${err.message}`, exhausted: false };
  }
}

/** True, or undefined when a condition is false, or the text of the errors. */
export function matchAll(
  conditions: readonly Expression[],
  activation: Activation,
  budget: CostBudget,
): true | string | undefined {
  const errors: string[] = [];
  for (const condition of conditions) {
    const outcome = evaluate(condition, activation, budget);
    if ('error' in outcome) {
      if (outcome.exhausted) return outcome.error;
      errors.push(outcome.error);
    } else if (outcome.value !== true) return undefined;
  }
  if (errors.length === 0) return true;
  return errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`;
}

/** A variable without a known type is dyn: one that does not compile, and an empty list. */
export function variableType({ program }: Expression): string {
  if (program instanceof CelCompileError) return 'dyn';
  const { type } = program;
  return type.startsWith('dyn') || /\b[A-Z]\b/.test(type) ? 'dyn' : type;
}
