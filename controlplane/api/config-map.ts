// v1 ConfigMap.
import type { V1ConfigMap } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';

export type ConfigMap = Wire<V1ConfigMap>;

export const configMaps = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  namespaced: true,
  model: 'V1ConfigMap',
});
