// The rules in CEL of custom objects. They judge an object after its schema, also for a write of its status, and their errors are in one
// answer with those of the schema. After some errors they are not evaluated: their expressions may not fit the object.

import { noField } from '../../../api/crd/scalar-rules';
import type { Kind } from '../../../api/kind';
import type { KubeObject } from '../../../api/types';
import { invalid } from '../../../api/validation/causes';
import type { FieldCause } from '../../../base/errors';
import { evaluateRules, type RuleFindings } from './evaluate';
import { type RuleNode, rulesOf } from './rule-node';

/** Undefined for a kind without rules in CEL. */
export function ruleNodeOf({ options: { schema } }: Kind): RuleNode | undefined {
  return 'definition' in schema ? rulesOf(schema.definition) : undefined;
}

/** Source: hasBlockingErr of upstream's strategy of custom resources. */
const blocking: ReadonlySet<string> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

const notChecked = invalid(
  noField,
  null,
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
);

/** `causes` are the errors found before; they are among those of the answer. */
export async function judgeByRules(
  node: RuleNode,
  object: KubeObject,
  old: KubeObject | undefined,
  causes: readonly FieldCause[],
): Promise<RuleFindings> {
  if (causes.some(({ reason }) => blocking.has(reason))) return { causes: [...causes, notChecked], warnings: [] };
  const found = await evaluateRules(node, object, old);
  return { causes: [...causes, ...found.causes], warnings: found.warnings };
}
