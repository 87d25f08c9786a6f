// scheduling.k8s.io/v1 PriorityClass.
import type { V1PriorityClass } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { forbidden, immutable, invalid } from './validation/causes';
import { oneOf } from './validation/selectors';

export type PriorityClass = Wire<V1PriorityClass>;

/** Higher values are reserved for the system. */
const highestUserPriority = 1_000_000_000;
const systemPrefix = 'system-';
const preemptionPolicies = ['PreemptLowerPriority', 'Never'];

const systemClass = (name: string, value: number, description: string): PriorityClass => ({
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  metadata: { name },
  value,
  description,
});

/** The classes of every cluster. */
export const systemPriorityClasses: readonly PriorityClass[] = [
  systemClass(
    'system-cluster-critical',
    2_000_000_000,
    'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  ),
  systemClass(
    'system-node-critical',
    2_000_001_000,
    'Used for system critical pods that must not be moved from their current node.',
  ),
];

function validate(priorityClass: PriorityClass, { old }: WriteContext<PriorityClass>): FieldCause[] {
  const { metadata, value = 0, globalDefault, preemptionPolicy } = priorityClass;
  const name = metadata?.name ?? '';
  const causes = oneOf('preemptionPolicy', preemptionPolicy, preemptionPolicies);
  if (name.startsWith(systemPrefix)) {
    const known = systemPriorityClasses.find((one) => one.metadata?.name === name);
    if (known?.value !== value || globalDefault) {
      const detail = "priority class names with 'system-' prefix are reserved for system use only";
      causes.push(forbidden('metadata.name', detail));
    }
  } else if (value > highestUserPriority) {
    causes.push(forbidden('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`));
  }
  if (old && old.value !== value) causes.push(forbidden('value', 'may not be changed in an update.'));
  if (old && old.preemptionPolicy !== preemptionPolicy) {
    causes.push(invalid('preemptionPolicy', preemptionPolicy, immutable));
  }
  return causes;
}

export const priorityClasses = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  shortNames: ['pc'],
  namespaced: false,
  schema: { model: 'V1PriorityClass' },
  generation: 'constant',
  defaults: (priorityClass) => {
    // Upstream's value is a plain number: absent means zero.
    priorityClass.value ??= 0;
    priorityClass.preemptionPolicy ??= 'PreemptLowerPriority';
  },
  validate,
  columns: [
    nameColumn,
    { name: 'Value', type: 'integer', description: 'The priority of its pods.', cell: ({ value }) => value ?? 0 },
    {
      name: 'Global-Default',
      type: 'boolean',
      description: 'Whether pods without a class get this one.',
      cell: ({ globalDefault }) => globalDefault ?? false,
    },
    ageColumn,
    {
      name: 'PreemptionPolicy',
      type: 'string',
      description: 'Whether its pods may take the place of pods with a lower priority.',
      cell: ({ preemptionPolicy }) => preemptionPolicy ?? '',
    },
  ],
});
