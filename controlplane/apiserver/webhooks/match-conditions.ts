// The match conditions of a webhook: expressions over the request, all of which must be true for the webhook to be called.

import { matchConditionsLimit } from '../../cel/budget';
import type { CelProgram } from '../../cel/engine';
import { AdmissionInputs, sharedEnvironment } from '../policies/environment';
import { compileExpression, type Expression, matchAll } from '../policies/expressions';
import { budgetOf } from '../policies/request-budget';
import { type RuleDeps, refusal, type Write } from '../write/rule';
import type { AdmittedForm } from './admitted';
import type { Candidate } from './webhook-index';

const environment = () => sharedEnvironment({ params: false, mutations: false, variables: false });

/** @throws CelCompileError */
export const compileCondition = (expression: string): CelProgram => environment().compile(expression, 'bool');

export const matchCondition = (expression: string): Expression => compileExpression(environment(), expression, 'bool');

/**
 * False when one condition is false, whatever the others are. An error counts as false when the failure policy is Ignore.
 * @throws Forbidden for an error when the failure policy is Fail
 */
export function conditionsMatch(
  { hook: { conditions, webhook }, kind }: Candidate,
  write: Write,
  form: AdmittedForm,
  deps: Pick<RuleDeps, 'cache' | 'authorizer'>,
): boolean {
  const activation = new AdmissionInputs(deps, write, kind, form).activation(environment(), undefined, false);
  const matches = matchAll(conditions, activation, budgetOf(write, matchConditionsLimit));
  if (matches === true || matches === undefined) return matches === true;
  if (webhook.failurePolicy === 'Ignore') return false;
  throw refusal(write, matches);
}
