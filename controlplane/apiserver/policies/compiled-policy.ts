// What policies of both kinds have in common, compiled: match conditions and variables. A policy is compiled when a request first needs it.
import type { AdmissionPolicySpec } from '../../api/admission-policies/types';
import type { KubeObject } from '../../api/types';
import type { Activation } from '../../cel/activation';
import type { CostBudget } from '../../cel/budget';
import type { CelEnvironment } from '../../cel/engine';
import { CelCompileError, CelEvaluationError } from '../../cel/errors';
import { type AdmissionInputs, admissionEnvironment, type EnvironmentOptions, sharedEnvironment } from './environment';
import { compileExpression, type Expression, variableType } from './expressions';

interface CompiledVariable {
  readonly name: string;
  readonly expression: Expression;
}

export class CompiledPolicy {
  private constructor(
    readonly conditions: readonly Expression[],
    private readonly conditionEnvironment: CelEnvironment,
    private readonly variables: readonly CompiledVariable[],
    /** Of the expressions that see the variables. */
    readonly environment: CelEnvironment,
  ) {}

  /** Yields between two expressions. */
  static *compile(spec: AdmissionPolicySpec, mutations: boolean): Generator<undefined, CompiledPolicy, void> {
    const { paramKind, matchConditions = [], variables: declared = [] } = spec;
    const options: EnvironmentOptions = { params: paramKind !== undefined, mutations, variables: declared.length > 0 };
    const conditionEnvironment = sharedEnvironment({ ...options, mutations: false, variables: false });
    const conditions: Expression[] = [];
    for (const { expression = '' } of matchConditions) {
      conditions.push(compileExpression(conditionEnvironment, expression.trim(), 'bool'));
      yield undefined;
    }
    const environment = declared.length === 0 ? sharedEnvironment(options) : admissionEnvironment(options);
    const variables: CompiledVariable[] = [];
    for (const { name = '', expression = '' } of declared) {
      const compiled = compileExpression(environment, expression, 'dyn');
      environment.declare(`variables.${name}`, variableType(compiled));
      variables.push({ name, expression: compiled });
      yield undefined;
    }
    return new CompiledPolicy(conditions, conditionEnvironment, variables, environment);
  }

  conditionActivation(inputs: AdmissionInputs, params: KubeObject | undefined): Activation {
    return inputs.activation(this.conditionEnvironment, params, false);
  }

  /** Variables are evaluated when an expression first reads them; their cost counts for that expression. */
  activation(inputs: AdmissionInputs, params: KubeObject | undefined, budget: CostBudget): Activation {
    const activation = inputs.activation(this.environment, params);
    for (const { name, expression } of this.variables) {
      activation.define(`variables.${name}`, () => {
        const { program } = expression;
        const quoted = JSON.stringify(name);
        if (program instanceof CelCompileError) {
          throw new CelEvaluationError(`composited variable ${quoted} fails to compile: ${program.message}`);
        }
        try {
          return program.evaluate(activation.context, budget);
        } catch (err) {
          if (!(err instanceof CelEvaluationError)) throw err;
          throw new CelEvaluationError(`composited variable ${quoted} fails to evaluate: ${err.message}`);
        }
      });
    }
    return activation;
  }
}
