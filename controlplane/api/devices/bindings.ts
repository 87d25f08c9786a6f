// The conditions of a device that the scheduler waits for before it binds a pod.
import type { FieldCause } from '../../base/errors';
import { duplicate, invalid, tooMany } from '../validation/causes';
import { validateQualifiedKey } from './names';

const mostConditions = 4;

interface WithConditions {
  readonly bindingConditions?: readonly string[];
  readonly bindingFailureConditions?: readonly string[];
}

export function validateBindingConditions(device: WithConditions, field: string): FieldCause[] {
  const { bindingConditions: ready = [], bindingFailureConditions: failed = [] } = device;
  const [readyField, failedField] = [`${field}.bindingConditions`, `${field}.bindingFailureConditions`];
  const onlyReady = 'bindingFailureConditions are required to use bindingConditions';
  const onlyFailed = 'bindingConditions are required to use bindingFailureConditions';
  return [
    ...validateNames(ready, readyField, []),
    ...validateNames(failed, failedField, ready),
    ...(ready.length === 0 && failed.length > 0 ? [invalid(readyField, device.bindingConditions, onlyFailed)] : []),
    ...(failed.length === 0 && ready.length > 0
      ? [invalid(failedField, device.bindingFailureConditions, onlyReady)]
      : []),
  ];
}

function validateNames(names: readonly string[], field: string, others: readonly string[]): FieldCause[] {
  if (names.length > mostConditions) return [tooMany(field, names.length, mostConditions)];
  const known = new Set(others.slice(0, mostConditions));
  const overlap = 'bindingFailureConditions must not overlap with bindingConditions';
  return names.flatMap((name, i) => [
    ...validateQualifiedKey(name, `${field}[${i}]`),
    ...(names.indexOf(name) < i ? [duplicate(`${field}[${i}]`, name)] : []),
    ...(known.has(name) ? [invalid(`${field}[${i}]`, name, overlap)] : []),
  ]);
}
