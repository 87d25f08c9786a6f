// The field rules of the validations, the audit annotations and the status of a ValidatingAdmissionPolicy.
import type { V1AuditAnnotation, V1ValidatingAdmissionPolicyStatus, V1Validation } from '@kubernetes/client-node';
import type { FieldCause } from '../../base/errors';
import type { Wire } from '../types';
import { duplicate, invalid, invalidEach, required } from '../validation/causes';
import { qualifiedName } from '../validation/names';
import { oneOf } from '../validation/selectors';

export type Validation = Wire<V1Validation>;
export type AuditAnnotation = Wire<V1AuditAnnotation>;

const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];
const maxAnnotations = 20;
const maxValueExpressionBytes = 5 * 1024;
const empty = 'validations or auditAnnotations must contain at least one item';

export function validateValidations(
  name: string,
  validations: readonly Validation[] = [],
  annotations: readonly AuditAnnotation[] = [],
): FieldCause[] {
  if (validations.length === 0 && annotations.length === 0) {
    return [required('spec.validations', empty), required('spec.auditAnnotations', empty)];
  }
  const keys = new Set<string>();
  return [
    ...validations.flatMap((validation, i) => validateValidation(validation, `spec.validations[${i}]`)),
    ...(annotations.length > maxAnnotations
      ? [invalid('spec.auditAnnotations', annotations, `must not have more than ${maxAnnotations} auditAnnotations`)]
      : []),
    ...annotations.flatMap((annotation, i) => {
      const at = `spec.auditAnnotations[${i}]`;
      const { key = '' } = annotation;
      const again = keys.has(key) ? [duplicate(`${at}.key`, key)] : [];
      keys.add(key);
      return [...validateAnnotation(name, annotation, at), ...again];
    }),
  ];
}

function validateValidation(validation: Validation, at: string): FieldCause[] {
  const { expression = '', message = '', messageExpression = '', reason } = validation;
  const text = message.trim();
  return [
    ...(expression.trim() === '' ? [required(`${at}.expression`, 'expression is not specified')] : []),
    ...(messageExpression !== '' && messageExpression.trim() === ''
      ? [invalid(`${at}.messageExpression`, messageExpression, 'must be non-empty if specified')]
      : []),
    ...(message !== '' && text === ''
      ? [invalid(`${at}.message`, message, 'must be non-empty if specified')]
      : /[\n\r]/.test(text)
        ? [invalid(`${at}.message`, message, 'message must not contain line breaks')]
        : []),
    ...oneOf(`${at}.reason`, reason, reasons),
  ];
}

function validateAnnotation(
  name: string,
  { key = '', valueExpression = '' }: AuditAnnotation,
  at: string,
): FieldCause[] {
  const text = valueExpression.trim();
  const full = `${name}/${key}`;
  return [
    ...(name === ''
      ? [invalid(`${at}.key`, key, 'requires metadata.name be non-empty')]
      : invalidEach(`${at}.key`, full, qualifiedName(full))),
    ...(text === '' ? [required(`${at}.valueExpression`, 'valueExpression is not specified')] : []),
    ...(Buffer.byteLength(text) > maxValueExpressionBytes
      ? [required(`${at}.valueExpression`, `must not exceed ${maxValueExpressionBytes} bytes in length`)]
      : []),
  ];
}

export function validatePolicyStatus(status: Wire<V1ValidatingAdmissionPolicyStatus> | undefined): FieldCause[] {
  const types = new Set<string>();
  const at = 'status.typeChecking.expressionWarnings';
  return [
    ...(status?.typeChecking?.expressionWarnings ?? []).flatMap(({ fieldRef = '', warning = '' }, i) => [
      ...(warning === '' ? [required(`${at}[${i}].warning`)] : []),
      ...(fieldRef.trim() === '' ? [required(`${at}[${i}].fieldRef`)] : []),
    ]),
    ...(status?.conditions ?? []).flatMap(({ type = '' }, i) => {
      const field = `status.conditions[${i}].type`;
      const again = types.has(type) ? [duplicate(field, type)] : [];
      types.add(type);
      return [...again, ...(type === '' ? [required(field)] : [])];
    }),
  ];
}
