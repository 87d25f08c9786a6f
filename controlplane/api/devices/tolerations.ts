// Taints of devices and tolerations of requests.
import type { FieldCause } from '../../base/errors';
import { invalid, notSupported, required } from '../validation/causes';
import { validateLabelValue, validateQualifiedKey } from './names';
import type { Taint, Toleration } from './types';

const effects = ['NoExecute', 'NoSchedule', 'None'];
const operators = ['Equal', 'Exists'];

export function defaultToleration(toleration: Toleration): void {
  toleration.operator ||= 'Equal';
}

/** Pods are evicted some time after the taint was added. */
export function defaultTaint(taint: Taint, now: Date): void {
  taint.timeAdded ??= `${now.toISOString().slice(0, 19)}Z`;
}

export function validateTaint({ key, value = '', effect = '' }: Taint, field: string): FieldCause[] {
  return [
    ...validateQualifiedKey(key, `${field}.key`),
    ...(value === '' ? [] : validateLabelValue(value, `${field}.value`)),
    ...(effect === '' ? [required(`${field}.effect`)] : validateEffect(effect, field)),
  ];
}

export function validateToleration(toleration: Toleration, field: string): FieldCause[] {
  const { key = '', operator = '', value = '', effect = '' } = toleration;
  return [
    ...(key === '' ? [] : validateQualifiedKey(key, `${field}.key`)),
    ...validateOperator(operator, value, field),
    ...(effect === '' ? [] : validateEffect(effect, field)),
  ];
}

function validateOperator(operator: string, value: string, field: string): FieldCause[] {
  if (operator === 'Equal') return validateLabelValue(value, `${field}.value`);
  if (operator === 'Exists') {
    return value === '' ? [] : [invalid(`${field}.value`, value, 'must be empty for operator `Exists`')];
  }
  if (operator === '') return [required(`${field}.operator`)];
  return [notSupported(`${field}.operator`, operator, operators)];
}

const validateEffect = (effect: string, field: string): FieldCause[] =>
  effects.includes(effect) ? [] : [notSupported(`${field}.effect`, effect, effects)];
