// Which labels a kubelet may give its own Node. Labels steer pods to nodes, so a node must not choose all of its own: those
// below node-restriction.kubernetes.io and the reserved ones are an administrator's. Source: NodeRestriction in the reference
// of admission controllers, and the kubelet's --node-labels.

const restricted = 'node-restriction.kubernetes.io';
const reserved = ['kubernetes.io', 'k8s.io'];
/** Reserved domains that are the kubelet's all the same. */
const kubeletDomains = ['kubelet.kubernetes.io', 'node.kubernetes.io'];
const kubeletLabels: ReadonlySet<string> = new Set([
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'beta.kubernetes.io/os',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'kubernetes.io/arch',
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
]);

/** The label that makes a node a control-plane node; an administrator gives it, as kubeadm does. */
export const controlPlaneLabel = 'node-role.kubernetes.io/control-plane';

/** Those that a kubelet may not set, change or remove; sorted. */
export function forbiddenNodeLabels(names: Iterable<string>): string[] {
  return [...names].filter(isForbidden).sort();
}

function isForbidden(label: string): boolean {
  const slash = label.indexOf('/');
  const domain = slash < 0 ? '' : label.slice(0, slash);
  const isBelow = (parent: string) => domain === parent || domain.endsWith(`.${parent}`);
  if (isBelow(restricted)) return true;
  return reserved.some(isBelow) && !kubeletLabels.has(label) && !kubeletDomains.some(isBelow);
}
