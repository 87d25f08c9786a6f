// The validations and audit annotations of a ValidatingAdmissionPolicy, compiled and evaluated. Pure, but for the budget.
import type { ValidatingAdmissionPolicy } from '../../api/validating-admission-policy';
import type { Activation } from '../../cel/activation';
import type { CostBudget } from '../../cel/budget';
import { matchConditionsLimit, policyLimit } from '../../cel/budget';
import { CompiledPolicy } from './compiled-policy';
import type { AdmissionInputs } from './environment';
import { compileExpression, type Expression, evaluate, matchAll } from './expressions';
import type { Params } from './params';

/** What one evaluation found. */
export interface Evaluation {
  readonly refusals: readonly Refusal[];
  /** For the audit log, by keys without the policy's name. */
  readonly annotations: readonly (readonly [key: string, value: string])[];
}

/** Why a request is refused. */
export interface Refusal {
  /** Of the validation that is false; undefined for other failures. */
  readonly index?: number;
  readonly message: string;
  readonly reason: string;
  /** Refuses even where the binding only warns: upstream does so for audit annotations. */
  readonly always?: boolean;
}

interface CompiledValidation {
  readonly expression: Expression;
  readonly message: string;
  readonly messageExpression: Expression | undefined;
  readonly reason: string;
}

interface CompiledAnnotation {
  readonly key: string;
  readonly expression: Expression;
  readonly text: string;
}

/** Longer messages of expressions are not used. Source: upstream's limit. */
const maxMessageBytes = 5 * 1024;
const defaultReason = 'Invalid';
/** Longer values of audit annotations are cut, as upstream. */
const maxAnnotationLength = 10 * 1024;
const nothing: Evaluation = { refusals: [], annotations: [] };

export class CompiledValidatingPolicy {
  private constructor(
    private readonly common: CompiledPolicy,
    private readonly validations: readonly CompiledValidation[],
    private readonly annotations: readonly CompiledAnnotation[],
    private readonly failsOnErrors: boolean,
  ) {}

  /** Yields between two expressions. */
  static *compile({ spec = {} }: ValidatingAdmissionPolicy): Generator<undefined, CompiledValidatingPolicy, void> {
    const common = yield* CompiledPolicy.compile(spec, false);
    const { environment } = common;
    const validations: CompiledValidation[] = [];
    for (const { expression = '', message = '', messageExpression, reason } of spec.validations ?? []) {
      validations.push({
        expression: compileExpression(environment, expression, 'bool'),
        message: message.trim(),
        messageExpression: messageExpression ? compileExpression(environment, messageExpression, 'string') : undefined,
        reason: reason ?? defaultReason,
      });
      yield undefined;
    }
    const annotations: CompiledAnnotation[] = [];
    for (const { key = '', valueExpression: text = '' } of spec.auditAnnotations ?? []) {
      annotations.push({ key, expression: compileExpression(environment, text.trim(), 'string', 'null'), text });
      yield undefined;
    }
    return new CompiledValidatingPolicy(common, validations, annotations, spec.failurePolicy !== 'Ignore');
  }

  /** @param budgetFor gives a budget of the request with this limit */
  evaluate(inputs: AdmissionInputs, { object, cost }: Params, budgetFor: (limit: number) => CostBudget): Evaluation {
    const { conditions } = this.common;
    const budget = budgetFor(policyLimit);
    const spent = budget.trySpend(cost);
    const matches =
      spent === undefined
        ? matchAll(conditions, this.common.conditionActivation(inputs, object), budgetFor(matchConditionsLimit))
        : spent.message;
    if (matches === undefined) return nothing;
    if (matches !== true) return { refusals: this.onError(matches), annotations: [] };
    const activation = this.common.activation(inputs, object, budget);
    const refusals: Refusal[] = [];
    for (const [index, validation] of this.validations.entries()) {
      const outcome = evaluate(validation.expression, activation, budget);
      // Without budget there is one refusal, and no further expression.
      if ('error' in outcome && outcome.exhausted) return { refusals: this.onError(outcome.error), annotations: [] };
      const found =
        'error' in outcome
          ? this.onError(outcome.error)
          : outcome.value === true
            ? []
            : [this.refusal(validation, activation, budget)];
      refusals.push(...found.map((refusal) => ({ ...refusal, index })));
    }
    return this.annotate(refusals, activation, budgetFor(policyLimit));
  }

  private onError(message: string): Refusal[] {
    return this.failsOnErrors ? [{ message, reason: '' }] : [];
  }

  private refusal(validation: CompiledValidation, activation: Activation, budget: CostBudget): Refusal {
    const { expression, message, messageExpression, reason } = validation;
    let text = '';
    if (messageExpression) {
      const outcome = evaluate(messageExpression, activation, budget);
      if ('error' in outcome && outcome.exhausted) {
        return { message: `failed messageExpression: ${outcome.error}`, reason: '' };
      }
      if ('value' in outcome && typeof outcome.value === 'string') text = outcome.value.trim();
      if (Buffer.byteLength(text) > maxMessageBytes || text.includes('\n')) text = '';
    }
    return { message: text || message || `failed expression: ${expression.text.trim()}`, reason };
  }

  private annotate(refusals: Refusal[], activation: Activation, budget: CostBudget): Evaluation {
    const annotations: [string, string][] = [];
    for (const { key, expression, text } of this.annotations) {
      const outcome = evaluate(expression, activation, budget);
      if ('error' in outcome) {
        refusals.push(...this.onError(outcome.error).map((refusal) => ({ ...refusal, always: true })));
        continue;
      }
      const { value } = outcome;
      if (typeof value === 'string') {
        if (value.trim() !== '') annotations.push([key, value.trim().slice(0, maxAnnotationLength)]);
      } else if (value !== null) {
        const message =
          `valueExpression '${text}' resulted in unsupported return type: ${typeof value}. ` +
          'Return type must be either string or null.';
        refusals.push({ message, reason: '', always: true });
      }
    }
    return { refusals, annotations };
  }
}
