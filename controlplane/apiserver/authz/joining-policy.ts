// The roles and bindings that let machines join and nodes renew their certificates, beyond those of kube-apiserver. Names are those of
// kubeadm where it has such a role; sources: "TLS bootstrapping" in the reference, kubeadm's implementation details.
import type { ClusterRole } from '../../api/cluster-role';
import type { ClusterRoleBinding } from '../../api/cluster-role-binding';
import type { Role } from '../../api/role';
import type { RoleBinding } from '../../api/role-binding';
import type { PolicyRule } from './rules';

/** The group of tokens that `k8ts token create` creates; kubeadm's tokens have the same. */
const joiningGroup = 'system:bootstrappers:kubeadm:default-node-token';
const requests = 'certificatesigningrequests';
const rule = (group: string, resources: string[], verbs: string[], resourceNames?: string[]): PolicyRule => ({
  apiGroups: [group],
  resources,
  verbs,
  ...(resourceNames ? { resourceNames } : {}),
});
const certificates = 'certificates.k8s.io';
const approvalRole = (what: string): string => `system:certificates.k8s.io:certificatesigningrequests:${what}`;

const rules: Readonly<Record<string, PolicyRule[]>> = {
  // These subresources hold nothing: the server approves the certificate requests of users who may `create` them.
  [approvalRole('selfnodeserver')]: [rule(certificates, [`${requests}/selfnodeserver`], ['create'])],
  [approvalRole('nodeagent')]: [rule(certificates, [`${requests}/nodeagent`], ['create'])],
  'kubeadm:get-nodes': [rule('', ['nodes'], ['get'])],
  // Beyond kubeadm: the address of a machine that wants to join is compared with those of all nodes.
  'k8ts:list-nodes': [rule('', ['nodes'], ['list'])],
};

const joining = { kind: 'Group', name: joiningGroup } as const;
const nodes = { kind: 'Group', name: 'system:nodes' } as const;
const grants = [
  ['kubeadm:kubelet-bootstrap', 'system:node-bootstrapper', joining],
  ['kubeadm:node-autoapprove-bootstrap', approvalRole('nodeclient'), joining],
  ['kubeadm:node-autoapprove-certificate-rotation', approvalRole('selfnodeclient'), nodes],
  ['k8ts:node-autoapprove-serving', approvalRole('selfnodeserver'), nodes],
  ['k8ts:node-autoapprove-agents', approvalRole('nodeagent'), nodes],
  ['kubeadm:get-nodes', 'kubeadm:get-nodes', joining],
  ['k8ts:list-nodes', 'k8ts:list-nodes', joining],
] as const;

const api = 'rbac.authorization.k8s.io';
const meta = (name: string) => ({
  name,
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
});

export const joiningClusterRoles: readonly ClusterRole[] = Object.entries(rules).map(([name, list]) => ({
  kind: 'ClusterRole',
  apiVersion: `${api}/v1`,
  metadata: meta(name),
  rules: list,
}));

export const joiningClusterRoleBindings: readonly ClusterRoleBinding[] = grants.map(([name, role, subject]) => ({
  kind: 'ClusterRoleBinding',
  apiVersion: `${api}/v1`,
  metadata: meta(name),
  roleRef: { apiGroup: api, kind: 'ClusterRole', name: role },
  subjects: [{ ...subject, apiGroup: api }],
}));

const clusterInfo = 'kubeadm:bootstrap-signer-clusterinfo';

/** A machine reads kube-public/cluster-info before it trusts any server. */
export const clusterInfoRole: Role = {
  kind: 'Role',
  apiVersion: `${api}/v1`,
  metadata: { ...meta(clusterInfo), namespace: 'kube-public' },
  rules: [rule('', ['configmaps'], ['get'], ['cluster-info'])],
};
export const clusterInfoRoleBinding: RoleBinding = {
  kind: 'RoleBinding',
  apiVersion: `${api}/v1`,
  metadata: { ...meta(clusterInfo), namespace: 'kube-public' },
  roleRef: { apiGroup: api, kind: 'Role', name: clusterInfo },
  subjects: [{ kind: 'User', name: 'system:anonymous', apiGroup: api }],
};
