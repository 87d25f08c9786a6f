// The scale subresource: clients read and set the replicas of any workload through one small object.
import type { V1Scale } from '@kubernetes/client-node';
import type { Deployment } from './deployment';
import type { Subresource } from './kind';
import type { ReplicaSet } from './replica-set';
import type { LabelSelector, Wire } from './types';

export type Scale = Wire<V1Scale>;

export const scaleSubresource: Subresource = {
  name: 'scale',
  verbs: ['get', 'patch', 'update'],
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
};

/** The Scale of a Deployment or ReplicaSet. */
export function scaleOf(object: Deployment | ReplicaSet): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata ?? {};
  const selector = selectorText(object.spec?.selector);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: object.spec?.replicas ?? 0 },
    status: { replicas: object.status?.replicas ?? 0, ...(selector === '' ? {} : { selector }) },
  };
}

/** A copy of `object` with the replicas of `scale`; the resourceVersion of `scale`, if set, is the precondition. */
export function applyScale<T extends Deployment | ReplicaSet>(object: T, scale: Scale): T {
  const resourceVersion = scale.metadata?.resourceVersion || object.metadata?.resourceVersion;
  return {
    ...object,
    metadata: { ...object.metadata, resourceVersion },
    spec: { ...object.spec, replicas: scale.spec?.replicas ?? 0 },
  };
}

/** A LabelSelector in the grammar of the labelSelector query parameter: a=b,c in (d,e). */
export function selectorText(selector: LabelSelector | undefined): string {
  const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${[...values].sort().join(',')})`;
  });
  return [...labels, ...expressions].sort().join(',');
}
