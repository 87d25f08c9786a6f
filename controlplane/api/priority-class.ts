// scheduling.k8s.io/v1 PriorityClass.
import type { V1PriorityClass } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { forbidden, immutable, invalid, notSupported, required } from './validation/causes';

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

/** From this priority on, the node or the cluster needs a pod. */
export const systemCriticalPriority = 2_000_000_000;

/** The classes of every cluster. */
export const systemPriorityClasses: readonly PriorityClass[] = [
  systemClass(
    'system-cluster-critical',
    systemCriticalPriority,
    'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  ),
  systemClass(
    'system-node-critical',
    2_000_001_000,
    'Used for system critical pods that must not be moved from their current node.',
  ),
];

function validate(priorityClass: PriorityClass, { old }: WriteContext<PriorityClass>): FieldCause[] {
  const { value = 0, preemptionPolicy = '' } = priorityClass;
  if (old) {
    return [
      ...(old.value === value ? [] : [forbidden('value', 'may not be changed in an update.')]),
      ...(old.preemptionPolicy === preemptionPolicy ? [] : [invalid('preemptionPolicy', preemptionPolicy, immutable)]),
    ];
  }
  const causes = validateValue(priorityClass);
  if (preemptionPolicy === '') causes.push(required('preemptionPolicy'));
  else if (!preemptionPolicies.includes(preemptionPolicy)) {
    causes.push(notSupported('preemptionPolicy', preemptionPolicy, preemptionPolicies));
  }
  return causes;
}

function validateValue({ metadata, value = 0, globalDefault }: PriorityClass): FieldCause[] {
  const name = metadata?.name ?? '';
  if (name.startsWith(systemPrefix)) {
    const wrong = whyNotOfSystem(name, value, globalDefault);
    if (wrong === undefined) return [];
    const detail = "priority class names with 'system-' prefix are reserved for system use only. error: ";
    return [forbidden('metadata.name', detail + wrong)];
  }
  if (value <= highestUserPriority) return [];
  return [forbidden('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`)];
}

function whyNotOfSystem(name: string, value: number, globalDefault = false): string | undefined {
  const known = systemPriorityClasses.find((one) => one.metadata?.name === name);
  if (!known) return `${name} is not a known system priority class`;
  if (known.value !== value) return `value of ${name} PriorityClass must be ${known.value}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
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
