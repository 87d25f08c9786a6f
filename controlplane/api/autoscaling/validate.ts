// Field rules of HorizontalPodAutoscalers, except those of one metric.
import type { FieldCause } from '../../base/errors';
import type { HorizontalPodAutoscaler } from '../horizontal-pod-autoscaler';
import { parseQuantity } from '../quantity';
import { forbidden, invalid, invalidEach, notSupported, required } from '../validation/causes';
import { nonNegative } from '../validation/names';
import { validateMetric } from './validate-metric';
import { validateReference, validateScaledGroup } from './validate-reference';

export type AutoscalerSpec = NonNullable<HorizontalPodAutoscaler['spec']>;
type Rules = NonNullable<NonNullable<AutoscalerSpec['behavior']>['scaleUp']>;
type Policy = NonNullable<Rules['policies']>[number];

const maxPeriodSeconds = 1800;
const maxWindowSeconds = 3600;

/** No replicas are an alpha feature of upstream; an object that has them keeps them. */
export function validateAutoscaler(spec: AutoscalerSpec, old: AutoscalerSpec | undefined): FieldCause[] {
  const { minReplicas, maxReplicas = 0, metrics = [], behavior } = spec;
  const lowest = old?.minReplicas === 0 ? 0 : 1;
  const causes: FieldCause[] = [];
  if (minReplicas !== undefined && minReplicas < lowest) {
    causes.push(invalid('spec.minReplicas', minReplicas, `must be greater than or equal to ${lowest}`));
  }
  if (maxReplicas === 0) causes.push(required('spec.maxReplicas', 'must be set and greater than 0'));
  if (maxReplicas < 0) causes.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to 1'));
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    causes.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'));
  }
  const leadsUpFromZero = metrics.some(({ type }) => type === 'Object' || type === 'External');
  return [
    ...causes,
    ...validateReference(spec.scaleTargetRef, 'spec.scaleTargetRef'),
    ...validateScaledGroup(spec, old),
    ...metrics.flatMap((metric, i) => validateMetric(metric, `spec.metrics[${i}]`)),
    ...(minReplicas === 0 && !leadsUpFromZero
      ? [
          forbidden(
            'spec.metrics',
            'must specify at least one Object or External metric to support scaling to zero replicas',
          ),
        ]
      : []),
    ...validateRules(behavior?.scaleUp, 'spec.behavior.scaleUp'),
    ...validateRules(behavior?.scaleDown, 'spec.behavior.scaleDown'),
  ];
}

function validateRules(rules: Rules | undefined, field: string): FieldCause[] {
  if (!rules) return [];
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules;
  const causes: FieldCause[] = [];
  const at = `${field}.stabilizationWindowSeconds`;
  if ((window ?? 0) < 0) causes.push(invalid(at, window, 'must be greater than or equal to zero'));
  if ((window ?? 0) > maxWindowSeconds) {
    causes.push(invalid(at, window, `must be less than or equal to ${maxWindowSeconds}`));
  }
  const choices = ['Disabled', 'Max', 'Min'];
  if (selectPolicy !== undefined && !choices.includes(selectPolicy)) {
    causes.push(notSupported(`${field}.selectPolicy`, selectPolicy, choices));
  }
  if (policies.length === 0) causes.push(required(`${field}.policies`, 'must specify at least one Policy'));
  causes.push(...policies.flatMap((policy, i) => validatePolicy(policy, `${field}.policies[${i}]`)));
  if (tolerance !== undefined && parseQuantity(tolerance).nano < 0n) {
    causes.push(invalid(`${field}.tolerance`, tolerance, 'must be greater than or equal to 0'));
  }
  return causes;
}

function validatePolicy({ type, value = 0, periodSeconds = 0 }: Policy, field: string): FieldCause[] {
  const types = ['Percent', 'Pods'];
  const positive = (name: string, amount: number) =>
    amount > 0 ? [] : [invalid(`${field}.${name}`, amount, 'must be greater than zero')];
  return [
    ...(types.includes(type) ? [] : [notSupported(`${field}.type`, type ?? '', types)]),
    ...positive('value', value),
    ...positive('periodSeconds', periodSeconds),
    ...(periodSeconds > maxPeriodSeconds
      ? [invalid(`${field}.periodSeconds`, periodSeconds, `must be less than or equal to ${maxPeriodSeconds}`)]
      : []),
  ];
}

export function validateAutoscalerStatus({ status }: HorizontalPodAutoscaler): FieldCause[] {
  return (['currentReplicas', 'desiredReplicas'] as const).flatMap((name) =>
    invalidEach(`status.${name}`, status?.[name], nonNegative(status?.[name] ?? 0)),
  );
}
