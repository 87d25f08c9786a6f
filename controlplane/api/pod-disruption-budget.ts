// policy/v1 PodDisruptionBudget.
import type { V1PodDisruptionBudget } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { invalid, invalidEach } from './validation/causes';
import { validateConditions } from './validation/conditions';
import { nonNegative, percent } from './validation/names';
import { validateCounts } from './validation/replica-status';
import { oneOf, validateLabelSelector } from './validation/selectors';

export type PodDisruptionBudget = Wire<V1PodDisruptionBudget>;

const notSet = 'N/A';
const unhealthyPolicies = ['AlwaysAllow', 'IfHealthyBudget'];

const counts = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const;

function validate(
  { spec, status }: PodDisruptionBudget,
  { subresource }: WriteContext<PodDisruptionBudget>,
): FieldCause[] {
  if (subresource === 'status') {
    return [
      ...validateConditions(status?.conditions ?? [], 'status.conditions'),
      ...validateCounts(status ?? {}, counts),
    ];
  }
  if (!spec || subresource !== '') return [];
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy } = spec;
  const both = minAvailable !== undefined && maxUnavailable !== undefined;
  return [
    ...(both ? [invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set')] : []),
    ...validateAmount(minAvailable, 'spec.minAvailable'),
    ...validateAmount(maxUnavailable, 'spec.maxUnavailable'),
    ...validateLabelSelector(selector, 'spec.selector'),
    ...oneOf('spec.unhealthyPodEvictionPolicy', unhealthyPodEvictionPolicy, unhealthyPolicies),
  ];
}

function validateAmount(value: number | string | undefined, field: string): FieldCause[] {
  if (value === undefined) return [];
  if (typeof value === 'number') return invalidEach(field, value, nonNegative(value));
  const problems = percent(value);
  if (problems.length > 0) return invalidEach(field, value, problems);
  return Number.parseInt(value, 10) > 100 ? [invalid(field, value, 'must not be greater than 100%')] : [];
}

export const podDisruptionBudgets = defineKind<PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  shortNames: ['pdb'],
  namespaced: true,
  schema: { model: 'V1PodDisruptionBudget' },
  unconditionalUpdate: false,
  hasStatus: true,
  // No disruption is allowed until the controller has counted the pods.
  prepare: (budget, { old }) => {
    if (!old) budget.status = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };
  },
  validate,
  columns: [
    nameColumn,
    {
      name: 'Min Available',
      type: 'string',
      description: 'The minimum number of pods that must be available.',
      cell: ({ spec }) => String(spec?.minAvailable ?? notSet),
    },
    {
      name: 'Max Unavailable',
      type: 'string',
      description: 'The maximum number of pods that may be unavailable.',
      cell: ({ spec }) => String(spec?.maxUnavailable ?? notSet),
    },
    {
      name: 'Allowed Disruptions',
      type: 'integer',
      description: 'Calculated number of pods that may be disrupted at this time.',
      cell: ({ status }) => status?.disruptionsAllowed ?? 0,
    },
    ageColumn,
  ],
});
