// Match conditions of an authorization webhook: expressions over the spec of its SubjectAccessReview. Source: "matchConditions" in the
// reference of the authorization config file. Pure.
import { CostBudget, CostExceeded, matchConditionsLimit } from '../../cel/budget';
import { CelEnvironment, type CelProgram } from '../../cel/engine';
import { CelEvaluationError } from '../../cel/errors';
import { listOf, objectOf, text } from '../config/read';
import type { UserInfo } from '../request';
import type { Asked, ResourceAttributes } from './authorizer';

const request = objectOf({
  user: text,
  uid: text,
  groups: listOf(text),
  extra: { type: 'map', items: listOf(text) },
  resourceAttributes: objectOf({
    namespace: text,
    verb: text,
    group: text,
    version: text,
    resource: text,
    subresource: text,
    name: text,
  }),
  nonResourceAttributes: objectOf({ path: text, verb: text }),
});
// Upstream does not escape the names of these fields: namespace.
const environment = new CelEnvironment({ request: { plain: request } });

/** @throws CelCompileError */
export const compileCondition = (expression: string): CelProgram => environment.compile(expression, 'bool');

/** Whether the webhook is asked: all conditions are true, one is false, or none is false and one has failed. */
export type Matched = 'yes' | 'no' | { readonly error: string };

export function matchConditions(conditions: readonly CelProgram[], user: UserInfo, asked: Asked): Matched {
  const budget = new CostBudget(matchConditionsLimit);
  const values = { request: requestOf(user, asked) };
  const errors: string[] = [];
  for (const condition of conditions) {
    try {
      if (condition.run(values, budget) !== true) return 'no';
    } catch (err) {
      if (!(err instanceof CelEvaluationError || err instanceof CostExceeded)) throw err;
      errors.push(err.message);
    }
  }
  return errors.length === 0 ? 'yes' : { error: errors.join(', ') };
}

/** Fields of text are always there, empty or not: a condition needs no `has`. */
function requestOf({ name, uid = '', groups, extra = {} }: UserInfo, asked: Asked) {
  const user = { user: name, uid, groups, extra };
  if ('path' in asked) return { ...user, nonResourceAttributes: { path: asked.path, verb: asked.verb } };
  const { namespace, verb, group, version = '*', resource, subresource } = asked;
  const resourceAttributes = { namespace, verb, group, version, resource, subresource, name: nameAsked(asked) };
  return { ...user, resourceAttributes };
}

/** A LIST of one object by its name counts as a request for that name. */
export const nameAsked = ({ name, selectedName = '' }: ResourceAttributes): string =>
  name === '' ? selectedName : name;
