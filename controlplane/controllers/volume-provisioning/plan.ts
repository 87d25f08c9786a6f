// The volume of k8ts.io/directory that a claim gets: on which node, and why there is none. Pure.
import { isReady } from '../../api/conditions';
import type { Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../api/index';
import {
  annotationOf,
  directoryProvisioner,
  nodeLabel,
  provisionedBy,
  selectedNode,
  storageProvisioner,
  volumesDirectory,
} from '../../api/volumes/binding';
import { allowsTopology } from '../../api/volumes/topology';
import { isDeleting, metaOf } from '../shared/owner';

export const hostnameLabel = 'kubernetes.io/hostname';
const protection = 'kubernetes.io/pv-protection';

export interface ProvisioningFacts {
  readonly claim: PersistentVolumeClaim;
  /** The class that the claim names, if it exists. */
  readonly storageClass: StorageClass | undefined;
  readonly nodes: readonly Node[];
  /** How many volumes of the provisioner are on a node. */
  readonly volumesOn: (node: string) => number;
}

export type ProvisioningStep =
  | { readonly action: 'nothing' }
  | { readonly action: 'create'; readonly volume: PersistentVolume }
  /** `reschedule`: the chosen node will not do, so the scheduler must choose again. */
  | { readonly action: 'fail'; readonly message: string; readonly reschedule: boolean };

const nothing: ProvisioningStep = { action: 'nothing' };

/** Whether the controller must do something for the claim: the binder writes the annotation when no other volume fits. */
export const wantsDirectory = (claim: PersistentVolumeClaim): boolean =>
  annotationOf(claim, storageProvisioner) === directoryProvisioner && !claim.spec?.volumeName && !isDeleting(claim);

export const volumeNameFor = (claim: PersistentVolumeClaim): string => `pvc-${metaOf(claim).uid}`;

export function planProvisioning(facts: ProvisioningFacts): ProvisioningStep {
  const { claim, storageClass, nodes } = facts;
  if (!storageClass || storageClass.provisioner !== directoryProvisioner || !wantsDirectory(claim)) return nothing;
  const chosen = annotationOf(claim, selectedNode);
  if (chosen === undefined && storageClass.volumeBindingMode === 'WaitForFirstConsumer') return nothing;
  const { dataSource, dataSourceRef } = claim.spec ?? {};
  if (dataSource ?? dataSourceRef) {
    const message = `plugin "${directoryProvisioner}" is not a CSI plugin. Only CSI plugin can provision a claim with a datasource`;
    return { action: 'fail', message, reschedule: false };
  }
  const failure = (why: string, reschedule = false): ProvisioningStep => ({
    action: 'fail',
    message: `Failed to provision volume with StorageClass "${metaOf(storageClass).name}": ${why}`,
    reschedule,
  });
  const why = unsupported(claim, storageClass);
  if (why !== undefined) return failure(why);
  if (chosen === undefined) {
    const node = chooseNode(facts, storageClass);
    if (node) return { action: 'create', volume: renderVolume(claim, storageClass, node) };
    return failure('no node is ready that the class allows and that has a directory for volumes');
  }
  const node = nodes.find(({ metadata }) => metadata?.name === chosen);
  if (!node)
    return { action: 'fail', message: `Failed to get target node: node "${chosen}" not found`, reschedule: true };
  const refusal = nodeRefusal(node, storageClass);
  if (refusal !== undefined) return failure(`node "${chosen}" ${refusal}`, true);
  return { action: 'create', volume: renderVolume(claim, storageClass, node) };
}

/** What the provisioner cannot do. */
function unsupported({ spec }: PersistentVolumeClaim, { parameters = {} }: StorageClass): string | undefined {
  if (spec?.volumeMode === 'Block') return 'a directory cannot be a block device: volumeMode must be Filesystem';
  if (spec?.selector) return 'claim.spec.selector is not supported: no volume is made for labels';
  if (spec?.volumeAttributesClassName) return 'claim.spec.volumeAttributesClassName is not supported';
  const [parameter] = Object.keys(parameters);
  return parameter === undefined ? undefined : `unknown parameter "${parameter}"`;
}

/** Why a volume cannot be on the node, whatever its condition is. */
function nodeRefusal(node: Node, storageClass: StorageClass): string | undefined {
  const labels = node.metadata?.labels ?? {};
  if (!isPath(annotationOf(node, volumesDirectory))) return 'has no directory for volumes';
  if (!labels[hostnameLabel]) return `has no label ${hostnameLabel}`;
  return allowsTopology(storageClass, labels) ? undefined : 'is not in the allowedTopologies of the class';
}

const isPath = (path = ''): boolean => path.startsWith('/') && !path.split('/').includes('..');

/** Of the nodes that may take a pod, the one with the fewest volumes; then by name. */
function chooseNode({ nodes, volumesOn }: ProvisioningFacts, storageClass: StorageClass): Node | undefined {
  const name = (node: Node) => metaOf(node).name;
  return nodes
    .filter((node) => isReady(node) && !node.spec?.unschedulable && !isDeleting(node))
    .filter((node) => nodeRefusal(node, storageClass) === undefined)
    .sort((a, b) => volumesOn(name(a)) - volumesOn(name(b)) || (name(a) < name(b) ? -1 : 1))[0];
}

function renderVolume(claim: PersistentVolumeClaim, storageClass: StorageClass, node: Node): PersistentVolume {
  const { name: claimName, namespace = '', uid, resourceVersion } = metaOf(claim);
  const name = volumeNameFor(claim);
  const hostname = node.metadata?.labels?.[hostnameLabel] ?? '';
  const { mountOptions, reclaimPolicy = 'Delete' } = storageClass;
  const matchExpressions = [{ key: hostnameLabel, operator: 'In', values: [hostname] }];
  return {
    metadata: {
      name,
      labels: { [nodeLabel]: metaOf(node).name },
      annotations: { [provisionedBy]: directoryProvisioner },
      finalizers: [protection, directoryProvisioner],
    },
    spec: {
      accessModes: claim.spec?.accessModes ?? [],
      capacity: { storage: claim.spec?.resources?.requests?.['storage'] ?? '0' },
      claimRef: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        name: claimName,
        namespace,
        uid,
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
      local: { path: `${annotationOf(node, volumesDirectory)}/${name}` },
      ...(mountOptions ? { mountOptions } : {}),
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
      persistentVolumeReclaimPolicy: reclaimPolicy,
      storageClassName: metaOf(storageClass).name,
      volumeMode: 'Filesystem',
    },
  };
}

/** Whether the finalizer of a deleted volume waits for a node; `node` is its name. */
export function waitsForNode(volume: PersistentVolume): { readonly node: string } | undefined {
  const { labels, finalizers = [] } = volume.metadata ?? {};
  const node = labels?.[nodeLabel];
  return node !== undefined && isDeleting(volume) && finalizers.includes(directoryProvisioner) ? { node } : undefined;
}
