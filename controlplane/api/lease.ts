// coordination.k8s.io/v1 Lease.
import type { V1Lease } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';

export type Lease = Wire<V1Lease>;

export const leases = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
  model: 'V1Lease',
});
