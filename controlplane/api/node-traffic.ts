// NodeTraffic of path.k8ts.io/v1alpha1: what a node carries. The server asks the node's kubelet when somebody reads; nothing is stored.
import type { NodeTrafficStatus } from '../base/traffic';
import { defineKind } from './kind';
import { formatDuration, nameColumn } from './table';
import type { KubeObject } from './types';

/** Named as its node, with the labels of the node. */
export interface NodeTraffic extends KubeObject {
  /** Absent when the node does not answer. */
  readonly status?: NodeTrafficStatus;
  /** Why there is no status, as one sentence: one node that is down does not spoil a list. */
  readonly error?: string;
}

const count = { type: 'integer' } as const;

export const nodeTraffics = defineKind<NodeTraffic>({
  group: 'path.k8ts.io',
  version: 'v1alpha1',
  kind: 'NodeTraffic',
  plural: 'nodetraffics',
  namespaced: false,
  computed: true,
  verbs: ['get', 'list'],
  schema: {
    definition: {
      type: 'object',
      description:
        'What a node carries: connections by client, destination and backend, counters of its pods, and packets that rules stopped. All numbers only grow: read twice for rates.',
      properties: {
        status: {
          type: 'object',
          description: 'What the node answers. Absent when it does not.',
          'x-kubernetes-preserve-unknown-fields': true,
        },
        error: { type: 'string', description: 'Why there is no status.' },
      },
    },
  },
  columns: [
    nameColumn,
    { name: 'Connections', ...count, cell: ({ status }) => status?.connections.count ?? null },
    {
      name: 'Edges',
      ...count,
      description: 'Of client, destination and backend.',
      cell: ({ status }) => (status ? status.edges.length + status.omittedEdges : null),
    },
    {
      name: 'Stopped',
      ...count,
      description: 'Packets that rules have stopped.',
      cell: ({ status }) => (status ? status.stopped.reduce((sum, { packets }) => sum + packets, 0) : null),
    },
    {
      name: 'Counting',
      type: 'string',
      description: 'How long the node has counted.',
      cell: ({ status }) => (status ? formatDuration(status.cost.ageMs) : ''),
    },
    { name: 'Problem', type: 'string', cell: ({ status, error }) => error ?? status?.problems[0] ?? '' },
  ],
});

/** Kinds that the API server adds to the catalog when it starts: they need the kubelets. */
export const nodeTrafficKinds = [nodeTraffics] as const;
