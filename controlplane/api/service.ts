// v1 Service.
import type { V1Service } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';

export type Service = Wire<V1Service>;

export const services = defineKind<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  model: 'V1Service',
  hasStatus: true,
});
