// networking.k8s.io/v1 Ingress.
import type { V1Ingress } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';

export type Ingress = Wire<V1Ingress>;

export const ingresses = defineKind<Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  shortNames: ['ing'],
  namespaced: true,
  model: 'V1Ingress',
  hasStatus: true,
});
