// The mutations of a MutatingAdmissionPolicy, compiled and evaluated: what the object becomes. Pure, but for the budget.
import type { MutatingAdmissionPolicy } from '../../api/mutating-admission-policy';
import type { ObjectSchema } from '../../api/schema/schema';
import { decodeStructure } from '../../api/schema/structure';
import type { KubeObject } from '../../api/types';
import { describeError, isInvalid } from '../../base/errors';
import { type CostBudget, matchConditionsLimit, policyLimit } from '../../cel/budget';
import { CelMessage } from '../../cel/extensions/literals';
import { toJson } from '../../cel/to-json';
import type { Json, JsonObject } from '../patch/json';
import { applyJsonPatch } from '../patch/json-patch';
import { applyConfiguration, checkTypes } from './apply-configuration';
import { CompiledPolicy } from './compiled-policy';
import type { AdmissionInputs } from './environment';
import { compileExpression, type Expression, evaluate, matchAll } from './expressions';
import type { Params } from './params';
import { patchResult } from './patch-types';

/** Why a mutation does not apply. */
export class MutationError extends Error {}

interface CompiledMutation {
  readonly expression: Expression;
  readonly isJsonPatch: boolean;
}

export class CompiledMutatingPolicy {
  private constructor(
    private readonly common: CompiledPolicy,
    readonly mutations: readonly CompiledMutation[],
  ) {}

  /** Yields between two expressions. */
  static *compile({ spec = {} }: MutatingAdmissionPolicy): Generator<undefined, CompiledMutatingPolicy, void> {
    const common = yield* CompiledPolicy.compile(spec, true);
    const mutations: CompiledMutation[] = [];
    for (const { patchType, applyConfiguration: apply, jsonPatch } of spec.mutations ?? []) {
      const isJsonPatch = patchType === 'JSONPatch';
      const text = ((isJsonPatch ? jsonPatch : apply)?.expression ?? '').trim();
      const expression = compileExpression(common.environment, text, patchResult(patchType));
      mutations.push({ isJsonPatch, expression });
      yield undefined;
    }
    return new CompiledMutatingPolicy(common, mutations);
  }

  /** True, or undefined when a condition is false, or the text of the errors. */
  matches(
    inputs: AdmissionInputs,
    params: Params,
    budgetFor: (limit: number) => CostBudget,
  ): true | string | undefined {
    const budget = budgetFor(matchConditionsLimit);
    const spent = budget.trySpend(params.cost);
    if (spent) return spent.message;
    return matchAll(this.common.conditions, this.common.conditionActivation(inputs, params.object), budget);
  }

  /** The object after one mutation. @throws MutationError */
  mutate(
    { expression, isJsonPatch }: CompiledMutation,
    object: KubeObject,
    schema: ObjectSchema,
    inputs: AdmissionInputs,
    params: Params,
    budgetFor: (limit: number) => CostBudget,
  ): KubeObject {
    const budget = budgetFor(policyLimit);
    const outcome = evaluate(expression, this.common.activation(inputs, params.object, budget), budget);
    if ('error' in outcome) throw new MutationError(outcome.error);
    try {
      const changed = isJsonPatch
        ? applyOperations(object, outcome.value)
        : applyConfiguration(object, messageOf(outcome.value), schema);
      if (changed !== object) decodeStructure(schema, changed, undefined);
      return changed;
    } catch (err) {
      throw new MutationError(err instanceof Error ? err.message : String(err));
    }
  }
}

function messageOf(value: unknown): CelMessage {
  if (value instanceof CelMessage) return value;
  throw new Error('unsupported return type from ApplyConfiguration expression');
}

/** A test that fails leaves the object as it is, as upstream. */
function applyOperations(object: KubeObject, value: unknown): KubeObject {
  if (!Array.isArray(value) || !value.every((one) => one instanceof CelMessage)) {
    throw new Error('type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch');
  }
  const operations = value.map((operation) => {
    const inner = operation.fields.get('value');
    if (inner instanceof CelMessage) checkTypes(inner, inner.type);
    return toJson(operation) as Json;
  });
  try {
    const changed = applyJsonPatch(object as JsonObject, operations) as KubeObject;
    return {
      ...changed,
      ...(object.kind && { kind: object.kind }),
      ...(object.apiVersion && { apiVersion: object.apiVersion }),
    };
  } catch (err) {
    const why = isInvalid(err) ? describeError(err.cause ?? err) : describeError(err);
    if (/^testing value .* failed: test failed$/s.test(why)) return object;
    throw new Error(`JSON Patch: ${why}`);
  }
}
