// The texts of x-kubernetes-validations: what a rule must say and may not. Whether its expressions compile is another question.
import type { FieldCause } from '../../base/errors';
import type { Definition, ValidationRule } from '../schema/schema';
import { invalid, notSupported, required } from '../validation/causes';
import { resolveFieldPath } from './field-path';

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

const hasLineBreak = (text: string): boolean => /[\n\r]/.test(text);

export function ruleTextCauses(schema: Definition, field: string): FieldCause[] {
  const rules = schema['x-kubernetes-validations'] ?? [];
  return rules.flatMap((rule, i) => causesOf(rule, schema, `${field}.x-kubernetes-validations[${i}]`));
}

function causesOf(rule: ValidationRule, schema: Definition, field: string): FieldCause[] {
  const { rule: text = '', message = '', messageExpression = '', reason, fieldPath = '' } = rule;
  const causes: FieldCause[] = [];
  if (text.trim() === '') causes.push(required(`${field}.rule`, 'rule is not specified'));
  else if (message !== '' && message.trim() === '') {
    causes.push(invalid(`${field}.message`, message, 'must be non-empty if specified'));
  } else if (hasLineBreak(message.trim())) {
    causes.push(invalid(`${field}.message`, message, 'must not contain line breaks'));
  } else if (hasLineBreak(text.trim()) && message === '') {
    causes.push(required(`${field}.message`, 'message must be specified if rule contains line breaks'));
  }
  if (messageExpression !== '' && messageExpression.trim() === '') {
    causes.push(required(`${field}.messageExpression`, 'messageExpression must be non-empty if specified'));
  }
  if (reason !== undefined && !reasons.includes(reason)) {
    causes.push(notSupported(`${field}.reason`, reason, reasons));
  }
  if (fieldPath === '') return causes;
  if (fieldPath.trim() === '') {
    causes.push(invalid(`${field}.fieldPath`, fieldPath, 'must be non-empty if specified'));
  }
  if (hasLineBreak(fieldPath)) causes.push(invalid(`${field}.fieldPath`, fieldPath, 'must not contain line breaks'));
  if (typeof resolveFieldPath(fieldPath, schema, true) === 'string') {
    causes.push(invalid(`${field}.fieldPath`, fieldPath, 'must be a valid path'));
  }
  return causes;
}
