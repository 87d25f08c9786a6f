// The signers of the cluster's own authority: which requests each of them signs and which it refuses. Pure. Source:
// "Kubernetes signers" in the reference of certificate signing requests; k8ts.io/node-agent is ours.
import type { ParsedRequest } from './certificate-request';

export const signers = {
  /** Client certificates of any user; never approved automatically. */
  apiserverClient: 'kubernetes.io/kube-apiserver-client',
  kubeletClient: 'kubernetes.io/kube-apiserver-client-kubelet',
  kubeletServing: 'kubernetes.io/kubelet-serving',
  /** Client certificates of the other agents of a node. */
  nodeAgent: 'k8ts.io/node-agent',
} as const;
export type SignerName = (typeof signers)[keyof typeof signers];

export const clientUsages: readonly string[] = ['digital signature', 'client auth'];
export const servingUsages: readonly string[] = ['digital signature', 'server auth'];
/** An RSA key needs it for the key exchange of TLS 1.2; with an elliptic curve it means nothing. */
const optionalUsage = 'key encipherment';

export const nodeUserPrefix = 'system:node:';
export const nodesGroup = 'system:nodes';
export const ingressUser = 'system:ingress';
/** The API users of the other agents of a node. */
export const nodeAgents: readonly string[] = ['system:kube-proxy', 'system:dns', ingressUser];

export interface Requested {
  readonly request: ParsedRequest;
  readonly usages: readonly string[];
}

/** Why this signer must not sign; undefined when it may. Unknown signer names are always refused. */
export const refusals: Readonly<Record<SignerName, (requested: Requested) => string | undefined>> = {
  [signers.apiserverClient]: ({ request, usages }) => {
    if (request.organizations.includes('system:masters')) return 'subject organization system:masters is not allowed';
    const allowed = [...clientUsages, optionalUsage];
    const wrong = usages.find((usage) => !allowed.includes(usage));
    if (wrong !== undefined) return `invalid usage for client certificate: ${wrong}`;
    return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
  },
  [signers.kubeletClient]: ({ request, usages }) =>
    wrongNode(request) ?? forbiddenNames(request, ['dns', 'ip', 'email', 'uri']) ?? wrongUsages(usages, clientUsages),
  [signers.kubeletServing]: ({ request, usages }) => {
    if (request.dnsNames.length + request.ipAddresses.length === 0) return 'DNS or IP subjectAltName is required';
    return wrongNode(request) ?? forbiddenNames(request, ['email', 'uri']) ?? wrongUsages(usages, servingUsages);
  },
  [signers.nodeAgent]: ({ request, usages }) => {
    if (!nodeAgents.includes(request.commonName)) return `subject common name must be one of ${nodeAgents.join(', ')}`;
    if (request.organizations.length > 0) return 'a subject organization is not allowed';
    return forbiddenNames(request, ['dns', 'ip', 'email', 'uri']) ?? wrongUsages(usages, clientUsages);
  },
};

export const isSigner = (name: string): name is SignerName => Object.hasOwn(refusals, name);

function wrongNode({ commonName, organizations }: ParsedRequest): string | undefined {
  if (organizations.length !== 1 || organizations[0] !== nodesGroup) return 'subject organization is not system:nodes';
  return commonName.startsWith(nodeUserPrefix) && commonName.length > nodeUserPrefix.length
    ? undefined
    : 'subject common name does not begin with system:node: ';
}

const nameLists = {
  dns: ['dnsNames', 'DNS'],
  ip: ['ipAddresses', 'IP'],
  email: ['emailAddresses', 'Email'],
  uri: ['uris', 'URI'],
} as const;

function forbiddenNames(request: ParsedRequest, types: readonly (keyof typeof nameLists)[]): string | undefined {
  const found = types.map((type) => nameLists[type]).find(([list]) => request[list].length > 0);
  return found && `${found[1]} subjectAltNames are not allowed`;
}

function wrongUsages(usages: readonly string[], wanted: readonly string[]): string | undefined {
  const own = usages.filter((usage) => usage !== optionalUsage).sort();
  const all = [...wanted].sort();
  if (own.length === all.length && own.every((usage, i) => usage === all[i])) return undefined;
  return `usages did not match ${wanted.join(', ')}`;
}
