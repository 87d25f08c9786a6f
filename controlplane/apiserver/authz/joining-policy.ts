// The roles and bindings that let machines join and nodes renew their certificates, as data. Names are those of kube-apiserver
// and kubeadm where they have such a role; sources: "TLS bootstrapping" in the reference, kubeadm's implementation details.
import type { ClusterRole } from '../../api/cluster-role';
import type { ClusterRoleBinding } from '../../api/cluster-role-binding';
import type { Role } from '../../api/role';
import type { RoleBinding } from '../../api/role-binding';
import { signers } from '../../pki/signers';
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
  'system:node-bootstrapper': [rule(certificates, [requests], ['create', 'get', 'list', 'watch'])],
  // These subresources hold nothing: the server approves the certificate requests of users who may `create` them.
  [approvalRole('nodeclient')]: [rule(certificates, [`${requests}/nodeclient`], ['create'])],
  [approvalRole('selfnodeclient')]: [rule(certificates, [`${requests}/selfnodeclient`], ['create'])],
  [approvalRole('selfnodeserver')]: [rule(certificates, [`${requests}/selfnodeserver`], ['create'])],
  [approvalRole('nodeagent')]: [rule(certificates, [`${requests}/nodeagent`], ['create'])],
  'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver': approver(signers.kubeletClient),
  'system:certificates.k8s.io:kube-apiserver-client-approver': approver(signers.apiserverClient),
  'system:certificates.k8s.io:kubelet-serving-approver': approver(signers.kubeletServing),
  'kubeadm:get-nodes': [rule('', ['nodes'], ['get'])],
  // Beyond kubeadm: the address of a machine that wants to join is compared with those of all nodes.
  'k8ts:list-nodes': [rule('', ['nodes'], ['list'])],
  'system:controller:certificate-controller': [
    rule(certificates, [requests], ['get', 'list', 'watch', 'delete']),
    rule(certificates, [`${requests}/approval`, `${requests}/status`], ['update']),
    rule(certificates, ['signers'], ['approve', 'sign'], Object.values(signers)),
    rule('authorization.k8s.io', ['subjectaccessreviews'], ['create']),
  ],
};

function approver(signer: string): PolicyRule[] {
  return [rule(certificates, ['signers'], ['approve'], [signer])];
}

const joining = { kind: 'Group', name: joiningGroup } as const;
const nodes = { kind: 'Group', name: 'system:nodes' } as const;
const controllers = { kind: 'User', name: 'system:kube-controller-manager' } as const;
const grants = [
  ['kubeadm:kubelet-bootstrap', 'system:node-bootstrapper', joining],
  ['kubeadm:node-autoapprove-bootstrap', approvalRole('nodeclient'), joining],
  ['kubeadm:node-autoapprove-certificate-rotation', approvalRole('selfnodeclient'), nodes],
  ['k8ts:node-autoapprove-serving', approvalRole('selfnodeserver'), nodes],
  ['k8ts:node-autoapprove-agents', approvalRole('nodeagent'), nodes],
  ['kubeadm:get-nodes', 'kubeadm:get-nodes', joining],
  ['k8ts:list-nodes', 'k8ts:list-nodes', joining],
  ['system:controller:certificate-controller', 'system:controller:certificate-controller', controllers],
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
