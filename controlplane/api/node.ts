// v1 Node.
import type { V1Node } from '@kubernetes/client-node';
import { nodeClaims } from './claims';
import { conditionOf, isReady } from './conditions';
import { defineKind } from './kind';
import { validateNode } from './nodes/validate';
import { ageColumn, nameColumn, none } from './table';
import type { Wire } from './types';

export type Node = Wire<V1Node>;

/** A condition of k8ts alone: True while the node's kernel drops new connections, because it tracks as many as it may. */
export const conntrackFullCondition = 'ConntrackFull';

const roleLabel = 'node-role.kubernetes.io/';
const oldRoleLabel = 'kubernetes.io/role';

function rolesOf(node: Node): string {
  const roles = Object.entries(node.metadata?.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(roleLabel)) return key.length > roleLabel.length ? [key.slice(roleLabel.length)] : [];
    return key === oldRoleLabel && value !== '' ? [value] : [];
  });
  return [...new Set(roles)].sort().join(',') || none;
}

function statusOf(node: Node): string {
  const word = !conditionOf(node, 'Ready') ? 'Unknown' : isReady(node) ? 'Ready' : 'NotReady';
  return node.spec?.unschedulable ? `${word},SchedulingDisabled` : word;
}

const addressOf = ({ status }: Node, type: string): string =>
  (status?.addresses ?? []).find((address) => address.type === type)?.address ?? none;

export const nodes = defineKind<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  namespaced: false,
  subresources: [
    {
      name: 'proxy',
      verbs: ['create', 'delete', 'get', 'patch', 'update'],
      kind: 'NodeProxyOptions',
      takesPath: true,
      furtherMethods: ['HEAD', 'OPTIONS'],
    },
  ],
  schema: { model: 'V1Node' },
  hasStatus: true,
  generation: 'absent',
  claims: nodeClaims,
  defaults: ({ spec, status }) => {
    if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity };
    // podCIDR is the first of podCIDRs. A writer may set either; of two that differ podCIDR counts, for old clients.
    if (spec?.podCIDR && spec.podCIDR !== spec.podCIDRs?.[0]) spec.podCIDRs = [spec.podCIDR];
    else if (spec?.podCIDRs?.[0]) spec.podCIDR = spec.podCIDRs[0];
  },
  prepare: (node, { old }) => {
    // Kubelets are no longer configured through their Nodes.
    if (!old?.spec?.configSource) delete node.spec?.configSource;
    if (!old?.status?.config) delete node.status?.config;
  },
  validate: validateNode,
  warnings: ({ spec }) => [
    ...(spec?.configSource ? ['spec.configSource: the feature is removed'] : []),
    ...(spec?.externalID ? ['spec.externalID: this field is deprecated, and is unused by Kubernetes'] : []),
  ],
  columns: [
    nameColumn,
    { name: 'Status', type: 'string', description: 'The status of the node', cell: statusOf },
    { name: 'Roles', type: 'string', description: 'The roles of the node', cell: rolesOf },
    ageColumn,
    {
      name: 'Version',
      type: 'string',
      description: 'Kubelet Version reported by the node.',
      cell: ({ status }) => status?.nodeInfo?.kubeletVersion ?? '',
    },
    { name: 'Internal-IP', type: 'string', priority: 1, cell: (node) => addressOf(node, 'InternalIP') },
    { name: 'External-IP', type: 'string', priority: 1, cell: (node) => addressOf(node, 'ExternalIP') },
    { name: 'OS-Image', type: 'string', priority: 1, cell: ({ status }) => status?.nodeInfo?.osImage || '<unknown>' },
    {
      name: 'Kernel-Version',
      type: 'string',
      priority: 1,
      cell: ({ status }) => status?.nodeInfo?.kernelVersion || '<unknown>',
    },
    {
      name: 'Container-Runtime',
      type: 'string',
      priority: 1,
      cell: ({ status }) => status?.nodeInfo?.containerRuntimeVersion || '<unknown>',
    },
  ],
  fields: { 'spec.unschedulable': ({ spec }) => String(spec?.unschedulable ?? false) },
});
