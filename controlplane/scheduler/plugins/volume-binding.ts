// The claims of a pod get their volumes with the node: bound volumes refuse nodes that do not reach them; claims whose class waits for the
// pod get a free volume, or a new one that the node can reach.
import { isDeepStrictEqual } from 'node:util';
import type { CSIStorageCapacity } from '../../api/csi-storage-capacity';
import { compareQuantities, parseQuantity } from '../../api/quantity';
import type { Clock } from '../../base/clock';
import type { Client } from '../../client/client';
import { always } from '../events';
import type { NodeInfo } from '../node-info';
import type { PodInfo } from '../pod-info';
import { bindVolumes, type PlannedObjects, plannedObjects } from '../volumes/bind';
import type { ClusterVolumes } from '../volumes/cluster-volumes';
import { notOwner } from '../volumes/match';
import { gatherClaims, planVolumes } from '../volumes/plan';
import { usesClaim } from '../volumes/uses';
import { never, type SchedulerPlugin } from './plugin';

export interface VolumeBindingDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly volumes: ClusterVolumes;
}

export interface VolumeBindingArgs {
  /** How long a pod waits for its volumes; then it is scheduled again. */
  readonly bindTimeoutSeconds: number;
}

export const volumeBindingDefaults: VolumeBindingArgs = { bindTimeoutSeconds: 600 };

export function volumeBinding(
  { client, clock, volumes }: VolumeBindingDeps,
  { bindTimeoutSeconds }: VolumeBindingArgs = volumeBindingDefaults,
): SchedulerPlugin {
  /** What is decided but not bound yet, by the uid of the pod. */
  const reserved = new Map<string, { readonly planned: PlannedObjects; readonly node: NodeInfo }>();
  return {
    name: 'VolumeBinding',
    helpedBy: {
      'node-added': always,
      'node-labels': always,
      'claim-added': (pod, { object }) => usesClaim(pod, object),
      'claim-updated': (pod, { object }) => usesClaim(pod, object),
      'volume-added': always,
      'volume-updated': always,
      'class-added': always,
      'class-updated': (_, { object, previous }) =>
        !isDeepStrictEqual(object.allowedTopologies, previous.allowedTopologies),
      'csi-driver-updated': (_, { object, previous }) =>
        previous.spec.storageCapacity === true && object.spec.storageCapacity !== true,
      'csi-capacity-added': always,
      'csi-capacity-updated': (_, { object, previous }) => hasGrown(object, previous),
    },
    filter({ pod }) {
      if (pod.claims.length === 0) return undefined;
      const unusable = whyUnusable(pod, volumes);
      if (unusable !== undefined) return { refusal: never(unusable) };
      const claims = gatherClaims(pod, volumes);
      if (claims.unboundImmediate) return { refusal: never('pod has unbound immediate PersistentVolumeClaims') };
      return (node) => {
        const plan = planVolumes(claims, node, volumes);
        return 'bindings' in plan ? undefined : { reasons: plan, resolvable: false };
      };
    },
    reserve(pod, node) {
      if (pod.claims.length === 0) return () => undefined;
      const plan = planVolumes(gatherClaims(pod, volumes), node, volumes);
      if (!('bindings' in plan)) throw new Error(plan.join(', '));
      if (plan.bindings.length + plan.provisions.length === 0) return () => undefined;
      const planned = plannedObjects(plan, node.name);
      for (const { volume } of planned.bindings) volumes.assumeVolume(volume);
      for (const claim of planned.provisions) volumes.assumeClaim(claim);
      reserved.set(pod.uid, { planned, node });
      return () => {
        reserved.delete(pod.uid);
        volumes.restore(
          planned.bindings.map(({ volume }) => volume),
          planned.provisions,
        );
      };
    },
    needsPreBind: ({ uid }) => reserved.has(uid),
    async preBind({ uid }, _, signal) {
      const found = reserved.get(uid);
      if (!found) return;
      await bindVolumes(
        { client, clock, volumes, timeoutMs: bindTimeoutSeconds * 1000 },
        found.planned,
        found.node,
        signal,
      );
      reserved.delete(uid);
    },
  };
}

/** In upstream's words: why a claim of the pod cannot be used now, whatever the node. */
function whyUnusable(pod: PodInfo, volumes: ClusterVolumes): string | undefined {
  for (const { name, ephemeral } of pod.claims) {
    const claim = volumes.informers.claims.get(`${pod.namespace}/${name}`);
    if (!claim) {
      return ephemeral
        ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
        : `persistentvolumeclaim "${name}" not found`;
    }
    if (claim.status?.phase === 'Lost') {
      return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName ?? ''}"`;
    }
    if (claim.metadata?.deletionTimestamp !== undefined) return `persistentvolumeclaim "${name}" is being deleted`;
    const why = ephemeral ? notOwner(claim, pod) : undefined;
    if (why !== undefined) return why;
  }
  return undefined;
}

function hasGrown(now: CSIStorageCapacity, before: CSIStorageCapacity): boolean {
  const [limit, old] = [now, before].map(({ maximumVolumeSize, capacity }) => maximumVolumeSize ?? capacity);
  if (limit === undefined) return false;
  return old === undefined || compareQuantities(parseQuantity(limit), parseQuantity(old)) > 0;
}
