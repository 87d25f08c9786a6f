// apps/v1 Deployment.
import type { V1Deployment } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { scaleSubresource } from './scale';
import type { Wire } from './types';

export type Deployment = Wire<V1Deployment>;

export const deployments = defineKind<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  model: 'V1Deployment',
  subresources: [scaleSubresource],
  hasStatus: true,
});
