// apps/v1 ReplicaSet.
import type { V1ReplicaSet } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { scaleSubresource } from './scale';
import type { Wire } from './types';

export type ReplicaSet = Wire<V1ReplicaSet>;

export const replicaSets = defineKind<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  shortNames: ['rs'],
  categories: ['all'],
  namespaced: true,
  model: 'V1ReplicaSet',
  subresources: [scaleSubresource],
  hasStatus: true,
});
