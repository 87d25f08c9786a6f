// NodeRestriction: a kubelet writes only its own Node, its own Lease and the pods bound to its node. Even there it may change
// nothing that would bring it pods or permissions of other nodes. Source: NodeRestriction in the reference of admission
// controllers. certificates.ts checks its certificate requests.
import { isDeepStrictEqual } from 'node:util';
import {
  csiNodes,
  forbiddenNodeLabels,
  leases,
  type Node,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type ResourceSlice,
  resourceSlices,
  serviceAccounts,
} from '../../api/index';
import type { KubeObject } from '../../api/types';
import { directoryProvisioner, nodeLabel } from '../../api/volumes/binding';
import { nodeNameOf } from '../authz/node';
import { equalJson } from '../rest/equal';
import { forbidden } from '../status';
import type { OpenRule, Write } from '../write/rule';
import { admitNodePod } from './node-pods';
import { admitNodeToken } from './node-tokens';

const leaseNamespace = 'kube-node-lease';

export const nodeRestriction: OpenRule = ({ cache, authorizer }) => ({
  name: 'NodeRestriction',
  concerns: ({ user }) => nodeNameOf(user) !== undefined,
  mutate(write) {
    const node = nodeNameOf(write.user)!;
    const { kind, name, user } = write;
    if (node === '') throw forbidden(kind, name, `could not determine node from user ${JSON.stringify(user.name)}`);
    switch (kind.prefix) {
      case nodes.prefix:
        return admitNode(write, node);
      case pods.prefix:
        return admitNodePod(write, node, cache);
      case leases.prefix:
        return admitLease(write, node);
      case csiNodes.prefix:
        return admitCsiNode(write, node);
      case persistentVolumeClaims.prefix:
        return admitClaimStatus(write, node);
      case persistentVolumes.prefix:
        return admitVolume(write, node);
      case resourceSlices.prefix:
        return admitSlice(write, node);
      case serviceAccounts.prefix:
        if (write.subresource === 'token') admitNodeToken(write, node, { cache, authorizer });
    }
  },
});

function admitLease({ kind, namespace, name }: Write, node: string): void {
  if (namespace !== leaseNamespace) {
    throw forbidden(kind, name, `can only access leases in the "${leaseNamespace}" system namespace`);
  }
  if (name !== node) {
    throw forbidden(kind, name, 'can only access node lease with the same name as the requesting node');
  }
}

function admitCsiNode({ kind, name }: Write, node: string): void {
  if (name !== node) throw forbidden(kind, name, 'can only access CSINode with the same name as the requesting node');
}

/** What a kubelet reports while a volume grows. The authorizer allows it the status alone. */
function admitClaimStatus({ kind, name, object, old }: Write, node: string): void {
  const rest = (claim: PersistentVolumeClaim) => {
    const { resourceVersion: _, managedFields: __, ...metadata } = claim.metadata ?? {};
    const { capacity: ___, conditions: ____, ...status } = claim.status ?? {};
    const { allocatedResources: _____, allocatedResourceStatuses: ______, ...kept } = status;
    return { metadata, spec: claim.spec, status: kept };
  };
  if (equalJson(rest(object as PersistentVolumeClaim), rest(old as PersistentVolumeClaim))) return;
  const why = `node "${node}" is not allowed to update fields other than status.quantity and status.conditions`;
  throw forbidden(kind, name, why);
}

/** Beyond upstream: a node has removed the directory of a volume that is being deleted, and removes the finalizer for it. */
function admitVolume({ kind, name, object, old }: Write, node: string): void {
  const rest = ({ metadata, ...volume }: PersistentVolume) => {
    const { resourceVersion: _, managedFields: __, finalizers: ___, ...kept } = metadata ?? {};
    return { ...volume, metadata: kept };
  };
  const [now, before] = [object as PersistentVolume, old as PersistentVolume];
  const isOwn = before.metadata?.labels?.[nodeLabel] === node && before.metadata.deletionTimestamp !== undefined;
  const left = (before.metadata?.finalizers ?? []).filter((finalizer) => finalizer !== directoryProvisioner);
  if (isOwn && isDeepStrictEqual(now.metadata?.finalizers ?? [], left) && equalJson(rest(now), rest(before))) return;
  const why = `node "${node}" may only remove the finalizer ${directoryProvisioner} of its own volumes that are being deleted`;
  throw forbidden(kind, name, why);
}

/** The authorizer decides about the other operations; a deletion of a collection is checked for each object. */
function admitSlice({ kind, name, operation, object, old }: Write, node: string): void {
  const slice = (operation === 'create' ? object : operation === 'delete' ? old : undefined) as
    | ResourceSlice
    | undefined;
  if (!slice || slice.spec?.nodeName === node) return;
  throw forbidden(kind, name, `can only ${operation} ResourceSlice with the same NodeName as the requesting node`);
}

function admitNode(write: Write, node: string): void {
  const { kind, name, operation } = write;
  if (name !== node) throw forbidden(kind, name, `node "${node}" is not allowed to modify node "${name}"`);
  if (operation === 'delete') return;
  const refusal = changeRefusal(node, write.object as Node, write.old as Node | undefined);
  if (refusal) throw forbidden(kind, name, refusal);
}

/** Why the node may not write its Node so; undefined when it may. `old` is absent when it registers. */
function changeRefusal(node: string, object: Node, old: Node | undefined): string | undefined {
  const { spec, metadata } = object;
  if (spec?.configSource && !isDeepStrictEqual(spec.configSource, old?.spec?.configSource)) {
    return old
      ? `node "${node}" is not allowed to update configSource to a new non-nil configSource`
      : `node "${node}" is not allowed to create pods with a non-nil configSource`;
  }
  // Beyond upstream: every other node routes packets for this range to the node that has it.
  if (!isDeepStrictEqual(spec?.podCIDRs ?? [], old?.spec?.podCIDRs ?? []) || spec?.podCIDR !== old?.spec?.podCIDR) {
    return `node "${node}" is not allowed to set its podCIDRs`;
  }
  // Beyond upstream: the signer trusts these names and addresses for the node's serving certificate.
  if (!isDeepStrictEqual(object.status?.addresses, old?.status?.addresses)) {
    const foreign = (object.status?.addresses ?? []).find(({ type, address }) => {
      return type === 'Hostname' ? address !== node : type !== 'InternalIP';
    });
    if (foreign)
      return `node "${node}" is not allowed to report the ${foreign.type} ${JSON.stringify(foreign.address)}`;
  }
  // A node sets its first taints when it registers; later only administrators and controllers may change them.
  if (old && !isDeepStrictEqual(spec?.taints ?? [], old.spec?.taints ?? [])) {
    return `node "${node}" is not allowed to modify taints`;
  }
  // A missing owner would make the garbage collector delete the Node, and a new one may have other labels and taints.
  if (old && !isDeepStrictEqual(metadata?.ownerReferences ?? [], old.metadata?.ownerReferences ?? [])) {
    return `node "${node}" is not allowed to modify ownerReferences`;
  }
  const labels = forbiddenNodeLabels(changedLabels(object, old)).join(', ');
  if (labels === '') return undefined;
  return old
    ? `is not allowed to modify labels: ${labels}`
    : `node "${node}" is not allowed to set the following labels: ${labels}`;
}

/** Names of the labels that are added, changed or removed. */
function changedLabels(object: KubeObject, old: KubeObject | undefined): string[] {
  const after = object.metadata?.labels ?? {};
  const before = old?.metadata?.labels ?? {};
  return Object.keys({ ...before, ...after }).filter((name) => before[name] !== after[name]);
}
