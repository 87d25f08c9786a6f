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
  readonly conditions: readonly Expression[];
  readonly variables: readonly CompiledVariable[];
  /** Of the expressions that see the variables. */
  readonly environment: CelEnvironment;
  private readonly conditionEnvironment: CelEnvironment;

  constructor(spec: AdmissionPolicySpec, mutations: boolean) {
    const { paramKind, matchConditions = [], variables = [] } = spec;
    const options: EnvironmentOptions = { params: paramKind !== undefined, mutations };
    this.conditionEnvironment = sharedEnvironment({ ...options, mutations: false });
    this.conditions = matchConditions.map(({ expression = '' }) =>
      compileExpression(this.conditionEnvironment, expression.trim(), 'bool'),
    );
    this.environment = variables.length === 0 ? sharedEnvironment(options) : admissionEnvironment(options);
    this.variables = variables.map(({ name = '', expression = '' }) => {
      const compiled = compileExpression(this.environment, expression, 'dyn');
      this.environment.declare(`variables.${name}`, variableType(compiled));
      return { name, expression: compiled };
    });
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
