// A volume that carries labels of a zone or region is usable only there.
import { isDeepStrictEqual } from 'node:util';
import type { PersistentVolume } from '../../api/persistent-volume';
import { classOf } from '../../api/volumes/class-name';
import { always } from '../events';
import type { ClusterVolumes } from '../volumes/cluster-volumes';
import { usesClaim } from '../volumes/uses';
import { never, type PodVerdict, type SchedulerPlugin } from './plugin';

/** Old label → stable label. */
const stableLabels: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
};
const topologyLabels = [...Object.keys(stableLabels), ...Object.values(stableLabels)];

interface Topology {
  readonly key: string;
  readonly values: readonly string[];
}

export const volumeZone = (volumes: ClusterVolumes): SchedulerPlugin => ({
  name: 'VolumeZone',
  helpedBy: {
    'class-added': (_, { object }) => object.volumeBindingMode === 'WaitForFirstConsumer',
    'node-added': always,
    'node-labels': always,
    'claim-added': (pod, { object }) => usesClaim(pod, object),
    'claim-updated': (pod, { object }) => usesClaim(pod, object),
    'volume-added': always,
    'volume-updated': (_, { object, previous }) => !isDeepStrictEqual(topologiesOf(object), topologiesOf(previous)),
  },
  filter({ pod }) {
    const topologies: Topology[] = [];
    for (const { name, ephemeral } of pod.claims) {
      if (ephemeral) continue;
      const found = topologiesOfClaim(volumes, pod.namespace, name);
      if ('refusal' in found) return found;
      topologies.push(...found);
    }
    if (topologies.length === 0) return undefined;
    return ({ labels }) => {
      // Nodes without such labels are those of a cluster without zones.
      if (topologyLabels.every((key) => labels[key] === undefined)) return undefined;
      const reached = topologies.every(({ key, values }) => {
        const value = labels[key] ?? labels[stableLabels[key] ?? key];
        return value !== undefined && values.includes(value);
      });
      return reached ? undefined : never('node(s) had no available volume zone');
    };
  },
});

function topologiesOfClaim(
  volumes: ClusterVolumes,
  namespace: string,
  name: string,
): readonly Topology[] | Required<Pick<PodVerdict, 'refusal'>> {
  const claim = volumes.informers.claims.get(`${namespace}/${name}`);
  if (!claim) return { refusal: never(`persistentvolumeclaim "${name}" not found`) };
  const volumeName = claim.spec?.volumeName;
  if (volumeName) {
    const volume = volumes.informers.volumes.get(volumeName);
    return volume ? topologiesOf(volume) : { refusal: never(`persistentvolume "${volumeName}" not found`) };
  }
  const className = classOf(claim) ?? '';
  if (className === '') return { refusal: never('PersistentVolumeClaim had no pv name and storageClass name') };
  const storageClass = volumes.storageClass(className);
  if (!storageClass) return { refusal: never(`storageclass.storage.k8s.io "${className}" not found`) };
  // A claim that waits for the pod has no volume yet.
  if (storageClass.volumeBindingMode === 'WaitForFirstConsumer') return [];
  return { refusal: never('PersistentVolume had no name') };
}

/** A label may name several zones: `a__b`. A label with an empty name does not count. */
function topologiesOf({ metadata }: PersistentVolume): readonly Topology[] {
  return topologyLabels.flatMap((key) => {
    const text = metadata?.labels?.[key];
    const values = text?.split('__').map((zone) => zone.trim()) ?? [''];
    return values.includes('') ? [] : [{ key, values }];
  });
}
