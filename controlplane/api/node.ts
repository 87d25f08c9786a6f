// v1 Node.
import type { V1Node } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';

export type Node = Wire<V1Node>;

export const nodes = defineKind<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  namespaced: false,
  model: 'V1Node',
  hasStatus: true,
});
