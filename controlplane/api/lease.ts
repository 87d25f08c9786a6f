// coordination.k8s.io/v1 Lease.
import type { V1Lease } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { invalid } from './validation/causes';

export type Lease = Wire<V1Lease>;

export const leases = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
  schema: { model: 'V1Lease' },
  createOnUpdate: true,
  unconditionalUpdate: false,
  // Alpha features of upstream, which drops the fields while they are off.
  prepare: ({ spec }, { old }) => {
    if (!spec) return;
    if (old?.spec?.strategy === undefined) delete spec.strategy;
    if (old?.spec?.preferredHolder === undefined) delete spec.preferredHolder;
  },
  validate: ({ spec }) => {
    const { leaseDurationSeconds, leaseTransitions } = spec ?? {};
    const causes = [];
    if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
      causes.push(invalid('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0'));
    }
    if (leaseTransitions !== undefined && leaseTransitions < 0) {
      causes.push(invalid('spec.leaseTransitions', leaseTransitions, 'must be greater than or equal to 0'));
    }
    return causes;
  },
  columns: [
    nameColumn,
    {
      name: 'Holder',
      type: 'string',
      description: 'Identity of the holder of the current lease.',
      cell: ({ spec }) => spec?.holderIdentity ?? '',
    },
    ageColumn,
  ],
});
