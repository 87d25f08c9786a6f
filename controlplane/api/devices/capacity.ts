// How much of a device's capacity one claim may consume, for devices that several claims share.
import type { V1CapacityRequestPolicyRange } from '@kubernetes/client-node';
import type { FieldCause } from '../../base/errors';
import { formatQuantity, parseQuantity, type Quantity } from '../quantity';
import type { Wire } from '../types';
import { forbidden, invalid, required } from '../validation/causes';
import { validateSet } from './lists';
import type { Capacity } from './types';

type Policy = NonNullable<Capacity['requestPolicy']>;
type Range = Wire<V1CapacityRequestPolicyRange>;

const mostValues = 10;
const nanoPerUnit = 1_000_000_000n;

/** @param shared several claims may use the device */
export function validateCapacity(
  { value, requestPolicy: policy }: Capacity,
  field: string,
  shared: boolean,
): FieldCause[] {
  if (!policy) return [];
  const at = `${field}.requestPolicy`;
  if (!shared) return [forbidden(at, 'allowMultipleAllocations must be true')];
  // Go's decoder makes an absent amount zero.
  return validatePolicy(policy, parseQuantity(value ?? '0'), at);
}

function validatePolicy(policy: Policy, capacity: Quantity, field: string): FieldCause[] {
  const { default: preset, validValues: values = [], validRange: range } = policy;
  if (values.length > 0 && range) {
    const detail =
      'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time';
    return [forbidden(field, detail)];
  }
  if (values.length > 0) {
    if (preset === undefined) return [required(`${field}.default`, 'required when validValues is defined')];
    return validateValues(values, preset, capacity, `${field}.validValues`);
  }
  if (!range) return [];
  if (preset === undefined) return [required(`${field}.default`, 'required when validRange is defined')];
  return validateRange(range, preset, capacity, `${field}.validRange`);
}

function validateValues(values: readonly string[], preset: string, capacity: Quantity, field: string): FieldCause[] {
  const amounts = values.slice(0, mostValues).map(parseQuantity);
  const key = (text: string) => shown(text);
  const check = (text: string, at: string) =>
    parseQuantity(text).nano > capacity.nano
      ? [invalid(at, shown(text), `option is larger than capacity value: ${formatQuantity(capacity)}`)]
      : [];
  const hasPreset = amounts.some(({ nano }) => nano === parseQuantity(preset).nano);
  return [
    ...amounts.flatMap(({ nano }, i) =>
      i > 0 && amounts[i - 1]!.nano > nano
        ? [invalid(`${field}[${i}]`, shown(values[i]!), 'values must be sorted in ascending order')]
        : [],
    ),
    ...validateSet(values, mostValues, field, { check, key }),
    ...(hasPreset ? [] : [invalid(field, shown(preset), 'default value is not valid according to the requestPolicy')]),
  ];
}

const shown = (text: string): string => formatQuantity(parseQuantity(text));

function validateRange(range: Range, preset: string, capacity: Quantity, field: string): FieldCause[] {
  if (range.min === undefined) return [required(`${field}.min`, 'required when validRange is defined')];
  const [min, chosen] = [parseQuantity(range.min), parseQuantity(preset)];
  const max = range.max === undefined ? undefined : parseQuantity(range.max);
  const causes: FieldCause[] = [];
  const refuse = (key: string, amount: Quantity, detail: string, bound: Quantity) =>
    causes.push(invalid(`${field}.${key}`, formatQuantity(amount), `${detail}: ${formatQuantity(bound)}`));
  if (min.nano > capacity.nano) refuse('min', min, 'min is larger than capacity value', capacity);
  if (chosen.nano < min.nano) refuse('min', chosen, 'default is less than min', min);
  if (max) {
    if (min.nano > max.nano) refuse('max', min, 'min is larger than max', max);
    if (max.nano > capacity.nano) refuse('max', max, 'max is larger than capacity value', capacity);
    if (chosen.nano > max.nano) refuse('max', chosen, 'default is more than max', max);
  }
  if (range.step === undefined) return causes;
  return [...causes, ...validateStep(parseQuantity(range.step), min, [chosen, ...(max ? [max] : [])], capacity, field)];
}

/** Amounts are the smallest amount and any number of steps; upstream compares whole units. */
function validateStep(
  step: Quantity,
  min: Quantity,
  amounts: readonly Quantity[],
  capacity: Quantity,
  field: string,
): FieldCause[] {
  const at = `${field}.step`;
  if (step.nano <= 0n) return [invalid(at, formatQuantity(step), 'must be greater than zero')];
  const first: Quantity = { ...min, nano: min.nano + step.nano };
  const tooLarge = `one step ${formatQuantity(first)} is larger than capacity value: ${formatQuantity(capacity)}`;
  const detail = `value is not a multiple of a given step (${formatQuantity(step)}) from (${formatQuantity(min)})`;
  return [
    ...(first.nano > capacity.nano ? [invalid(at, formatQuantity(step), tooLarge)] : []),
    ...amounts
      .filter((amount) => (units(amount) - units(min)) % units(step) !== 0n)
      .map((amount) => invalid(at, formatQuantity(amount), detail)),
  ];
}

/** Whole units, away from zero. */
const units = ({ nano }: Quantity): bigint =>
  nano < 0n ? -units({ nano: -nano } as Quantity) : (nano + nanoPerUnit - 1n) / nanoPerUnit;
