// v1 Namespace.
import type { V1Namespace } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';

export type Namespace = Wire<V1Namespace>;

export const namespaces = defineKind<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  namespaced: false,
  model: 'V1Namespace',
  subresources: [{ name: 'finalize', verbs: ['update'] }],
  hasStatus: true,
});
