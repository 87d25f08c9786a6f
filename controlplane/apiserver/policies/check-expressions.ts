// Compiles the expressions of a policy when it is written, and lists what is wrong with them. It yields: the caller decides when the event
// loop gets its turn.
import type { AdmissionPolicySpec } from '../../api/admission-policies/types';
import type { MutatingAdmissionPolicy } from '../../api/mutating-admission-policy';
import type { ValidatingAdmissionPolicy } from '../../api/validating-admission-policy';
import { invalid } from '../../api/validation/causes';
import type { FieldCause } from '../../base/errors';
import type { CelEnvironment } from '../../cel/engine';
import { CelCompileError, renderCompileError } from '../../cel/errors';
import { admissionEnvironment, sharedEnvironment } from './environment';
import { compileExpression, type Expression, variableType } from './expressions';
import { patchResult } from './patch-types';

type Causes = Generator<FieldCause[], void, void>;

const causesOf = (field: string, shown: string, { program }: Expression): FieldCause[] =>
  program instanceof CelCompileError ? [invalid(field, shown, program.message)] : [];

export function* checkValidatingPolicy({ spec = {} }: ValidatingAdmissionPolicy): Causes {
  const environment = yield* checkHead(spec, false);
  for (const [i, { expression = '', messageExpression }] of (spec.validations ?? []).entries()) {
    const at = `spec.validations[${i}]`;
    yield causesOf(`${at}.expression`, expression, compileExpression(environment, expression, 'bool'));
    if (!messageExpression) continue;
    const compiled = compileExpression(environment, messageExpression, 'string');
    yield causesOf(`${at}.messageExpression`, messageExpression, withoutAuthorizer(compiled));
  }
  for (const [i, { valueExpression = '' }] of (spec.auditAnnotations ?? []).entries()) {
    const compiled = compileExpression(environment, valueExpression.trim(), 'string', 'null');
    yield causesOf(`spec.auditAnnotations[${i}].valueExpression`, valueExpression, compiled);
  }
}

export function* checkMutatingPolicy({ spec = {} }: MutatingAdmissionPolicy): Causes {
  const environment = yield* checkHead(spec, true);
  for (const [i, { patchType, applyConfiguration, jsonPatch }] of (spec.mutations ?? []).entries()) {
    const isJson = patchType === 'JSONPatch';
    const expression = ((isJson ? jsonPatch : applyConfiguration)?.expression ?? '').trim();
    const at = `spec.mutations[${i}].${isJson ? 'jsonPatch' : 'applyConfiguration'}.expression`;
    yield causesOf(at, expression, compileExpression(environment, expression, patchResult(patchType)));
  }
}

/** A message cannot depend on permissions. */
function withoutAuthorizer(expression: Expression): Expression {
  const { text, program } = expression;
  if (program instanceof CelCompileError || !program.reads('authorizer')) return expression;
  const wrong = renderCompileError(
    text,
    text.indexOf('authorizer'),
    "undeclared reference to 'authorizer' (in container '')",
  );
  return { text, program: new CelCompileError(`compilation failed: ${wrong}`) };
}

/** Match conditions and variables. Returns the environment of the other expressions. */
function* checkHead(spec: AdmissionPolicySpec, mutations: boolean): Generator<FieldCause[], CelEnvironment, void> {
  const { paramKind, matchConditions = [], variables = [] } = spec;
  const options = { params: paramKind !== undefined, mutations, variables: variables.length > 0 };
  const conditionEnvironment = sharedEnvironment({ ...options, mutations: false, variables: false });
  for (const [i, { expression = '' }] of matchConditions.entries()) {
    const text = expression.trim();
    const compiled = compileExpression(conditionEnvironment, text, 'bool');
    yield causesOf(`spec.matchConditions[${i}].expression`, text, compiled);
  }
  if (variables.length === 0) return sharedEnvironment(options);
  const environment = admissionEnvironment(options);
  for (const [i, { name = '', expression = '' }] of variables.entries()) {
    const compiled = compileExpression(environment, expression, 'dyn');
    environment.declare(`variables.${name}`, variableType(compiled));
    yield causesOf(`spec.variables[${i}].expression`, expression, compiled);
  }
  return environment;
}
