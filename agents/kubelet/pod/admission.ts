// May a new pod run on this node next to its other pods? The scheduler knows this too, but a pod may name its node itself, and two
// schedulers may choose at the same time. Pure. Reasons and messages are upstream's (pkg/kubelet/lifecycle).
import {
  allowsNode,
  hostPortsClash,
  hostPortsOf,
  type Node,
  type Pod,
  requestsOf,
  tolerates,
} from '../../../controlplane/api';
import { addQuantities, parseQuantity, type Quantity } from '../../../controlplane/api/quantity';
import { needsAppArmor } from '../spec/security-profiles';

export interface Refusal {
  readonly reason: string;
  readonly message: string;
}

/** `others` have been admitted and may still run. `hasAppArmor`: the kernel enforces it. Undefined when the pod may run. */
export function refusalOf(pod: Pod, node: Node, others: readonly Pod[], hasAppArmor: boolean): Refusal | undefined {
  const { spec } = pod;
  if (!spec) return undefined;
  if ((spec.os?.name ?? 'linux') !== 'linux') {
    return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" };
  }
  if (spec.securityContext?.supplementalGroupsPolicy === 'Strict' && !node.status?.features?.supplementalGroupsPolicy) {
    const message = 'SupplementalGroupsPolicy=Strict is not supported in this node';
    return { reason: 'SupplementalGroupsPolicyNotSupported', message };
  }
  if (needsAppArmor(pod) && !hasAppArmor) {
    return { reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' };
  }
  const { name = '', labels = {} } = node.metadata ?? {};
  return (
    lacking(pod, node, others) ??
    failed('NodeAffinity', "node(s) didn't match Pod's node affinity/selector", !allowsNode(spec, { name, labels })) ??
    failed('NodePorts', "node(s) didn't have free ports for the requested pod ports", portsTaken(pod, others)) ??
    failed('TaintToleration', "node(s) had taints that the pod didn't tolerate", isRepelled(pod, node))
  );
}

/** Whether a newer object of the node may admit the pod. */
export const dependsOnNode = ({ reason }: Refusal): boolean =>
  reason === 'NodeAffinity' || reason === 'TaintToleration';

const failed = (reason: string, why: string, isSo: boolean): Refusal | undefined =>
  isSo ? { reason, message: `Predicate ${reason} failed: ${why}` } : undefined;

function portsTaken({ spec }: Pod, others: readonly Pod[]): boolean {
  const wanted = spec ? hostPortsOf(spec) : [];
  if (wanted.length === 0) return false;
  const used = others.flatMap((other) => (other.spec ? hostPortsOf(other.spec) : []));
  return wanted.some((port) => used.some((other) => hostPortsClash(port, other)));
}

/** The scheduler obeys all taints; a kubelet only those that would end the pod at once. */
function isRepelled({ spec }: Pod, node: Node): boolean {
  const taints = (node.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
  const tolerations = spec?.tolerations ?? [];
  return taints.some((taint) => !tolerations.some((toleration) => tolerates(toleration, taint)));
}

type Quantities = Readonly<Record<string, Quantity>>;

/** The first resource that the node does not have enough of. A resource that the node does not have at all is another's business. */
function lacking(pod: Pod, node: Node, others: readonly Pod[]): Refusal | undefined {
  const capacity = node.status?.allocatable ?? {};
  const wanted = effectiveRequests(pod);
  const podsAllowed = capacity['pods'];
  if (podsAllowed !== undefined && others.length + 1 > Number(podsAllowed)) {
    return outOf('pods', 1, others.length, Number(podsAllowed));
  }
  const used = others.map(effectiveRequests);
  for (const [resource, request] of Object.entries(wanted)) {
    const offered = capacity[resource];
    if (offered === undefined || request.nano <= 0n) continue;
    const inUse = used.reduce((sum, requests) => sum + (requests[resource]?.nano ?? 0n), 0n);
    const total = parseQuantity(offered).nano;
    if (request.nano + inUse <= total) continue;
    const amount = (nano: bigint) => inUnits(resource, nano);
    return outOf(resource, amount(request.nano), amount(inUse), amount(total));
  }
  return undefined;
}

function effectiveRequests({ spec }: Pod): Quantities {
  if (!spec) return {};
  const requests = requestsOf(spec);
  for (const [name, text] of Object.entries(spec.overhead ?? {})) {
    const more = parseQuantity(text);
    requests[name] = requests[name] ? addQuantities(requests[name], more) : more;
  }
  return requests;
}

/** cpu in thousandths of a core, others in whole units, rounded up. */
function inUnits(resource: string, nano: bigint): number {
  const unit = resource === 'cpu' ? 1_000_000n : 1_000_000_000n;
  return Number((nano + unit - 1n) / unit);
}

const outOf = (resource: string, requested: number, used: number, capacity: number): Refusal => ({
  reason: `OutOf${resource}`,
  message: `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
});
