// discovery.k8s.io/v1 EndpointSlice.
import type { V1EndpointSlice } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';

export type EndpointSlice = Wire<V1EndpointSlice>;

export const endpointSlices = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
  model: 'V1EndpointSlice',
});
