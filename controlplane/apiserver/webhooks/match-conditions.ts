// The match conditions of a webhook: expressions over the request, all of which must be true for the webhook to be called.

import type { FieldSchema } from '../../api/schema/schema';
import { CostBudget, CostExceeded, matchConditionsLimit } from '../../cel/budget';
import { CelEnvironment, type CelProgram } from '../../cel/engine';
import { CelCompileError, CelEvaluationError } from '../../cel/errors';
import { refusal, type Write } from '../write/rule';
import type { AdmittedForm } from './admitted';
import type { ReviewHead } from './review';

export interface MatchCondition {
  readonly expression: string;
  /** The error is thrown at each evaluation: for an expression that another version of the server has accepted. */
  readonly program: CelProgram | CelCompileError;
}

const text: FieldSchema = { type: 'string' };
const object = (fields: Readonly<Record<string, FieldSchema>>): FieldSchema => ({ type: 'object', object: { fields } });
const kind = object({ group: text, version: text, kind: text });
const resource = object({ group: text, version: text, resource: text });

/** The parts of admission.k8s.io/v1 AdmissionRequest that expressions read as `request`. */
const request = object({
  kind,
  resource,
  subResource: text,
  requestKind: kind,
  requestResource: resource,
  requestSubResource: text,
  name: text,
  namespace: text,
  operation: text,
  userInfo: object({
    username: text,
    uid: text,
    groups: { type: 'array', items: text },
    extra: { type: 'map', items: { type: 'array', items: text } },
  }),
  dryRun: { type: 'boolean' },
  options: { type: 'any' },
});

const environment = new CelEnvironment({ object: 'dyn', oldObject: 'dyn', request });

/** @throws CelCompileError */
export const compileCondition = (expression: string): CelProgram => environment.compile(expression, 'bool');

export function matchCondition(expression: string): MatchCondition {
  try {
    return { expression, program: compileCondition(expression) };
  } catch (err) {
    if (!(err instanceof CelCompileError)) throw err;
    return { expression, program: err };
  }
}

/**
 * False when one condition is false, whatever the others are. An error counts as false when the failure policy is Ignore.
 * @throws Forbidden for an error when the failure policy is Fail
 */
export function conditionsMatch(
  conditions: readonly MatchCondition[],
  ignoresErrors: boolean,
  write: Write,
  form: AdmittedForm,
  head: ReviewHead,
): boolean {
  const budget = new CostBudget(matchConditionsLimit);
  const values = { object: form.object, oldObject: form.old, request: { ...head, dryRun: write.dryRun } };
  const errors: string[] = [];
  for (const condition of conditions) {
    const outcome = evaluate(condition, values, budget);
    if (outcome === false) return false;
    if (outcome !== true) errors.push(outcome);
  }
  if (errors.length === 0) return true;
  if (ignoresErrors) return false;
  throw refusal(write, errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`);
}

/** True, false, or the text of the error. */
function evaluate({ expression, program }: MatchCondition, values: object, budget: CostBudget): boolean | string {
  try {
    if (program instanceof CelCompileError) throw program;
    return program.run({ ...values }, budget) === true;
  } catch (err) {
    if (err instanceof CostExceeded || err instanceof CelEvaluationError || err instanceof CelCompileError) {
      return `expression '${expression}' resulted in error: ${err.message}`;
    }
    throw err;
  }
}
