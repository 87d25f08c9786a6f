// How many volumes of a CSI driver a node can have at once, as its CSINode says (KEP-554).
import type { CSINode } from '../../api/csi-node';
import type { PersistentVolumeClaim } from '../../api/persistent-volume-claim';
import { classOf } from '../../api/volumes/class-name';
import { always } from '../events';
import type { NodeInfo } from '../node-info';
import type { PodInfo } from '../pod-info';
import { attachmentsByNode, type ClusterVolumes } from '../volumes/cluster-volumes';
import { usesClaim } from '../volumes/uses';
import { type NodeRefusal, notNow, type SchedulerPlugin } from './plugin';

export const nodeVolumeLimits = (volumes: ClusterVolumes): SchedulerPlugin => ({
  name: 'NodeVolumeLimits',
  helpedBy: {
    'node-added': always,
    'csi-node-added': always,
    'csi-node-updated': (_, { object, previous }) => raisesLimit(object, previous),
    'pod-removed': (_, { pod }) => pod.claims.length > 0,
    'claim-added': (pod, { object }) => usesClaim(pod, object),
    'attachment-removed': ({ claims }) => claims.length > 0,
  },
  filter({ pod }) {
    if (pod.claims.length === 0) return undefined;
    const wanted = volumesOf(pod, volumes);
    return wanted.size === 0 ? undefined : (node) => check(node, wanted, volumes);
  },
});

/** Volume → its driver. */
type Volumes = ReadonlyMap<string, string>;

function check(node: NodeInfo, wanted: Volumes, volumes: ClusterVolumes): NodeRefusal | undefined {
  const limits = limitsOf(volumes.informers.csiNodes.get(node.name));
  if (limits.size === 0) return undefined;
  const used = new Map(attachedTo(node, volumes));
  for (const other of node.withClaims.values()) {
    for (const [volume, driver] of volumesOf(other, volumes)) used.set(volume, driver);
  }
  const counts = new Map<string, number>();
  for (const driver of used.values()) counts.set(driver, (counts.get(driver) ?? 0) + 1);
  const added = new Map<string, number>();
  for (const [volume, driver] of wanted) if (!used.has(volume)) added.set(driver, (added.get(driver) ?? 0) + 1);
  for (const [driver, count] of added) {
    const limit = limits.get(driver);
    if (limit !== undefined && (counts.get(driver) ?? 0) + count > limit) {
      return notNow('node(s) exceed max volume count');
    }
  }
  return undefined;
}

function limitsOf(node: CSINode | undefined): ReadonlyMap<string, number> {
  const drivers = node?.spec.drivers ?? [];
  return new Map(
    drivers.flatMap(({ name, allocatable }) => (allocatable?.count === undefined ? [] : [[name, allocatable.count]])),
  );
}

const raisesLimit = (now: CSINode, before: CSINode): boolean => {
  const old = limitsOf(before);
  return [...limitsOf(now)].some(([driver, limit]) => limit > (old.get(driver) ?? 0));
};

/** The volumes of CSI drivers that the pod uses. Claims that do not exist, or that are those of another pod, do not count. */
function volumesOf(pod: PodInfo, volumes: ClusterVolumes): Volumes {
  const result = new Map<string, string>();
  for (const { name } of pod.claims) {
    const claim = volumes.claim(`${pod.namespace}/${name}`);
    const found = claim && volumeOf(claim, volumes);
    if (found) result.set(found.id, found.driver);
  }
  return result;
}

function volumeOf(claim: PersistentVolumeClaim, volumes: ClusterVolumes): { id: string; driver: string } | undefined {
  const name = claim.spec?.volumeName;
  const volume = name ? volumes.volume(name) : undefined;
  if (volume) {
    const { driver, volumeHandle } = volume.spec?.csi ?? {};
    return driver && volumeHandle ? { id: `${driver}/${volumeHandle}`, driver } : undefined;
  }
  // The volume will be made: it counts for the driver of the class. No handle of a driver starts with two slashes.
  const driver = volumes.storageClass(classOf(claim) ?? '')?.provisioner;
  return driver ? { id: `${driver}//${claim.metadata?.namespace}/${claim.metadata?.name}`, driver } : undefined;
}

/** Volumes that are attached though no pod of the node uses them any more, or yet. */
function attachedTo({ name }: NodeInfo, volumes: ClusterVolumes): Volumes {
  const result = new Map<string, string>();
  for (const { spec } of volumes.informers.attachments.by(attachmentsByNode, name)) {
    const volume = spec.source.persistentVolumeName;
    const handle = volume === undefined ? undefined : volumes.volume(volume)?.spec?.csi?.volumeHandle;
    if (handle !== undefined) result.set(`${spec.attacher}/${handle}`, spec.attacher);
  }
  return result;
}
