// Evaluates the rules of a schema on an object, as upstream's Validator: each value that has rules, from the outside to the inside. An
// error about a value that did not change is a warning.
import { isDeepStrictEqual } from 'node:util';
import { itemFinder } from '../../../api/crd/list-keys';
import { noField } from '../../../api/crd/scalar-rules';
import type { ValidationRule } from '../../../api/schema/schema';
import { duplicate, forbidden, invalid, maxCauses, omitted, required } from '../../../api/validation/causes';
import type { FieldCause } from '../../../base/errors';
import { eventLoop } from '../../../base/event-loop';
import type { Activation } from '../../../cel/activation';
import { CostBudget, CostExceeded } from '../../../cel/budget';
import type { CelProgram } from '../../../cel/engine';
import { CelCompileError, CelEvaluationError } from '../../../cel/errors';
import { maxMessageBytes, objectLimit, ruleLimit } from './budgets';
import type { CompiledRule } from './compile';
import type { RuleNode } from './rule-node';

export interface RuleFindings {
  readonly causes: FieldCause[];
  readonly warnings: string[];
}

/** `old` is undefined for a new value. Gives way to other work between two rules. */
export async function evaluateRules(node: RuleNode, value: unknown, old: unknown, field = ''): Promise<RuleFindings> {
  const run = new Evaluation();
  const isSame = old === undefined ? never : once(() => isDeepStrictEqual(value, old));
  await run.visit(node, { value, old: old ?? undefined, field, isSame });
  return run;
}

const never = () => false;

function once(compute: () => boolean): () => boolean {
  let found: boolean | undefined;
  return () => {
    found ??= compute();
    return found;
  };
}

interface Place {
  readonly value: unknown;
  /** Undefined when there is none to compare with. */
  readonly old: unknown;
  readonly field: string;
  /** Whether the value, or the innermost value around it that can be compared, did not change. */
  readonly isSame: () => boolean;
}

/** Ends the evaluation: what follows would cost too much. */
class Stop extends Error {}

class Evaluation implements RuleFindings {
  readonly causes: FieldCause[] = [];
  readonly warnings: string[] = [];
  private readonly total = new CostBudget(objectLimit);
  private isStopped = false;

  async visit(node: RuleNode, place: Place): Promise<void> {
    const { value, old, field } = place;
    // Only values are checked: a rule about null or absence belongs to the value around.
    if (this.isStopped || this.causes.length >= maxCauses || value === null || value === undefined) return;
    try {
      if (node.rules.count > 0) await this.run(node, place);
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      this.isStopped = true;
      return;
    }
    if (Array.isArray(value)) {
      if (!node.items) return;
      const find = itemFinder(old, node.schema);
      for (const [i, item] of value.entries()) {
        await this.visit(node.items, inside(place, item, find?.(item), `${field}[${i}]`));
      }
    } else if (typeof value === 'object') {
      const isAtomic = node.schema['x-kubernetes-map-type'] === 'atomic';
      const before = isAtomic || typeof old !== 'object' || old === null ? {} : (old as Record<string, unknown>);
      for (const [key, item] of Object.entries(value)) {
        const child = node.properties.get(key);
        const name = child ? (field === '' ? key : `${field}.${key}`) : `${field}[${key}]`;
        const inner = child ?? node.values;
        if (inner)
          await this.visit(inner, inside(place, item, Object.hasOwn(before, key) ? before[key] : undefined, name));
      }
    }
  }

  private async run(node: RuleNode, place: Place): Promise<void> {
    const type = node.schema.type ?? '';
    const activations = new Map<object, Activation>();
    for (let i = 0; i < node.rules.count; i++) {
      const pause = eventLoop.pause();
      if (pause) await pause;
      const compiled = node.rules.at(i);
      if (compiled.program instanceof CelCompileError) {
        this.causes.push(invalid(place.field || noField, type, `rule compile error: ${compiled.program.message}`));
        continue;
      }
      const isNew = place.old === undefined;
      if (compiled.readsOld && isNew && !compiled.rule.optionalOldSelf) continue;
      let activation = activations.get(compiled.environment);
      if (!activation) {
        activation = compiled.environment.activation({ self: () => place.value, oldSelf: () => place.old });
        activations.set(compiled.environment, activation);
      }
      this.apply(compiled, compiled.program, activation, place, type);
    }
  }

  private apply(compiled: CompiledRule, program: CelProgram, activation: Activation, place: Place, type: string): void {
    const at = place.field || noField;
    const { rule } = compiled;
    let result: unknown;
    try {
      result = this.evaluate(program, activation);
    } catch (error) {
      if (error instanceof CostExceeded) {
        const detail = this.total.exceeded
          ? error.message
          : `'${overCall}': no further validation rules will be run due to call cost exceeds limit for rule: ${textOf(rule)}`;
        this.causes.push(invalid(at, type, detail));
        throw new Stop();
      }
      if (!(error instanceof CelEvaluationError)) throw error;
      const detail = error.message.startsWith('no such overload')
        ? `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${textOf(rule)}`
        : `${error.message} evaluating rule: ${textOf(rule)}`;
      this.causes.push(invalid(at, type, detail));
      return;
    }
    if (result === true) return;
    const field = compiled.field === '' ? at : place.field === '' ? compiled.field : `${place.field}.${compiled.field}`;
    const detail = this.messageOf(compiled, activation, field, type);
    const cause = causeOf(rule, field, shownValue(place.value, type), detail);
    if (!compiled.readsOld && place.isSame()) this.warnings.push(`${cause.field}: ${cause.message}`);
    else this.causes.push(cause);
  }

  private messageOf({ rule, message }: CompiledRule, activation: Activation, field: string, type: string): string {
    const fallback = rule.message ? rule.message.trim() : `failed rule: ${textOf(rule)}`;
    if (message === undefined || message instanceof CelCompileError) return fallback;
    try {
      const text = String(this.evaluate(message, activation)).trim();
      return text === '' || /\n/.test(text) || Buffer.byteLength(text) > maxMessageBytes ? fallback : text;
    } catch (error) {
      if (error instanceof CelEvaluationError) return fallback;
      if (!(error instanceof CostExceeded)) throw error;
      const detail = this.total.exceeded
        ? 'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run'
        : `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${JSON.stringify(rule.messageExpression)}`;
      this.causes.push(invalid(field, type, detail));
      throw new Stop();
    }
  }

  private evaluate(program: CelProgram, activation: Activation): unknown {
    return program.evaluate(activation.context, new CostBudget(ruleLimit, this.total));
  }
}

const overCall = 'operation cancelled: actual cost limit exceeded';

function inside(around: Place, value: unknown, old: unknown, field: string): Place {
  const isSame = old === undefined ? around.isSame : once(() => isDeepStrictEqual(value, old));
  return { value, old: old ?? undefined, field, isSame };
}

const textOf = ({ message = '', rule }: ValidationRule): string => (message === '' ? rule : message).trim();

/** Objects and lists are not shown: they may be large. */
const shownValue = (value: unknown, type: string): unknown => (type === 'object' || type === 'array' ? omitted : value);

function causeOf({ reason }: ValidationRule, field: string, value: unknown, detail: string): FieldCause {
  switch (reason) {
    case 'FieldValueForbidden':
      return forbidden(field, detail);
    case 'FieldValueRequired':
      return required(field, detail);
    case 'FieldValueDuplicate':
      return duplicate(field, value);
    default:
      return invalid(field, value, detail);
  }
}
