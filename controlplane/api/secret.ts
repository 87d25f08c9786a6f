// v1 Secret.
import type { V1Secret } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';

export type Secret = Wire<V1Secret>;

export const secrets = defineKind<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
  model: 'V1Secret',
});
