// Which labels a kubelet may set on its own Node. Labels decide which pods a node gets, so a node must not choose all of its
// labels: only an administrator sets those below node-restriction.kubernetes.io and the reserved ones. Source: NodeRestriction
// in the reference of admission controllers, and the kubelet's --node-labels.
import { BadRequest } from '../base/errors';

const restricted = 'node-restriction.kubernetes.io';
const reserved = ['kubernetes.io', 'k8s.io'];
/** Reserved domains that a kubelet may use nevertheless. */
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

/** The label of control-plane nodes; an administrator sets it, as kubeadm does. */
export const controlPlaneLabel = 'node-role.kubernetes.io/control-plane';

/** The labels of `names` that a kubelet may not set, change or remove; sorted. */
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

/** `a=b,c=d`, as the option --node-labels has it. @throws BadRequest, also for labels that a kubelet may not set */
export function parseNodeLabels(text: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (const pair of text.split(',').filter((part) => part !== '')) {
    const equals = pair.indexOf('=');
    if (equals < 1) throw new BadRequest(`expected name=value, got ${JSON.stringify(pair)}`);
    labels[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  const [forbidden] = forbiddenNodeLabels(Object.keys(labels));
  if (forbidden === undefined) return labels;
  throw new BadRequest(
    `a node may not give itself the label ${forbidden}: use kubectl label node, as an administrator`,
  );
}
