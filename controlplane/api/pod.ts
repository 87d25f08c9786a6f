// v1 Pod.
import type { V1Pod } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';

export type Pod = Wire<V1Pod>;

export const pods = defineKind<Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  model: 'V1Pod',
  hasStatus: true,
});
