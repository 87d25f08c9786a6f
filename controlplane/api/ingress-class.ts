// networking.k8s.io/v1 IngressClass.
import type { V1IngressClass } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';

export type IngressClass = Wire<V1IngressClass>;

export const ingressClasses = defineKind<IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  namespaced: false,
  model: 'V1IngressClass',
});
