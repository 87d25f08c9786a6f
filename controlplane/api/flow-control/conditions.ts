// Field rules of the conditions of FlowSchemas and PriorityLevelConfigurations.
import type { FieldCause } from '../../base/errors';
import { duplicate, required } from '../validation/causes';

export function validateConditions(conditions: readonly { readonly type?: string }[]): FieldCause[] {
  const known = new Set<string>();
  return conditions.flatMap(({ type = '' }, i) => {
    const field = `status.conditions[${i}].type`;
    const again = known.has(type) ? [duplicate(field, type)] : [];
    known.add(type);
    return [...again, ...(type === '' ? [required(field)] : [])];
  });
}
