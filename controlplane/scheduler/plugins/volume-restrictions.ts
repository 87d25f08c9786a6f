// Volumes that two pods must not use at once: a claim with access mode ReadWriteOncePod anywhere in the cluster, and disks of some kinds
// on one node.
import { always } from '../events';
import type { PodInfo, Volume } from '../pod-info';
import type { ClusterVolumes } from '../volumes/cluster-volumes';
import { usesClaim } from '../volumes/uses';
import { never, notNow, type SchedulerPlugin, type SchedulingCycle } from './plugin';

const inUse =
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod';

export const volumeRestrictions = (volumes: ClusterVolumes): SchedulerPlugin => ({
  name: 'VolumeRestrictions',
  helpedBy: {
    'node-added': always,
    'claim-added': (pod, { object }) => usesClaim(pod, object),
    'pod-removed': (pod, { pod: removed }) =>
      pod.namespace === removed.namespace &&
      (disksClash(pod, removed) || named(pod).some((name) => named(removed).includes(name))),
  },
  filter(cycle) {
    const { pod } = cycle;
    const names = named(pod);
    const claims = names.map((name) => volumes.informers.claims.get(`${pod.namespace}/${name}`));
    const missing = claims.indexOf(undefined);
    if (missing >= 0) return { refusal: never(`persistentvolumeclaim "${names[missing]}" not found`) };
    const single = names.filter((_, i) => claims[i]?.spec?.accessModes?.includes('ReadWriteOncePod'));
    const conflicts = single.some((name) => isUsed(cycle, name));
    if (pod.disks.length === 0) return conflicts ? () => notNow(inUse) : undefined;
    return (node) => {
      for (const other of node.pods.values())
        if (disksClash(pod, other)) return notNow('node(s) had no available disk');
      return conflicts ? notNow(inUse) : undefined;
    };
  },
});

/** The claims that the pod names; those of its generic ephemeral volumes are its own. */
const named = ({ claims }: PodInfo): readonly string[] =>
  claims.filter(({ ephemeral }) => !ephemeral).map(({ name }) => name);

function isUsed({ pod, nodes }: SchedulingCycle, claim: string): boolean {
  for (const { withClaims } of nodes) {
    for (const other of withClaims.values()) {
      if (other.namespace === pod.namespace && named(other).includes(claim)) return true;
    }
  }
  return false;
}

const disksClash = (pod: PodInfo, other: PodInfo): boolean =>
  pod.disks.some((disk) => other.disks.some((used) => clashes(disk, used)));

/** The same disk, unless all its pods only read; a disk of AWS has one pod in any case. */
function clashes(a: Volume, b: Volume): boolean {
  const { gcePersistentDisk: gce, awsElasticBlockStore: aws, iscsi, rbd } = a;
  if (gce && b.gcePersistentDisk) {
    return gce.pdName === b.gcePersistentDisk.pdName && !(gce.readOnly && b.gcePersistentDisk.readOnly);
  }
  if (aws && b.awsElasticBlockStore) return aws.volumeID === b.awsElasticBlockStore.volumeID;
  if (iscsi && b.iscsi) return iscsi.iqn === b.iscsi.iqn && !(iscsi.readOnly && b.iscsi.readOnly);
  if (rbd && b.rbd) {
    const others = new Set(b.rbd.monitors);
    const sameDisk = rbd.monitors.some((monitor) => others.has(monitor)) && rbd.pool === b.rbd.pool;
    return sameDisk && rbd.image === b.rbd.image && !(rbd.readOnly && b.rbd.readOnly);
  }
  return false;
}
