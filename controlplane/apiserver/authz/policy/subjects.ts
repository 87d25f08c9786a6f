// Who a default binding is for.
import type { V1ClusterRoleBinding } from '@kubernetes/client-node';

export type Subject = NonNullable<V1ClusterRoleBinding['subjects']>[number];

export const api = 'rbac.authorization.k8s.io';
export const user = (name: string): Subject => ({ apiGroup: api, kind: 'User', name });
export const group = (name: string): Subject => ({ apiGroup: api, kind: 'Group', name });
/** In kube-system. */
export const account = (name: string): Subject => ({ kind: 'ServiceAccount', name, namespace: 'kube-system' });

/** The marks of an object that the server repairs at each start. */
export const bootstrapMetadata = (name: string) => ({
  name,
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
});
