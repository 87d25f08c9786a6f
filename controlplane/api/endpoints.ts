// v1 Endpoints.
import type { V1Endpoints } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';

export type Endpoints = Wire<V1Endpoints>;

export const endpoints = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  singular: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  model: 'V1Endpoints',
});
