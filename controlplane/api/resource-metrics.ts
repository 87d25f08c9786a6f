// metrics.k8s.io/v1beta1: what nodes and pods use. The server computes the objects when they are read; nothing is stored.
// Source: upstream's metrics API and metrics-server, whose columns these are.
import { defineKind, type KindOptions } from './kind';
import { addQuantities, formatQuantity, parseQuantity } from './quantity';
import type { KubeObject } from './types';

/** Amounts as quantities, by resource: cpu and memory. */
export type ResourceUsage = Readonly<Record<string, string>>;

export interface NodeMetrics extends KubeObject {
  /** When the window ended, as RFC 3339. */
  readonly timestamp: string;
  /** The time over which the use of the CPU is an average, as a duration of Go. */
  readonly window: string;
  readonly usage: ResourceUsage;
}
export interface PodMetrics extends KubeObject {
  readonly timestamp: string;
  readonly window: string;
  readonly containers: readonly { readonly name: string; readonly usage: ResourceUsage }[];
}

const usageSchema = {
  type: 'object' as const,
  description: 'cpu in cores; memory is the working set, in bytes.',
  additionalProperties: { 'x-kubernetes-int-or-string': true as const },
};
const windowSchema = {
  timestamp: {
    type: 'string' as const,
    format: 'date-time',
    description: 'When the time of the measurement ended.',
  },
  window: { type: 'string' as const, description: 'How long the measurement took.' },
};

const shared = {
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  // As metrics-server: kubectl finds these resources by their kinds.
  singular: '',
  computed: true,
  verbs: ['get', 'list'],
} satisfies Partial<KindOptions<KubeObject>>;

const nameColumn = { name: 'Name', type: 'string', format: 'name', description: 'Name of the resource' } as const;
const quantity = { type: 'string', format: 'quantity' } as const;
const windowColumn = { name: 'Window', type: 'string', format: 'duration' } as const;

export const nodeMetrics = defineKind<NodeMetrics>({
  ...shared,
  kind: 'NodeMetrics',
  plural: 'nodes',
  namespaced: false,
  schema: {
    definition: {
      type: 'object',
      description: 'What a node uses.',
      properties: { ...windowSchema, usage: usageSchema },
      required: ['timestamp', 'window', 'usage'],
    },
  },
  columns: [
    { ...nameColumn, cell: ({ metadata }) => metadata?.name ?? '' },
    { name: 'cpu', ...quantity, cell: ({ usage }) => usage['cpu'] ?? '0' },
    { name: 'memory', ...quantity, cell: ({ usage }) => usage['memory'] ?? '0' },
    { ...windowColumn, cell: ({ window }) => window },
  ],
});

export const podMetrics = defineKind<PodMetrics>({
  ...shared,
  kind: 'PodMetrics',
  plural: 'pods',
  namespaced: true,
  schema: {
    definition: {
      type: 'object',
      description: 'What the containers of a pod use.',
      properties: {
        ...windowSchema,
        containers: {
          type: 'array',
          description: 'One entry for each running container.',
          items: {
            type: 'object',
            properties: { name: { type: 'string' }, usage: usageSchema },
            required: ['name', 'usage'],
          },
        },
      },
      required: ['timestamp', 'window', 'containers'],
    },
  },
  columns: [
    { ...nameColumn, cell: ({ metadata }) => metadata?.name ?? '' },
    { name: 'cpu', ...quantity, cell: (pod) => total(pod, 'cpu') },
    { name: 'memory', ...quantity, cell: (pod) => total(pod, 'memory') },
    { ...windowColumn, cell: ({ window }) => window },
  ],
});

function total({ containers }: PodMetrics, resource: string): string {
  const amounts = containers.map(({ usage }) => parseQuantity(usage[resource] ?? '0'));
  return amounts.length === 0 ? '0' : formatQuantity(amounts.reduce(addQuantities));
}

/** Kinds that the API server adds to the catalog when it starts: they need the kubelets. */
export const resourceMetricsKinds = [nodeMetrics, podMetrics] as const;
