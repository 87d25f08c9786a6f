// Which volumes the claims of a pod get on one node: those they have, free ones, or new ones. Pure.
import type { CSIStorageCapacity } from '../../api/csi-storage-capacity';
import type { PersistentVolume } from '../../api/persistent-volume';
import type { PersistentVolumeClaim } from '../../api/persistent-volume-claim';
import { compareQuantities, parseQuantity } from '../../api/quantity';
import { type Labels, matchesSelector, selectorFromLabelSelector } from '../../api/selector';
import type { StorageClass } from '../../api/storage-class';
import { objectKey } from '../../api/types';
import { selectedNode } from '../../api/volumes/binding';
import { classOf } from '../../api/volumes/class-name';
import { allowsTopology } from '../../api/volumes/topology';
import type { NodeInfo } from '../node-info';
import type { PodInfo } from '../pod-info';
import type { ClusterVolumes } from './cluster-volumes';
import {
  type Candidates,
  candidatesFor,
  chooseVolume,
  isFullyBound,
  noProvisioner,
  reaches,
  requestedStorage,
} from './match';

/** The claims of a pod and what each may get: the same for all nodes. */
export interface PodClaims {
  /** With their volumes; undefined where the volume does not exist. */
  readonly bound: readonly { readonly claim: PersistentVolumeClaim; readonly volume: PersistentVolume | undefined }[];
  /** Claims whose class waits for the pod, smallest first. */
  readonly delayed: readonly { readonly claim: PersistentVolumeClaim; readonly candidates: Candidates }[];
  /** A claim that a controller should have bound by now. */
  readonly unboundImmediate: boolean;
}

export interface VolumePlan {
  /** Volumes that exist and become those of the claims. */
  readonly bindings: readonly { readonly volume: PersistentVolume; readonly claim: PersistentVolumeClaim }[];
  /** Claims for which a volume must be made. */
  readonly provisions: readonly PersistentVolumeClaim[];
}

/** All claims of the pod must exist. */
export function gatherClaims(pod: PodInfo, volumes: ClusterVolumes): PodClaims {
  const bound: { claim: PersistentVolumeClaim; volume: PersistentVolume | undefined }[] = [];
  const delayed: { claim: PersistentVolumeClaim; candidates: Candidates }[] = [];
  let unboundImmediate = false;
  for (const { name } of pod.claims) {
    const claim = volumes.claim(`${pod.namespace}/${name}`)!;
    const className = classOf(claim) ?? '';
    const volumeName = claim.spec?.volumeName ?? '';
    if (isFullyBound(claim)) bound.push({ claim, volume: volumes.volume(volumeName) });
    else if (volumeName === '' && volumes.storageClass(className)?.volumeBindingMode === 'WaitForFirstConsumer') {
      delayed.push({ claim, candidates: candidatesFor(claim, volumes.volumesOf(className)) });
    } else unboundImmediate = true;
  }
  delayed.sort((a, b) => compareQuantities(requestedStorage(a.claim), requestedStorage(b.claim)));
  return { bound, delayed, unboundImmediate };
}

/** In upstream's words. */
export const refusals = {
  nodeConflict: "node(s) didn't match PersistentVolume's node affinity",
  noVolume: "node(s) didn't find available persistent volumes to bind",
  noSpace: 'node(s) did not have enough free storage',
  volumeMissing: 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)',
};

/** The volumes on this node, or the reasons why the node is not possible. */
export function planVolumes(
  { bound, delayed }: PodClaims,
  node: NodeInfo,
  volumes: ClusterVolumes,
): VolumePlan | readonly string[] {
  const reasons: string[] = [];
  let missing = false;
  // The first claim that fails decides, as upstream.
  for (const { volume } of bound) {
    if (volume && reaches(volume, node.labels)) continue;
    if (volume) reasons.push(refusals.nodeConflict);
    else missing = true;
    break;
  }
  const bindings: { volume: PersistentVolume; claim: PersistentVolumeClaim }[] = [];
  const provisions: PersistentVolumeClaim[] = [];
  const unmatched: PersistentVolumeClaim[] = [];
  const taken = new Set<string>();
  let refusal: string | undefined;
  for (const { claim, candidates } of delayed) {
    const selected = claim.metadata?.annotations?.[selectedNode];
    if (selected !== undefined) {
      if (selected !== node.name) refusal = refusals.noVolume;
      provisions.push(claim);
      continue;
    }
    const volume = chooseVolume(candidates, node.labels, taken);
    if (!volume) {
      unmatched.push(claim);
      continue;
    }
    taken.add(volume.metadata?.name ?? '');
    bindings.push({ volume, claim });
  }
  provisions.push(...unmatched);
  for (const claim of refusal ? [] : provisions) {
    refusal = whyNotProvisioned(claim, node, volumes);
    if (refusal) break;
  }
  if (refusal) reasons.push(refusal);
  if (missing) reasons.push(refusals.volumeMissing);
  return reasons.length > 0 ? reasons : { bindings, provisions };
}

function whyNotProvisioned(claim: PersistentVolumeClaim, node: NodeInfo, volumes: ClusterVolumes): string | undefined {
  const storageClass = volumes.storageClass(classOf(claim) ?? '');
  if (!storageClass || storageClass.provisioner === noProvisioner) return refusals.noVolume;
  if (!allowsTopology(storageClass, node.labels)) return refusals.noVolume;
  return hasCapacity(claim, storageClass, node.labels, volumes) ? undefined : refusals.noSpace;
}

/** Only drivers that report their capacity are asked for it (KEP-1472). */
function hasCapacity(
  claim: PersistentVolumeClaim,
  { metadata, provisioner }: StorageClass,
  labels: Labels,
  { informers }: ClusterVolumes,
): boolean {
  if (informers.csiDrivers.get(provisioner)?.spec.storageCapacity !== true) return true;
  const wanted = requestedStorage(claim);
  return informers.capacities.list().some((capacity) => {
    const limit = capacity.maximumVolumeSize ?? capacity.capacity;
    if (capacity.storageClassName !== metadata?.name || limit === undefined) return false;
    return compareQuantities(parseQuantity(limit), wanted) >= 0 && hasAccess(capacity, labels);
  });
}

function hasAccess({ nodeTopology }: CSIStorageCapacity, labels: Labels): boolean {
  const selector = selectorFromLabelSelector(nodeTopology);
  return selector !== undefined && matchesSelector(selector, labels);
}

export const claimKey = (claim: PersistentVolumeClaim): string => objectKey(claim);
