// storage.k8s.io/v1 CSIStorageCapacity: how much storage a class has in one part of the cluster. Only stored and served.
import type { V1CSIStorageCapacity } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { oldLabel } from './pods/warnings';
import { formatQuantity, parseQuantity } from './quantity';
import { nameColumn } from './table';
import type { Wire } from './types';
import { immutable, invalid, invalidEach } from './validation/causes';
import { isSame } from './validation/difference';
import { dns1123Subdomain } from './validation/names';
import { validateLabelSelector } from './validation/selectors';

export type CSIStorageCapacity = Wire<V1CSIStorageCapacity>;

function validate(object: CSIStorageCapacity, { old }: WriteContext<CSIStorageCapacity>): FieldCause[] {
  const { nodeTopology, storageClassName = '', capacity } = object;
  const amount = capacity === undefined ? undefined : parseQuantity(capacity);
  return [
    ...validateLabelSelector(nodeTopology, 'nodeTopology'),
    ...invalidEach('storageClassName', storageClassName, dns1123Subdomain(storageClassName)),
    ...(amount && amount.nano < 0n
      ? [invalid('capacity', formatQuantity(amount), 'must be greater than or equal to 0')]
      : []),
    ...(old && !isSame({ nodeTopology }, { nodeTopology: old.nodeTopology })
      ? [invalid('nodeTopology', nodeTopology, immutable)]
      : []),
    ...(old && storageClassName !== old.storageClassName
      ? [invalid('storageClassName', storageClassName, immutable)]
      : []),
  ];
}

export const csiStorageCapacities = defineKind<CSIStorageCapacity>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  plural: 'csistoragecapacities',
  namespaced: true,
  schema: { model: 'V1CSIStorageCapacity' },
  defaults: (object) => {
    for (const key of ['capacity', 'maximumVolumeSize'] as const) {
      const amount = object[key];
      if (amount !== undefined) object[key] = formatQuantity(parseQuantity(amount));
    }
  },
  validate,
  warnings: ({ nodeTopology }) =>
    [
      ...Object.keys(nodeTopology?.matchLabels ?? {}).map((key) => ({ key, at: `matchLabels.${key}` })),
      ...(nodeTopology?.matchExpressions ?? []).map(({ key }, i) => ({ key, at: `matchExpressions[${i}].key` })),
    ].flatMap(({ key, at }) => {
      const why = oldLabel(key);
      return why ? [`nodeTopology.${at}: ${key} is ${why}`] : [];
    }),
  // Upstream has no columns of its own for this kind.
  columns: [
    nameColumn,
    {
      name: 'Created At',
      type: 'date',
      description: 'The time at which the object was created.',
      cell: ({ metadata }) => metadata?.creationTimestamp ?? null,
    },
  ],
});
