// v1 Node.
import { isDeepStrictEqual } from 'node:util';
import type { V1Node } from '@kubernetes/client-node';
import { parseCidr } from '../base/cidr';
import type { FieldCause } from '../base/errors';
import { nodeClaims } from './claims';
import { conditionOf, isReady } from './conditions';
import { defineKind, type WriteContext } from './kind';
import { ageColumn, nameColumn, none } from './table';
import type { Wire } from './types';
import { duplicate, forbidden, invalid, invalidEach, notSupported, required } from './validation/causes';
import { labelValue, qualifiedName } from './validation/names';

export type Node = Wire<V1Node>;
type Taints = NonNullable<NonNullable<Node['spec']>['taints']>;

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

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

function validateTaints(taints: Taints, field: string): FieldCause[] {
  const seen = new Set<string>();
  return taints.flatMap(({ key = '', value = '', effect = '' }, i) => {
    const at = `${field}[${i}]`;
    const causes = invalidEach(`${at}.key`, key, qualifiedName(key));
    const wrong = labelValue(value);
    if (wrong.length > 0) causes.push(invalid(`${at}.value`, value, wrong.join(';')));
    if (effect === '') causes.push(required(`${at}.effect`));
    else if (!effects.includes(effect)) causes.push(notSupported(`${at}.effect`, effect, effects));
    if (seen.has(`${key}:${effect}`)) {
      const { message, ...rest } = duplicate(at, { key, value, effect });
      causes.push({ ...rest, message: `${message}: taints must be unique by key and effect pair` });
    }
    seen.add(`${key}:${effect}`);
    return causes;
  });
}

/** A pod range must not change once set: routes and pods use it. The path of taints is upstream's. */
function validate({ spec }: Node, { old, subresource }: WriteContext<Node>): FieldCause[] {
  if (subresource !== '') return [];
  const causes = validateTaints(spec?.taints ?? [], 'metadata.taints');
  for (const [i, range] of (spec?.podCIDRs ?? []).entries()) {
    if (!isCidr(range))
      causes.push(
        invalid(`spec.podCIDRs[${i}]`, range, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'),
      );
  }
  const given = old?.spec?.podCIDRs ?? [];
  if (given.length > 0 && !isDeepStrictEqual(spec?.podCIDRs, given)) {
    causes.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  }
  if (old?.spec?.providerID && spec?.providerID !== old.spec.providerID) {
    causes.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  }
  return causes;
}

function isCidr(text: string): boolean {
  try {
    parseCidr(text);
    return true;
  } catch {
    return false;
  }
}

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
    // podCIDR is the first of podCIDRs; a writer may set either.
    if (spec?.podCIDR && !spec.podCIDRs?.length) spec.podCIDRs = [spec.podCIDR];
    else if (spec?.podCIDRs?.[0] && !spec.podCIDR) spec.podCIDR = spec.podCIDRs[0];
  },
  prepare: (node, { old }) => {
    // Kubelets are no longer configured through their Nodes.
    if (!old?.spec?.configSource) delete node.spec?.configSource;
    if (!old) delete node.status?.config;
  },
  validate,
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
